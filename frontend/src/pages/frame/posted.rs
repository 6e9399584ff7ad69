//! Posted forms: read whole, and only from who was shown them.

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use futures_util::future::LocalBoxFuture;

use super::Viewer;
use crate::{
    api::{self, Body},
    pages::PageError,
    uploads::Upload,
    web::Web,
};

/// The field of a form's token.
const TOKEN: &str = "csrf_token";

/// A form whose token is the viewer's own.
#[derive(Debug)]
pub struct Posted {
    pub viewer: Viewer,
    pub fields: Fields,
    /// At most one; it goes unless it is kept.
    pub file: Option<Upload>,
}

impl FromRequest for Posted {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let viewer = Viewer::from_request(&request, &mut Payload::None).await?;
            let web = request.app_data::<Data<Web>>().ok_or(PageError::Missing)?;
            let body = Body::from_request(&request, &mut payload).await?;
            // Files are for who is logged in; nobody else fills our disk.
            let (fields, mut files) = match viewer.user() {
                Some(_) => body.with_files(&web.uploads).await?,
                None => (body.fields().await?, vec![]),
            };
            let fields = Fields(fields);
            if !viewer.owns_form(fields.text(TOKEN)) {
                return Err(PageError::ForeignForm);
            }
            Ok(Self { viewer, fields, file: files.pop() })
        })
    }
}

/// The fields of a form.
#[derive(Debug, Clone)]
pub struct Fields(api::Fields);

impl Fields {
    /// As the readers of the API take them.
    pub fn as_api(&self) -> &api::Fields {
        &self.0
    }

    /// What was typed, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.list(name).first().copied().unwrap_or_default()
    }

    /// Without the space around it; `None` when nothing was typed.
    pub fn some(&self, name: &str) -> Option<&str> {
        Some(self.text(name).trim()).filter(|text| !text.is_empty())
    }

    /// Every value of a field that may be given several times.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.0.texts(name)
    }

    /// Whether a box is checked.
    pub fn flag(&self, name: &str) -> bool {
        !matches!(self.text(name), "" | "false")
    }

    /// Browsers do not send unchecked boxes: those that the form has and are absent are false.
    pub fn with_boxes(mut self, names: &[&str]) -> Self {
        for name in names {
            if self.list(name).is_empty() {
                self.0.push(name, "false".into());
            }
        }
        self
    }

    /// A list of which nothing is chosen is empty, not absent.
    pub fn with_lists(mut self, names: &[&str]) -> Self {
        for name in names {
            if self.list(name).is_empty() {
                self.0.push(name, String::new());
            }
        }
        self
    }
}
