//! A template in the frame of the site.

use actix_web::{
    HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, ContentType, LOCATION},
    },
};
use serde::Serialize;

use super::{Viewer, moment::told_in, viewer};
use crate::{calendar::Zone, pages::PageError, web::Web};

/// What a page is shown with.
#[derive(Debug)]
pub struct Page<'a> {
    web: &'a Web,
    viewer: &'a Viewer,
    has_form: bool,
}

/// `frame` in the templates.
#[derive(Debug, Serialize)]
struct Frame<'a> {
    user: Option<FrameUser<'a>>,
    csrf: String,
    /// What was asked for.
    path: &'a str,
    /// Where times are told, if the user chose it: the script leaves them then.
    zone: Option<&'a str>,
    said: Option<&'a str>,
    notice: Option<String>,
    version: &'static str,
    host: &'a str,
    /// Changes with the style sheet and the script, which browsers keep for ever.
    assets: &'a str,
}

#[derive(Debug, Serialize)]
struct FrameUser<'a> {
    name: &'a str,
    initials: String,
    is_admin: bool,
}

impl<'a> Page<'a> {
    pub fn new(web: &'a Web, viewer: &'a Viewer) -> Self {
        Self { web, viewer, has_form: false }
    }

    /// Visitors may post what it shows; users may always.
    pub fn with_form(mut self) -> Self {
        self.has_form = true;
        self
    }

    pub fn html<T: Serialize>(&self, template: &str, values: &T) -> Result<HttpResponse, PageError> {
        self.answer(HttpResponse::Ok(), template, values)
    }

    /// A form that comes back to be mended.
    pub fn refused<T: Serialize>(&self, template: &str, values: &T) -> Result<HttpResponse, PageError> {
        self.answer(HttpResponse::BadRequest(), template, values)
    }

    fn answer<T: Serialize>(
        &self,
        mut builder: HttpResponseBuilder,
        template: &str,
        values: &T,
    ) -> Result<HttpResponse, PageError> {
        let zone = self.viewer.user().and_then(|user| Zone::find(user.zone.as_deref()?));
        let frame = self.frame(zone.as_ref().map(Zone::name));
        let text = told_in(zone.clone(), || self.web.templates.framed(template, values, &frame))?;
        builder.content_type(ContentType::html());
        if self.viewer.user().is_some() || self.has_form {
            builder.insert_header((CACHE_CONTROL, "private, no-store"));
        }
        let mut response = builder.body(text);
        if self.has_form {
            self.viewer.keep(self.web, &mut response);
        }
        self.viewer.forget_said(self.web, &mut response);
        Ok(response)
    }

    fn frame<'z>(&'z self, zone: Option<&'z str>) -> Frame<'z> {
        let user = self.viewer.user();
        let has_token = user.is_some() || self.has_form;
        Frame {
            user: user.map(|user| FrameUser {
                name: user.name.as_str(),
                initials: user.name.as_str().chars().take(2).collect::<String>().to_uppercase(),
                is_admin: user.is_admin,
            }),
            csrf: if has_token { self.viewer.form_token() } else { String::new() },
            path: &self.viewer.address,
            zone,
            said: self.viewer.said.as_deref(),
            notice: self.web.notice(),
            version: env!("CARGO_PKG_VERSION"),
            host: &self.web.site.host,
            assets: super::super::assets::tag(),
        }
    }
}

/// Leads on after a form was taken.
#[derive(Debug)]
pub struct SeeOther<'a> {
    web: &'a Web,
    url: String,
    sentence: Option<String>,
}

/// 303: the browser gets `url`.
pub fn see_other(web: &Web, url: impl Into<String>) -> SeeOther<'_> {
    SeeOther { web, url: url.into(), sentence: None }
}

impl SeeOther<'_> {
    /// What the next page says.
    pub fn say(mut self, sentence: impl Into<String>) -> Self {
        self.sentence = Some(sentence.into());
        self
    }

    pub fn answer(self) -> HttpResponse {
        let mut response =
            HttpResponse::build(StatusCode::SEE_OTHER).insert_header((LOCATION, self.url)).finish();
        if let Some(sentence) = &self.sentence {
            viewer::leave_said(self.web, &mut response, sentence);
        }
        response
    }
}
