//! What an address answers, said once: the routes are made of it, and so is the description of the API.

use std::borrow::Cow;

use actix_web::{
    FromRequest, Handler, Resource, Responder, Route,
    middleware::DefaultHeaders,
    web::{self, Json, ServiceConfig},
};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::{ApiError, no_such_endpoint};

/// The value of a field or a parameter. Forms take all of them as text too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    Flag,
    /// A list, or one text with blanks between the words.
    Words,
    Choice(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub is_required: bool,
    pub about: &'static str,
}

impl Field {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, is_required: false, about }
    }

    pub const fn needed(mut self) -> Self {
        self.is_required = true;
        self
    }
}

pub const fn text(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Kind::Text, about)
}

pub const fn integer(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Kind::Integer, about)
}

pub const fn flag(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Kind::Flag, about)
}

pub const fn words(name: &'static str, about: &'static str) -> Field {
    Field::new(name, Kind::Words, about)
}

pub const fn choice(name: &'static str, of: &'static [&'static str], about: &'static str) -> Field {
    Field::new(name, Kind::Choice(of), about)
}

/// What one method of an address does.
#[derive(Debug, Clone)]
pub struct Operation {
    pub about: &'static str,
    pub query: Vec<Field>,
    pub body: Vec<Field>,
    /// The field of an uploaded file, when the body may hold one.
    pub file: Option<&'static str>,
    /// Whether any other field may be there: its name means something.
    pub is_open: bool,
    pub needs_login: bool,
    pub is_deprecated: bool,
    pub answer: fn(&mut SchemaGenerator) -> Schema,
}

/// An operation that everybody may ask for and that answers any object.
pub fn operation(about: &'static str) -> Operation {
    Operation {
        about,
        query: Vec::new(),
        body: Vec::new(),
        file: None,
        is_open: false,
        needs_login: false,
        is_deprecated: false,
        answer: |_| schemars::json_schema!({ "type": "object" }),
    }
}

impl Operation {
    pub fn login(mut self) -> Self {
        self.needs_login = true;
        self
    }

    pub fn query(mut self, fields: &[Field]) -> Self {
        self.query.extend(fields);
        self
    }

    pub fn body(mut self, fields: &[Field]) -> Self {
        self.body.extend(fields);
        self
    }

    pub fn file(mut self, field: &'static str) -> Self {
        self.file = Some(field);
        self
    }

    pub fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    pub fn answers<T: JsonSchema>(mut self) -> Self {
        self.answer = |generator| generator.subschema_for::<T>();
        self
    }
}

/// An address with its methods.
pub struct Endpoint {
    /// As actix writes it, with its patterns.
    pub path: &'static str,
    pub operations: Vec<(&'static str, Operation)>,
    resource: Resource,
}

impl Endpoint {
    pub fn at(path: &'static str) -> Self {
        Self { path, operations: Vec::new(), resource: web::resource(path) }
    }

    /// Copr: a wrong method is answered like an unknown address where nothing is above, and by its name elsewhere.
    pub fn register(self, config: &mut ServiceConfig) {
        let is_deep = self.path.matches('/').count() > 1;
        let refused = if is_deep { web::to(wrong_method(self.allowed())) } else { web::to(no_such_endpoint) };
        config.service(self.resource.default_service(refused));
    }

    fn allowed(&self) -> String {
        let methods = self.operations.iter().map(|(method, _)| method.to_uppercase());
        let head = self.operations.iter().any(|(method, _)| *method == "get").then(|| "HEAD".to_owned());
        methods.chain(head).chain(["OPTIONS".to_owned()]).collect::<Vec<_>>().join(", ")
    }

    /// The address as OpenAPI writes it: names without patterns.
    pub fn template(&self) -> Cow<'static, str> {
        if !self.path.contains(':') {
            return self.path.into();
        }
        let parts = self.path.split('/').map(|part| match part.split_once(':') {
            Some((name, _)) => format!("{name}}}"),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join("/").into()
    }

    pub fn get<A: FromRequest + 'static>(self, handler: impl Handles<A>, operation: Operation) -> Self {
        self.with("get", web::get().to(handler), operation)
    }

    pub fn post<A: FromRequest + 'static>(self, handler: impl Handles<A>, operation: Operation) -> Self {
        self.with("post", web::post().to(handler), operation)
    }

    /// Only that, without the way that clients took before.
    pub fn only_delete<A: FromRequest + 'static>(
        self,
        handler: impl Handles<A>,
        operation: Operation,
    ) -> Self {
        self.with("delete", web::delete().to(handler), operation)
    }

    /// PUT, and POST as clients did before.
    pub fn put<A: FromRequest + 'static>(
        self,
        handler: impl Handles<A> + Clone,
        operation: Operation,
    ) -> Self {
        let now = self.with("put", web::put().to(handler.clone()), operation.clone());
        now.with("post", before(handler, "PUT"), Operation { is_deprecated: true, ..operation })
    }

    /// DELETE, and POST as clients did before.
    pub fn delete<A: FromRequest + 'static>(
        self,
        handler: impl Handles<A> + Clone,
        operation: Operation,
    ) -> Self {
        let now = self.with("delete", web::delete().to(handler.clone()), operation.clone());
        now.with("post", before(handler, "DELETE"), Operation { is_deprecated: true, ..operation })
    }

    fn with(mut self, method: &'static str, route: Route, operation: Operation) -> Self {
        self.resource = self.resource.route(route);
        self.operations.push((method, operation));
        self
    }
}

fn wrong_method(allowed: String) -> impl Handler<(), Output = Result<Json<Value>, ApiError>> {
    move || std::future::ready(Err(ApiError::WrongMethod(allowed.clone())))
}

/// A handler of a request.
pub trait Handles<A>: Handler<A, Output: Responder + 'static> {}

impl<A, F: Handler<A, Output: Responder + 'static>> Handles<A> for F {}

/// The way that clients took before there was `now`.
fn before<A: FromRequest + 'static>(handler: impl Handles<A>, now: &str) -> Route {
    let warning = format!("This method is deprecated: Use {now} method instead of POST");
    web::post().to(handler).wrap(DefaultHeaders::new().add(("Warning", warning)))
}
