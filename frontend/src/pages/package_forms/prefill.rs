//! A package as its form shows it: the answers of the API, in the fields that the API reads.

use coppice_store::{BuildSource, Package};
use serde_json::Value;

use crate::{
    api::source_dict,
    pages::{frame::Form, new_build::Kind},
    web::Web,
};

/// How its source is made, when a builder makes it.
pub fn kind(package: &Package) -> Option<Kind> {
    match &package.source {
        Some(BuildSource::Method { method }) => Some(Kind::of(method.name())),
        _ => None,
    }
}

/// Its settings, and its source when it is of that kind.
pub fn form(package: &Package, wanted: Kind, web: &Web) -> Form {
    let settings = &package.settings;
    let mut form = Form::blank()
        .set("webhook_rebuild", settings.webhook_rebuild)
        .set("max_builds", settings.max_builds)
        .set("timeout", settings.timeout_s.unwrap_or(0))
        .set("chroot_denylist", settings.chroot_denylist.join(", "));
    let source = package.source.as_ref().filter(|_| kind(package) == Some(wanted));
    let Some((_, Value::Object(dict))) = source.map(|source| source_dict(source, web)) else { return form };
    for (key, value) in &dict {
        let field = if key == "type" { "scm_type" } else { key };
        form = form.set(field, flat(value));
    }
    // DistGits tell only the whole address.
    if wanted == Kind::Distgit {
        let address = dict.get("clone_url").and_then(Value::as_str).unwrap_or_default();
        form = form.set("package_name", address.rsplit('/').next().unwrap_or_default());
    }
    form
}

fn flat(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

/// `SCM: https://example.com/hello.git`.
pub fn in_words(source: &BuildSource, web: &Web) -> String {
    let (word, dict) = source_dict(source, web);
    let of = |key: &str| dict.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let what = match word {
        "pypi" => of("pypi_package_name"),
        "rubygems" => of("gem_name"),
        "custom" => return "a script of its own".into(),
        "upload" => of("pkg"),
        "link" => of("url"),
        _ => of("clone_url"),
    };
    format!("{}: {what}", Kind::of(word).label())
}
