//! Sources as the API names them: read from forms, shown with packages and builds (contract sections 10.7 and 12.1).

use coppice_model::source_method::{DistgitSource, SourceMethod};
use coppice_store::BuildSource;
use serde_json::{Value, json};

use super::Form;
use crate::{ops::SourceForm, web::Web};

/// Name of the type and what is told of it.
pub fn source_dict(source: &BuildSource, web: &Web) -> (&'static str, Value) {
    match source {
        BuildSource::Link { url } => ("link", json!({ "url": url })),
        BuildSource::Upload { path, file_name } | BuildSource::Package { path, file_name } => {
            let dir = path.split('/').next().unwrap_or_default();
            ("upload", json!({ "url": web.upload_url(path), "pkg": file_name, "tmp": dir }))
        }
        BuildSource::Method { method } => (method.name(), method_dict(method)),
    }
}

fn method_dict(method: &SourceMethod) -> Value {
    match method {
        SourceMethod::Scm(scm) => json!({
            "type": scm.scm_type, "clone_url": scm.clone_url, "subdirectory": scm.subdirectory,
            "committish": scm.committish, "spec": scm.spec, "source_build_method": scm.method
        }),
        SourceMethod::Distgit(distgit) => distgit_dict(distgit),
        SourceMethod::Pypi(pypi) => json!({
            "pypi_package_name": pypi.package_name, "pypi_package_version": pypi.version,
            "spec_generator": pypi.generator, "spec_template": pypi.template,
            "python_versions": pypi.python_versions
        }),
        SourceMethod::Rubygems { gem_name } => json!({ "gem_name": gem_name }),
        SourceMethod::Custom(custom) => json!({
            "script": custom.script, "chroot": custom.chroot, "builddeps": custom.builddeps,
            "resultdir": custom.resultdir, "repos": custom.repos
        }),
    }
}

/// Only what was given.
fn distgit_dict(distgit: &DistgitSource) -> Value {
    let mut dict = json!({ "clone_url": distgit.clone_url, "distgit": distgit.instance });
    for (key, text) in [("namespace", &distgit.namespace), ("committish", &distgit.committish)] {
        if !text.is_empty() {
            dict[key] = text.as_str().into();
        }
    }
    dict
}

/// Forms of packages name the parts of a custom source with `script_` before them.
pub fn read_source(form: &mut Form<'_>) -> SourceForm {
    let mut either = |name: &str| form.text(&format!("script_{name}")).or_else(|| form.text(name));
    let (chroot, builddeps) = (either("chroot"), either("builddeps"));
    let (resultdir, repos) = (either("resultdir"), either("repos"));
    SourceForm {
        clone_url: form.text("clone_url"),
        committish: form.text("committish"),
        subdirectory: form.text("subdirectory"),
        spec: form.text("spec"),
        scm_type: form.text("scm_type"),
        source_build_method: form.text("source_build_method"),
        package_name: form.text("package_name"),
        distgit: form.text("distgit"),
        namespace: form.text("namespace"),
        pypi_package_name: form.text("pypi_package_name"),
        pypi_package_version: form.text("pypi_package_version"),
        spec_generator: form.text("spec_generator"),
        spec_template: form.text("spec_template"),
        python_versions: form.words("python_versions"),
        gem_name: form.text("gem_name"),
        script: form.text("script"),
        chroot,
        builddeps,
        resultdir,
        repos,
    }
}
