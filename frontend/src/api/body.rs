//! A request body in any of the four shapes of contract section 1.5.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use actix_multipart::{Field, Multipart};
use actix_web::{
    FromRequest, HttpRequest, dev,
    error::PayloadError,
    http::header::{CONTENT_TYPE, HeaderMap},
    web,
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use super::{ApiError, Fields};
use crate::uploads::{Upload, Uploads, in_time};

/// A body that is held in memory must be there after this time, however steadily it drips.
const WHOLE: Duration = Duration::from_secs(120);

/// Bounds of a body that is held in memory.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    pub bytes: u64,
    /// Longest pause between two pieces.
    pub pause: Duration,
}

/// The body as it comes; nothing is read before the handler knows who asks.
pub struct Body {
    headers: HeaderMap,
    payload: dev::Payload,
    limits: BodyLimits,
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

impl FromRequest for Body {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let limits = request.app_data::<web::Data<BodyLimits>>().map(|limits| *limits.get_ref());
        let limits = limits.unwrap_or(BodyLimits { bytes: 2 << 20, pause: Duration::from_secs(30) });
        ready(Ok(Self { headers: request.headers().clone(), payload: payload.take(), limits }))
    }
}

enum Shape {
    Json,
    Form,
    Multipart,
    None,
}

impl Body {
    fn shape(&self) -> Shape {
        let value = self.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/json" => Shape::Json,
            "application/x-www-form-urlencoded" => Shape::Form,
            "multipart/form-data" => Shape::Multipart,
            _ => Shape::None,
        }
    }

    /// The fields; files beside them are read and forgotten.
    pub async fn fields(self) -> Result<Fields, ApiError> {
        Ok(self.read(None).await?.0)
    }

    /// The fields and the files, which are on disk now.
    pub async fn with_files(self, uploads: &Uploads) -> Result<(Fields, Vec<Upload>), ApiError> {
        self.read(Some(uploads)).await
    }

    async fn read(self, uploads: Option<&Uploads>) -> Result<(Fields, Vec<Upload>), ApiError> {
        let limits = self.limits;
        match self.shape() {
            Shape::Multipart => parts(Multipart::new(&self.headers, self.payload), limits, uploads).await,
            Shape::Json => {
                let bytes = collect(self.payload, limits).await?;
                Ok((if bytes.is_empty() { Fields::default() } else { Fields::from_json(&bytes)? }, vec![]))
            }
            Shape::Form => Ok((Fields::from_form(&collect(self.payload, limits).await?)?, vec![])),
            Shape::None => Ok((Fields::default(), vec![])),
        }
    }
}

async fn parts(
    mut multipart: Multipart,
    mut limits: BodyLimits,
    uploads: Option<&Uploads>,
) -> Result<(Fields, Vec<Upload>), ApiError> {
    let (mut fields, mut files) = (Fields::default(), vec![]);
    while let Some(part) = in_time(limits.pause, multipart.next()).await? {
        let part = part?;
        let name = part.name().unwrap_or_default().to_owned();
        match (file_name(&part), uploads) {
            _ if name == "json" => {
                let json = collect(part, limits).await?;
                limits.bytes -= json.len() as u64;
                fields.extend(Fields::from_json(&json)?);
            }
            // What browsers send for a file that was not chosen.
            (Some(named), _) if named.is_empty() => drop(collect(part, limits).await?),
            (Some(named), Some(uploads)) if files.is_empty() => {
                files.push(uploads.receive(&named, part).await?)
            }
            (Some(_), Some(_)) => return Err(ApiError::BadRequest("send one file in a request".into())),
            (Some(_), None) => drop(collect(part, limits).await?),
            (None, _) => {
                let text = collect(part, limits).await?;
                limits.bytes -= text.len() as u64;
                fields.push(&name, text_of(&name, &text)?);
            }
        }
    }
    Ok((fields.checked()?, files))
}

fn file_name(part: &Field) -> Option<String> {
    part.content_disposition()?.get_filename().map(str::to_owned)
}

fn text_of(name: &str, bytes: &[u8]) -> Result<String, ApiError> {
    let wrong = |_| ApiError::BadRequest(format!("{name}: not a text in UTF-8"));
    std::str::from_utf8(bytes).map(str::to_owned).map_err(wrong)
}

/// Holds a body or part in memory, within its bounds.
async fn collect<S, E>(stream: S, limits: BodyLimits) -> Result<Bytes, ApiError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    ApiError: From<E>,
{
    in_time(WHOLE, collect_pieces(stream, limits)).await?
}

async fn collect_pieces<S, E>(mut stream: S, limits: BodyLimits) -> Result<Bytes, ApiError>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    ApiError: From<E>,
{
    let mut all = BytesMut::new();
    while let Some(piece) = in_time(limits.pause, stream.next()).await? {
        let piece = piece?;
        if (all.len() + piece.len()) as u64 > limits.bytes {
            return Err(ApiError::TooLarge { limit_bytes: limits.bytes });
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

impl From<PayloadError> for ApiError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Overflow => Self::TooLarge { limit_bytes: 0 },
            other => Self::BadRequest(format!("the request body broke off: {other}")),
        }
    }
}

impl From<actix_multipart::MultipartError> for ApiError {
    fn from(error: actix_multipart::MultipartError) -> Self {
        Self::BadRequest(format!("the multipart body cannot be read: {error}"))
    }
}
