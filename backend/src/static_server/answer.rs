//! A file as an HTTP answer: kind, caching, conditions, ranges.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{
        Method, StatusCode,
        header::{self, EntityTag, Header, HttpDate, IfModifiedSince, IfNoneMatch},
    },
    web,
};
use bytes::Bytes;
use futures_util::{Stream, stream};

use super::{location::FoundFile, no_store};

const CHUNK_BYTES: u64 = 128 << 10;

pub fn page(html: String) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").insert_header(no_store()).body(html)
}

pub fn file(request: &HttpRequest, found: FoundFile) -> HttpResponse {
    match prepare(request, &found) {
        Ok(Prepared { answer, range: Some((start, length)) }) => {
            send(request, answer, found.file, start, length)
        }
        Ok(Prepared { mut answer, range: None }) => answer.finish(),
        Err(error) => super::broken(&found.name, &error),
    }
}

/// Whether a client gets a file or the first piece of it: the pieces after that are of the same download.
pub fn is_beginning(request: &HttpRequest, answer: &HttpResponse) -> bool {
    let range = || answer.headers().get(header::CONTENT_RANGE).and_then(|range| range.to_str().ok());
    request.method() == Method::GET
        && match answer.status() {
            StatusCode::OK => true,
            StatusCode::PARTIAL_CONTENT => range().is_some_and(|range| range.starts_with("bytes 0-")),
            _ => false,
        }
}

struct Prepared {
    answer: HttpResponseBuilder,
    /// Start and length of what is sent; nothing for 304 and 416.
    range: Option<(u64, u64)>,
}

fn prepare(request: &HttpRequest, found: &FoundFile) -> io::Result<Prepared> {
    let meta = found.file.metadata()?;
    let size = meta.len();
    let tag = EntityTag::new_strong(format!("{:x}-{:x}-{size:x}", meta.mtime(), meta.mtime_nsec()));
    let modified = UNIX_EPOCH + Duration::from_secs(u64::try_from(meta.mtime()).unwrap_or(0));
    let mut answer = HttpResponse::Ok();
    answer
        .insert_header(header::ETag(tag.clone()))
        .insert_header(header::LastModified(modified.into()))
        .insert_header((header::CACHE_CONTROL, caching(found)))
        .insert_header((header::CONTENT_TYPE, kind(&found.name)))
        .insert_header((header::ACCEPT_RANGES, "bytes"));
    if found.packed || found.name.ends_with(".log.gz") {
        answer.insert_header((header::CONTENT_ENCODING, "gzip"));
    }
    if is_known(request, &tag, modified) {
        answer.status(StatusCode::NOT_MODIFIED);
        return Ok(Prepared { answer, range: None });
    }
    Ok(match wanted_range(request, &tag, size) {
        Wanted::Whole => Prepared { answer, range: Some((0, size)) },
        Wanted::Part(start, end) => {
            answer.status(StatusCode::PARTIAL_CONTENT);
            answer.insert_header((header::CONTENT_RANGE, format!("bytes {start}-{end}/{size}")));
            Prepared { answer, range: Some((start, end - start + 1)) }
        }
        Wanted::Impossible => {
            answer.status(StatusCode::RANGE_NOT_SATISFIABLE);
            answer.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
            Prepared { answer, range: None }
        }
    })
}

fn send(
    request: &HttpRequest,
    mut answer: HttpResponseBuilder,
    file: File,
    start: u64,
    length: u64,
) -> HttpResponse {
    if request.method() == Method::HEAD {
        return answer.body(SizedStream::new(length, stream::empty::<Result<Bytes, io::Error>>()));
    }
    answer.body(SizedStream::new(length, chunks(file, start, length)))
}

/// Reads as fast as the client takes it. A file that became shorter ends the connection.
fn chunks(file: File, start: u64, length: u64) -> impl Stream<Item = Result<Bytes, io::Error>> {
    stream::try_unfold((file, start, length), |(file, at, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let read = web::block(move || read_chunk(file, at, left.min(CHUNK_BYTES)));
        let (file, chunk) = read.await.map_err(io::Error::other)??;
        let count = chunk.len() as u64;
        Ok(Some((chunk, (file, at + count, left - count))))
    })
}

fn read_chunk(mut file: File, at: u64, count: u64) -> io::Result<(File, Bytes)> {
    file.seek(SeekFrom::Start(at))?;
    let mut chunk = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    io::Read::by_ref(&mut file).take(count).read_to_end(&mut chunk)?;
    if chunk.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((file, chunk.into()))
}

fn is_known(request: &HttpRequest, tag: &EntityTag, modified: SystemTime) -> bool {
    if request.headers().contains_key(header::IF_NONE_MATCH) {
        return match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(tag)),
            Err(_) => false,
        };
    }
    IfModifiedSince::parse(request).is_ok_and(|since| HttpDate::from(modified) <= since.0)
}

enum Wanted {
    Whole,
    /// First and last byte.
    Part(u64, u64),
    Impossible,
}

/// One range; for several the whole file is sent, which the standard allows (RFC 9110, section 14.2).
fn wanted_range(request: &HttpRequest, tag: &EntityTag, size: u64) -> Wanted {
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let fresh = text(header::IF_RANGE).is_none_or(|known| known == tag.to_string());
    let Some(spec) = text(header::RANGE).filter(|_| fresh).and_then(|range| range.strip_prefix("bytes="))
    else {
        return Wanted::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else { return Wanted::Whole };
    let last_byte = size.saturating_sub(1);
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first > last => Wanted::Whole,
        (Ok(first), _) if first >= size => Wanted::Impossible,
        (Ok(first), Ok(last)) => Wanted::Part(first, last.min(last_byte)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Wanted::Part(first, last_byte),
        (Err(_), Ok(0)) if first.trim().is_empty() => Wanted::Impossible,
        (Err(_), Ok(_)) if first.trim().is_empty() && size == 0 => Wanted::Impossible,
        (Err(_), Ok(count)) if first.trim().is_empty() => Wanted::Part(size.saturating_sub(count), last_byte),
        _ => Wanted::Whole,
    }
}

/// Index files are named by their content; everything else may be replaced or go away.
fn caching(found: &FoundFile) -> &'static str {
    let name = found.name.as_str();
    if found.in_repodata && !name.starts_with("repomd.xml") {
        "public, max-age=31536000, immutable"
    } else if name.ends_with(".rpm") {
        "public, max-age=60"
    } else {
        "no-cache"
    }
}

fn kind(name: &str) -> &'static str {
    let text = "text/plain; charset=utf-8";
    let endings = [
        (".log", text),
        (".log.gz", text),
        (".spec", text),
        (".cfg", text),
        (".info", text),
        (".asc", text),
        (".gpg", text),
        (".rpm", "application/x-rpm"),
        (".json", "application/json"),
        (".xml", "application/xml"),
        (".gz", "application/gzip"),
        (".zst", "application/zstd"),
    ];
    let known = endings.iter().find(|(ending, _)| name.ends_with(ending)).map(|(_, kind)| *kind);
    known.unwrap_or(if ["success", "mirrorlist"].contains(&name) { text } else { "application/octet-stream" })
}
