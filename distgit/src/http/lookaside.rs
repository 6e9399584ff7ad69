//! Files of the lookaside cache, by their hash.

use std::io;

use actix_web::{
    HttpResponse,
    body::SizedStream,
    http::{StatusCode, header},
    web::{self, Bytes},
};
use bytes::BytesMut;
use coppice_model::{OwnerName, PackageName, ProjectName};
use futures_util::{Stream, stream};
use serde::Deserialize;
use tokio::{fs::File, io::AsyncReadExt};

use super::{Pages, sentence};

const CHUNK_BYTES: usize = 128 << 10;

/// The names are checked by their types; the content is the same for all of them.
#[derive(Debug, Deserialize)]
pub(super) struct FilePath {
    #[serde(rename = "owner")]
    _owner: OwnerName,
    #[serde(rename = "project")]
    _project: ProjectName,
    #[serde(rename = "package")]
    _package: PackageName,
    file: String,
    hash: String,
    same_file: String,
}

pub(super) async fn file(pages: web::Data<Pages>, path: web::Path<FilePath>) -> HttpResponse {
    pages.requests.with_label_values(&["lookaside"]).inc();
    match open(&pages, &path).await {
        Ok(Some((file, length))) => HttpResponse::Ok()
            .content_type("application/octet-stream")
            .insert_header((header::CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(SizedStream::new(length, chunks(file))),
        Ok(None) => sentence(StatusCode::NOT_FOUND, "There is no such file\n"),
        Err(error) => {
            tracing::error!(%error, "could not read the lookaside cache");
            sentence(StatusCode::INTERNAL_SERVER_ERROR, "The server could not read the file\n")
        }
    }
}

async fn open(pages: &Pages, path: &FilePath) -> io::Result<Option<(File, u64)>> {
    let Ok(hash) = path.hash.parse() else { return Ok(None) };
    if path.file != path.same_file {
        return Ok(None);
    }
    match File::open(pages.lookaside.path(&hash)).await {
        Ok(file) => {
            let length = file.metadata().await?.len();
            Ok(Some((file, length)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn chunks(file: File) -> impl Stream<Item = io::Result<Bytes>> {
    stream::unfold(file, |mut file| async {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        match file.read_buf(&mut chunk).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(chunk.freeze()), file)),
            Err(error) => Some((Err(error), file)),
        }
    })
}
