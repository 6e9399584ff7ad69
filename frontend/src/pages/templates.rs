//! The templates: compiled in, or read from the operator's folder.

use std::{fs, path::Path};

use serde::Serialize;
use tera::{Context, Tera};

use crate::repofile::Section;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../../../templates/", $name)))),+] };
}

const EMBEDDED: [(&str, &str); 12] = embedded![
    "base.html",
    "pager.html",
    "home.html",
    "user.html",
    "project.html",
    "snapshots.html",
    "build.html",
    "api.html",
    "docs.html",
    "error.html",
    "feed.xml",
    "copr.repo",
];

pub const STYLE: &str = include_str!("../../../templates/style.css");

#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("reading the template {name}")]
    Read { name: String, source: std::io::Error },
    #[error("preparing the templates")]
    Parse(#[source] tera::Error),
    #[error("rendering {name}")]
    Render { name: String, source: tera::Error },
}

/// Values are escaped in every `.html` and `.xml` template.
#[derive(Debug)]
pub struct Templates(Tera);

impl Templates {
    pub fn embedded() -> Result<Self, TemplateError> {
        Self::of(EMBEDDED.iter().map(|(name, text)| (*name, (*text).to_owned())).collect())
    }

    /// Files in `dir` replace embedded ones of the same name.
    pub fn with_folder(dir: &Path) -> Result<Self, TemplateError> {
        let mut templates = Vec::new();
        for (name, text) in EMBEDDED {
            let path = dir.join(name);
            let text = if path.exists() { fs::read_to_string(&path) } else { Ok(text.to_owned()) };
            templates
                .push((name, text.map_err(|source| TemplateError::Read { name: name.to_owned(), source })?));
        }
        Self::of(templates)
    }

    fn of(templates: Vec<(&'static str, String)>) -> Result<Self, TemplateError> {
        let mut tera = Tera::default();
        tera.autoescape_on([".html", ".xml"]);
        tera.add_raw_templates(templates).map_err(TemplateError::Parse)?;
        Ok(Self(tera))
    }

    pub fn render<T: Serialize>(&self, name: &str, values: &T) -> Result<String, TemplateError> {
        let wrong = |source| TemplateError::Render { name: name.to_owned(), source };
        let context = Context::from_serialize(values).map_err(wrong)?;
        self.0.render(name, &context).map_err(wrong)
    }

    pub fn repo_file(&self, sections: &[Section]) -> Result<String, TemplateError> {
        self.render("copr.repo", &serde_json::json!({ "sections": sections }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_values_is_text() {
        let page = Templates::embedded().unwrap();
        let values = serde_json::json!({ "title": "<script>", "message": "a & \"b\"" });
        let html = page.render("error.html", &values).unwrap();
        assert!(
            html.contains("&lt;script&gt;") && html.contains("a &amp; ") && !html.contains("<script>"),
            "{html}"
        );
    }

    #[test]
    fn the_operators_folder_replaces_single_templates() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("error.html"), "Oh: {{ title }}").unwrap();
        let page = Templates::with_folder(dir.path()).unwrap();
        assert_eq!(page.render("error.html", &serde_json::json!({ "title": "x" })).unwrap(), "Oh: x");
        fs::write(dir.path().join("error.html"), "{{").unwrap();
        assert!(Templates::with_folder(dir.path()).is_err());
    }
}
