//! Uploaded files: streamed to disk, served to our own services, gone when the request breaks.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use actix_web::{
    HttpResponse,
    body::SizedStream,
    http::header::{ContentDisposition, DispositionParam, DispositionType},
    web::{self, Data},
};
use bytes::Bytes;
use coppice_model::UnixTime;
use coppice_runtime::{Stop, files, logging::with_causes, secret};
use coppice_store::{StoreError, builds};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{App, api::ApiError, web::Web};

const PART: &str = ".part";
const CHUNK: usize = 64 << 10;
const NAME_MAX: usize = 200;
const CLEAN_EVERY: Duration = Duration::from_secs(600);
/// What no build waits for stays so long, because its build may just be made.
const KEPT_S: i64 = 3_600;
/// So much of a refused upload is still read, because most clients read no answer before they sent all.
const READ_ON: u64 = 64 << 20;

/// The folder of uploads: one folder with a random name for each file.
#[derive(Debug, Clone)]
pub struct Uploads {
    root: PathBuf,
    pub limit_bytes: u64,
    /// Longest pause between two pieces.
    pub pause: Duration,
}

/// One received file. It is removed with its folder unless it is kept.
#[derive(Debug)]
pub struct Upload {
    folder: PathBuf,
    /// The random name of the folder.
    dir: String,
    pub file_name: String,
    kept: bool,
}

impl Upload {
    /// `<folder>/<file name>`: what follows `/tmp/` in its address.
    pub fn path(&self) -> String {
        format!("{}/{}", self.dir, self.file_name)
    }

    /// The content of a file that is text and not larger than this.
    pub async fn text(&self, most_bytes: u64) -> Result<String, ApiError> {
        let path = self.folder.join(&self.file_name);
        let size = tokio::fs::metadata(&path).await.map_err(ApiError::internal)?.len();
        if size > most_bytes {
            return Err(ApiError::TooLarge { limit_bytes: most_bytes });
        }
        let bytes = tokio::fs::read(&path).await.map_err(ApiError::internal)?;
        let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
        text.ok_or_else(|| ApiError::BadRequest(format!("{}: not a text in UTF-8", self.file_name)))
    }

    /// From now on somebody else knows the file and removes it when it is of no more use.
    pub fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = files::remove_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "could not remove a broken upload");
        }
    }
}

impl Uploads {
    /// Opens the folder; other frontends may write to it too.
    pub fn open(root: PathBuf, limit_bytes: u64, pause: Duration) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self { root, limit_bytes, pause })
    }

    /// Receives a whole file: written, synced and under its own name when this returns.
    pub async fn receive<S, E>(&self, named: &str, mut stream: S) -> Result<Upload, ApiError>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        ApiError: From<E>,
    {
        let upload = self.begin(named).map_err(ApiError::internal)?;
        let part = upload.folder.join(PART);
        let mut file = tokio::fs::File::create(&part).await.map_err(ApiError::internal)?;
        let mut size = 0;
        while let Some(piece) = in_time(self.pause, stream.next()).await? {
            let piece = piece?;
            size += piece.len() as u64;
            if size > self.limit_bytes {
                drop(upload);
                return Err(self.too_large(stream).await);
            }
            file.write_all(&piece).await.map_err(ApiError::internal)?;
        }
        file.sync_all().await.map_err(ApiError::internal)?;
        web::block(move || upload.finish()).await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }

    fn begin(&self, named: &str) -> io::Result<Upload> {
        let dir: String = secret::random_token().chars().take(32).collect();
        let folder = self.root.join(&dir);
        fs::create_dir(&folder)?;
        Ok(Upload { folder, dir, file_name: plain_name(named), kept: false })
    }

    async fn too_large<S, E>(&self, mut stream: S) -> ApiError
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
    {
        let mut more = 0;
        while let Ok(Some(Ok(piece))) = in_time(self.pause, stream.next()).await {
            more += piece.len() as u64;
            if more > READ_ON {
                break;
            }
        }
        ApiError::TooLarge { limit_bytes: self.limit_bytes }
    }

    /// Answers with a stored file, for distgit and builders.
    pub async fn serve(&self, dir: &str, file_name: &str) -> Option<HttpResponse> {
        let plain = dir.bytes().all(|b| b.is_ascii_hexdigit()) && plain_name(file_name) == file_name;
        let path = self.root.join(dir).join(file_name);
        let file = tokio::fs::File::open(path).await.ok().filter(|_| plain && !dir.is_empty())?;
        let meta = file.metadata().await.ok().filter(std::fs::Metadata::is_file)?;
        let attachment = ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(file_name.to_owned())],
        };
        let answer = HttpResponse::Ok()
            .content_type("application/octet-stream")
            .insert_header(attachment)
            .body(SizedStream::new(meta.len(), Box::pin(pieces(file))));
        Some(answer)
    }

    /// Removes what no build waits for and nobody wrote to since `before`. `awaited` holds paths.
    pub fn prune(&self, awaited: &[String], before: UnixTime) -> io::Result<()> {
        let is_awaited = |dir: &str| awaited.iter().any(|path| path.split('/').next() == Some(dir));
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let awaited = entry.file_name().to_str().is_some_and(is_awaited);
            if !awaited && changed_at(&entry.path())? < before {
                files::remove_all(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Removes imported files, and those that a killed process left without a build.
pub async fn keep_clean(app: Data<App>, web: Data<Web>, stop: Stop) {
    loop {
        if let Err(error) = clean(&app, &web).await {
            tracing::warn!(error = %with_causes(&error), "could not remove old uploads; trying again later");
        }
        if !stop.sleep(CLEAN_EVERY).await {
            return;
        }
    }
}

async fn clean(app: &App, web: &Data<Web>) -> Result<(), CleanError> {
    let before = app.clock.now().plus_seconds(-KEPT_S);
    let awaited = app.store.read(builds::list_awaited_uploads).await?;
    let web = web.clone();
    web::block(move || web.uploads.prune(&awaited, before)).await.map_err(io::Error::other)??;
    Ok(())
}

#[derive(Debug, thiserror::Error)]
enum CleanError {
    #[error("asking which uploads are needed")]
    Store(#[from] StoreError),
    #[error("removing the others")]
    Remove(#[from] io::Error),
}

/// When the folder or a file in it was last written to.
fn changed_at(folder: &Path) -> io::Result<UnixTime> {
    let mut latest = modified(&fs::metadata(folder)?)?;
    for entry in fs::read_dir(folder)? {
        latest = latest.max(modified(&entry?.metadata()?)?);
    }
    Ok(latest)
}

fn modified(meta: &fs::Metadata) -> io::Result<UnixTime> {
    let since = meta.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
}

impl Upload {
    fn finish(self) -> io::Result<Self> {
        fs::rename(self.folder.join(PART), self.folder.join(&self.file_name))?;
        files::sync_dir(&self.folder)?;
        if let Some(root) = self.folder.parent() {
            files::sync_dir(root)?;
        }
        Ok(self)
    }
}

/// A name that is safe in paths and addresses: the last component with the characters of file names of RPMs.
pub fn plain_name(named: &str) -> String {
    let last = named.rsplit(['/', '\\']).next().unwrap_or_default();
    let keep = |c: char| if c.is_ascii_alphanumeric() || "._+~^-".contains(c) { c } else { '_' };
    let clean: String = last.chars().map(keep).collect();
    let clean = clean.trim_start_matches(['.', '-', '~', '+', '^']);
    let from = clean.len().saturating_sub(NAME_MAX);
    match clean[from..].trim_start_matches(['.', '-', '~', '+', '^']) {
        "" => "upload".to_owned(),
        name => name.to_owned(),
    }
}

/// Waits for the next piece of a request, but not for ever.
pub async fn in_time<T>(pause: Duration, next: impl Future<Output = T>) -> Result<T, ApiError> {
    tokio::time::timeout(pause, next).await.map_err(|_| ApiError::TooSlow)
}

fn pieces(file: tokio::fs::File) -> impl Stream<Item = io::Result<Bytes>> {
    futures_util::stream::try_unfold(file, |mut file| async move {
        let mut buffer = vec![0; CHUNK];
        let read = file.read(&mut buffer).await?;
        buffer.truncate(read);
        Ok((read > 0).then(|| (Bytes::from(buffer), file)))
    })
}

#[cfg(test)]
mod tests;
