//! The description of the API as OpenAPI 3.1, made of the table that the routes are made of.

use std::collections::BTreeMap;

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{
    endpoints,
    operation::{Endpoint, Field, Kind, Operation},
};

const SCHEMAS: &str = "#/components/schemas/";

/// The whole document. `public_url` is without a slash at its end.
pub fn document(public_url: &str) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints::all() {
        let path = format!("/api_3{}", endpoint.template());
        let described = endpoint.operations.iter().map(|(method, operation)| {
            ((*method).to_owned(), describe(&endpoint, method, operation, &mut generator))
        });
        paths.entry(path).or_default().extend(described.collect::<Vec<_>>());
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Error".into(), error());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Coppice",
            "description": "Copr's API v3 and what Coppice adds to it.",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": public_url }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "token": {
                "type": "http", "scheme": "basic",
                "description": "API login and API token; both are on the page /api."
            } },
        },
    })
}

fn describe(
    endpoint: &Endpoint,
    method: &str,
    operation: &Operation,
    generator: &mut SchemaGenerator,
) -> Value {
    let mut parameters = path_parameters(endpoint.path);
    parameters.extend(operation.query.iter().map(query_parameter));
    if method == "post" {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Asked again with the same key within a day, nothing is done twice",
            "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" }
        }));
    }
    let mut described = json!({
        "operationId": operation_id(endpoint, method),
        "summary": operation.about,
        "deprecated": operation.is_deprecated,
        "parameters": parameters,
        "responses": responses(method, operation, (operation.answer)(generator).to_value()),
    });
    if operation.needs_login {
        described["security"] = json!([{ "token": [] }]);
    }
    if let Some(body) = body(operation) {
        described["requestBody"] = body;
    }
    described
}

fn operation_id(endpoint: &Endpoint, method: &str) -> String {
    let path = endpoint.template();
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    [method].into_iter().chain(words).collect::<Vec<_>>().join("_")
}

/// `{name}` takes every text, `{name:PATTERN}` what the pattern says.
fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name: &str| {
        let (name, schema) = match name.split_once(':') {
            Some((name, r"\d+")) => (name, json!({ "type": "integer", "minimum": 0 })),
            Some((name, words)) => (name, json!({ "enum": words.split('|').collect::<Vec<_>>() })),
            None => (name, json!({ "type": "string", "minLength": 1, "pattern": "^[^/]+$" })),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema })
    };
    names.map(parameter).collect()
}

fn query_parameter(field: &Field) -> Value {
    let mut parameter = json!({
        "name": field.name, "in": "query", "required": field.is_required,
        "description": field.about, "schema": schema(field.kind),
    });
    // Copr's clients write it this way.
    if field.name.ends_with("[]") {
        parameter["schema"] = json!({ "type": "array", "items": schema(field.kind) });
        parameter["explode"] = true.into();
    }
    parameter
}

fn schema(kind: Kind) -> Value {
    match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Words => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Choice(of) => json!({ "type": "string", "enum": of }),
    }
}

/// Every shape that is taken (contract section 1.5); `null` counts as absent.
fn body(operation: &Operation) -> Option<Value> {
    if operation.body.is_empty() && operation.file.is_none() && !operation.is_open {
        return None;
    }
    let fields: Map<String, Value> = operation.body.iter().map(property).collect();
    let needed: Vec<&str> =
        operation.body.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let form = json!({ "type": "object", "properties": fields, "required": needed });
    let mut content = json!({
        "application/json": { "schema": form.clone() },
        "application/x-www-form-urlencoded": { "schema": form.clone() },
    });
    if let Some(file) = operation.file {
        let mut with_file = form;
        with_file["properties"][file] = json!({ "type": "string", "format": "binary" });
        content = json!({ "multipart/form-data": { "schema": with_file } });
    }
    Some(json!({ "required": !needed.is_empty(), "content": content }))
}

fn property(field: &Field) -> (String, Value) {
    let mut property = schema(field.kind);
    property["description"] = field.about.into();
    (field.name.to_owned(), property)
}

fn responses(method: &str, operation: &Operation, answer: Value) -> Value {
    let mut responses = Map::new();
    responses.insert(
        "200".into(),
        json!({ "description": "It is so", "content": { "application/json": { "schema": answer } } }),
    );
    let mut refusals = vec![
        ("400", "Something of the request is wrong; `problems` names the fields"),
        ("404", "There is no such thing"),
        ("429", "Too many requests; `Retry-After` says when to come back"),
        ("503", "Something that is needed is away; try again"),
    ];
    // What lets somebody in by other means than a token may refuse them too.
    let lets_in = ["Kerberos", "browsers", "CI job"].iter().any(|word| operation.about.contains(word));
    if operation.needs_login || lets_in {
        refusals.push(("401", "The login or the token is wrong or over"));
    }
    if operation.needs_login || lets_in {
        refusals.push(("403", "You, or your token, may not do this"));
    }
    if method == "get" {
        responses.insert("304".into(), json!({ "description": "The client has it: see `If-None-Match`" }));
    } else {
        refusals.extend([
            ("408", "The body did not come in time"),
            ("409", "It is not in the state for this"),
            ("413", "The body is too large"),
            ("422", "The Idempotency-Key was used for something else"),
        ]);
    }
    if operation.query.iter().any(|field| field.name == "with_latest_build") {
        refusals.push(("413", "The list is too long: ask for parts"));
    }
    for (status, about) in refusals {
        let schema = json!({ "$ref": format!("{SCHEMAS}Error") });
        responses.insert(
            status.into(),
            json!({ "description": about, "content": { "application/json": { "schema": schema } } }),
        );
    }
    Value::Object(responses)
}

/// Copr's object with the members of RFC 9457.
fn error() -> Value {
    json!({
        "type": "object",
        "required": ["error", "type", "title", "status", "detail"],
        "properties": {
            "error": { "type": "string" },
            "output": { "type": "string" },
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "problems": { "type": "array", "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": { "field": { "type": "string" }, "message": { "type": "string" } },
            } },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_name() {
        let document = document("https://copr.example.com");
        let text = document.to_string();
        let references = text.match_indices(SCHEMAS).map(|(at, _)| {
            let rest = &text[at + SCHEMAS.len()..];
            rest.split('"').next().unwrap().to_owned()
        });
        for name in references {
            assert!(document["components"]["schemas"].get(&name).is_some(), "{name}");
        }
        let operations =
            document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
        let mut ids: Vec<&str> = operations.map(|(_, one)| one["operationId"].as_str().unwrap()).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert!(all > 60 && ids.len() == all, "{all}");
    }
}
