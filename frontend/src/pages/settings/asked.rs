//! What every page here begins with: who asks for which project, and what came with it.

use std::sync::Arc;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload, web::Data};
use coppice_store::{Conn, Project};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;

use crate::{
    App,
    ops::{self, Caller, Context, OpError, find_project},
    pages::{
        PageError,
        frame::{Fields, Page, Posted, ProjectHead, ProjectPath, Viewer, see_other},
    },
    uploads::Upload,
    web::Web,
};

/// Somebody asks for a page.
pub(super) struct Asked {
    pub app: Data<App>,
    pub web: Data<Web>,
    pub viewer: Arc<Viewer>,
    /// Whose, and which project, where the address has one.
    pub path: ProjectPath,
    is_posted: bool,
}

/// Somebody posts a form.
pub(super) struct Sent {
    pub asked: Asked,
    pub fields: Fields,
    pub file: Option<Upload>,
}

/// A project and what the viewer may do with it.
pub(super) struct Known {
    pub project: Project,
    pub head: ProjectHead,
}

/// What every template here needs.
#[derive(Debug, Serialize)]
pub(super) struct Settings<T> {
    head: ProjectHead,
    /// Of the project's tabs.
    tab: &'static str,
    /// Of the settings' own list.
    part: &'static str,
    #[serde(flatten)]
    more: T,
}

impl Asked {
    fn new(request: &HttpRequest, viewer: Viewer, path: ProjectPath) -> Result<Self, PageError> {
        let app = request.app_data::<Data<App>>().cloned().ok_or(PageError::Missing)?;
        let web = request.app_data::<Data<Web>>().cloned().ok_or(PageError::Missing)?;
        Ok(Self { app, web, viewer: Arc::new(viewer), path, is_posted: false })
    }

    /// Visitors are sent to log in; from a form they come back to the project, as its own address shows nothing.
    pub fn caller(&self) -> Result<Caller, PageError> {
        match self.viewer.caller() {
            None if self.is_posted => Err(PageError::Login { next: self.url() }),
            _ => self.viewer.login().cloned(),
        }
    }

    pub fn page(&self) -> Page<'_> {
        Page::new(&self.web, &self.viewer)
    }

    pub fn on_to(&self, url: impl Into<String>, sentence: impl Into<String>) -> HttpResponse {
        see_other(&self.web, url).say(sentence).answer()
    }

    /// The project of the address, with `more` from the same reading.
    pub async fn known<T, F>(&self, more: F) -> Result<(Known, T), PageError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Known) -> Result<T, PageError> + Send + 'static,
    {
        let (viewer, path) = (Arc::clone(&self.viewer), self.path.clone());
        let read = self.app.store.read(move |conn| {
            let project = find_project(conn, &path.owner, &path.project)?;
            let head = ProjectHead::load(conn, &project, &viewer)?;
            let known = Known { project, head };
            let more = more(conn, &known)?;
            Ok((known, more))
        });
        read.await
    }

    /// The same for those who may change the settings.
    pub async fn editable<T, F>(&self, more: F) -> Result<(Known, T), PageError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Known) -> Result<T, PageError> + Send + 'static,
    {
        self.caller()?;
        let checked = |conn: &mut Conn, known: &Known| {
            if known.head.can_edit {
                return more(conn, known);
            }
            Err(PageError::Forbidden(format!(
                "Only owners and admins of {0} may change its settings. On its permissions page you can ask to become one: \
                 {1}permissions/",
                known.head.full_name, known.head.url
            )))
        };
        self.known(checked).await
    }

    /// Applies a rule to the project of the address; the rule checks who may.
    pub async fn change<T, F>(&self, rule: F) -> Result<T, PageError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn, &Context, &Caller, &Project) -> Result<T, OpError> + Send + 'static,
    {
        let (caller, context, path) = (self.caller()?, self.app.context(), self.path.clone());
        let changed = self.app.store.write(move |tx| {
            let project = ops::find_project(tx, &path.owner, &path.project)?;
            rule(tx, &context, &caller, &project)
        });
        Ok(changed.await?)
    }

    /// `P/` with its slash; also when there is no such project. Without a project: the home page.
    pub fn url(&self) -> String {
        if self.path.project.is_empty() {
            return "/".to_owned();
        }
        match self.path.owner.strip_prefix('@') {
            Some(group) => format!("/coprs/g/{group}/{}/", self.path.project),
            None => format!("/coprs/{}/{}/", self.path.owner, self.path.project),
        }
    }
}

impl<T> Settings<T> {
    pub fn new(head: ProjectHead, part: &'static str, more: T) -> Self {
        Self { head, tab: "settings", part, more }
    }

    /// A page of the project that is no part of its settings.
    pub fn outside(head: ProjectHead, more: T) -> Self {
        Self { head, tab: "", part: "", more }
    }
}

impl FromRequest for Asked {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let path = ProjectPath::from_request(&request, payload);
        Box::pin(async move {
            let viewer = Viewer::from_request(&request, &mut Payload::None).await?;
            Self::new(&request, viewer, path.await?)
        })
    }
}

impl FromRequest for Sent {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let path = ProjectPath::from_request(&request, &mut Payload::None);
        let posted = Posted::from_request(&request, payload);
        Box::pin(async move {
            let (path, Posted { viewer, fields, file }) = (path.await?, posted.await?);
            let asked = Asked { is_posted: true, ..Asked::new(&request, viewer, path)? };
            Ok(Self { asked, fields, file })
        })
    }
}
