//! The description of the API for programs and for people.

use actix_web::{
    HttpResponse,
    web::{Data, Json},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{endpoints, openapi, operation::Kind};
use crate::{
    pages::{Page, PageError, Viewer},
    web::Web,
};

pub async fn openapi(web: Data<Web>) -> Json<Value> {
    Json(openapi::document(&web.public_url))
}

#[derive(Debug, Serialize)]
struct Call {
    method: String,
    path: String,
    about: &'static str,
    needs_login: bool,
    is_deprecated: bool,
    fields: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Named {
    name: &'static str,
    place: &'static str,
    kind: String,
    is_required: bool,
    about: &'static str,
}

/// The same as a page.
pub async fn page(web: Data<Web>, viewer: Viewer) -> Result<HttpResponse, PageError> {
    let calls: Vec<Call> = endpoints::all()
        .iter()
        .flat_map(|endpoint| {
            let path = format!("/api_3{}", endpoint.template());
            endpoint
                .operations
                .iter()
                .map(move |(method, operation)| {
                    let query = operation.query.iter().map(|field| ("query", field));
                    let named = query.chain(operation.body.iter().map(|field| ("body", field)));
                    Call {
                        method: method.to_uppercase(),
                        path: path.clone(),
                        about: operation.about,
                        needs_login: operation.needs_login,
                        is_deprecated: operation.is_deprecated,
                        fields: named
                            .map(|(place, field)| Named {
                                name: field.name,
                                place,
                                kind: kind(field.kind),
                                is_required: field.is_required,
                                about: field.about,
                            })
                            .collect(),
                    }
                })
                .collect::<Vec<_>>()
        })
        .collect();
    Page::new(&web, &viewer).html("docs.html", &json!({ "calls": calls }))
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".into(),
        Kind::Integer => "number".into(),
        Kind::Flag => "true or false".into(),
        Kind::Words => "list".into(),
        Kind::Choice(of) => of.join(", "),
    }
}
