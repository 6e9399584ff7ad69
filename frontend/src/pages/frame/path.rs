//! Addresses of projects: `/coprs/OWNER/PROJECT/…` and, for groups, `/coprs/g/GROUP/PROJECT/…`.

use std::{
    collections::BTreeMap,
    fmt,
    future::{Ready, ready},
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use serde::{Deserialize, Deserializer, de::Visitor};

use crate::pages::PageError;

/// What every page of a project begins with, for groups and for people. `g` is no owner: a project of a group may be
/// called as a page is.
pub const PROJECTS: [&str; 2] = ["/g/{group}/{project}", "/{owner:[^/][^/]+|[^/g]}/{project}"];

/// Which project an address names, in either form.
#[derive(Debug, Clone)]
pub struct ProjectPath {
    /// With its `@` when it is a group.
    pub owner: String,
    pub project: String,
    rest: Vec<(String, String)>,
}

impl ProjectPath {
    /// Another part of the address, `""` when it has none.
    pub fn rest(&self, name: &str) -> &str {
        self.rest.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }
}

impl FromRequest for ProjectPath {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parts = web::Path::<BTreeMap<Name, String>>::extract(request).into_inner();
        ready(parts.map(|parts| read(parts.into_inner())).map_err(|_| PageError::no_such_page()))
    }
}

/// The name of a part. Actix gives names only to who asks for an identifier, as fields of a struct do.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name(String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(name.to_owned()))
            }
        }
        from.deserialize_identifier(Read)
    }
}

fn read(parts: BTreeMap<Name, String>) -> ProjectPath {
    let mut path = ProjectPath { owner: String::new(), project: String::new(), rest: Vec::new() };
    for (Name(name), value) in parts {
        match name.as_str() {
            "group" => path.owner = format!("@{value}"),
            "owner" => path.owner = value,
            "project" => path.project = value,
            _ => path.rest.push((name, value)),
        }
    }
    path
}
