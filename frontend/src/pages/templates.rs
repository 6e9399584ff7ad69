//! The templates: compiled in, or read from the operator's folder.

use std::{fs, path::Path};

use serde::Serialize;
use tera::{Context, Kwargs, State, Tera, Value};
use url::form_urlencoded;

use crate::repofile::Section;

macro_rules! embedded {
    ($($name:literal),+ $(,)?) => { [$(($name, include_str!(concat!("../../../templates/", $name)))),+] };
}

const EMBEDDED: &[(&str, &str)] = &embedded![
    "accounts/account.html",
    "accounts/activate.html",
    "accounts/connect.html",
    "accounts/data.html",
    "accounts/invitations.html",
    "accounts/login.html",
    "accounts/logout.html",
    "accounts/newcomer.html",
    "accounts/publishers.html",
    "accounts/signup.html",
    "accounts/stopped.html",
    "accounts/teams.html",
    "accounts/tokens.html",
    "admin.html",
    "admin_base.html",
    "admin_chroots.html",
    "admin_notice.html",
    "admin_reports.html",
    "admin_user.html",
    "admin_users.html",
    "api.html",
    "base.html",
    "batch.html",
    "batches.html",
    "build.html",
    "build_compare.html",
    "build_options.html",
    "build_repeat.html",
    "builds.html",
    "bulk.html",
    "chart.html",
    "copr.repo",
    "docs.html",
    "error.html",
    "explore.html",
    "feed.xml",
    "forks.html",
    "forms.html",
    "home.html",
    "lists.html",
    "log.html",
    "monitor.html",
    "new_build.html",
    "owner.html",
    "package.html",
    "package_delete.html",
    "package_form.html",
    "package_rebuild.html",
    "packages.html",
    "parts.html",
    "pinned.html",
    "profile.html",
    "project.html",
    "project_base.html",
    "queue.html",
    "queue_base.html",
    "queue_tasks.html",
    "rebuild_all.html",
    "search.html",
    "search_packages.html",
    "settings/base.html",
    "settings/chroot.html",
    "settings/chroot_boxes.html",
    "settings/delete.html",
    "settings/edit.html",
    "settings/ending.html",
    "settings/ending_of_user.html",
    "settings/ending_rows.html",
    "settings/fork.html",
    "settings/integrations.html",
    "settings/new.html",
    "settings/options.html",
    "settings/permissions.html",
    "settings/report_abuse.html",
    "settings/review.html",
    "snapshots.html",
    "source_fields.html",
    "recent.html",
    "snapshots.html",
    "source_fields.html",
    "stats.html",
];

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
        for &(name, text) in EMBEDDED {
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
        tera.register_filter("mark", |word: &str, _: Kwargs, _: &State| mark(word));
        tera.register_filter("is_on", |value: Value, _: Kwargs, _: &State| is_on(&value));
        tera.register_filter("urlencode", |text: &str, _: Kwargs, _: &State| {
            form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
        });
        tera.add_raw_templates(templates).map_err(TemplateError::Parse)?;
        Ok(Self(tera))
    }

    pub fn render<T: Serialize>(&self, name: &str, values: &T) -> Result<String, TemplateError> {
        let wrong = |source| TemplateError::Render { name: name.to_owned(), source };
        let context = Context::from_serialize(values).map_err(wrong)?;
        self.filled(name, &context).map_err(wrong)
    }

    /// Inside the frame of the site, which templates know as `frame`.
    pub fn framed<T: Serialize, F: Serialize>(
        &self,
        name: &str,
        values: &T,
        frame: &F,
    ) -> Result<String, TemplateError> {
        let wrong = |source| TemplateError::Render { name: name.to_owned(), source };
        let mut context = Context::from_serialize(values).map_err(wrong)?;
        context.insert("frame", frame);
        self.filled(name, &context).map_err(wrong)
    }

    /// Tests read from the log that every template is used.
    fn filled(&self, template: &str, context: &Context) -> Result<String, tera::Error> {
        tracing::debug!(template, "rendering");
        self.0.render(template, context)
    }

    pub fn repo_file(&self, sections: &[Section]) -> Result<String, TemplateError> {
        self.render("copr.repo", &serde_json::json!({ "sections": sections }))
    }
}

/// Which mark of the style sheet a state's word has.
pub fn mark(word: &str) -> &'static str {
    match word {
        "succeeded" => "ok",
        "failed" => "fail",
        "running" | "starting" | "building" => "run",
        "importing" => "src",
        "signing" | "publishing" => "pub",
        "waiting" => "wait",
        "retrying" => "retry",
        "on hold" => "hold",
        "canceled" => "cancel",
        "skipped" => "skip",
        "forked" => "fork",
        _ => "pend",
    }
}

/// Whether the value of a form checks its box.
fn is_on(value: &Value) -> bool {
    match value.as_str() {
        Some(text) => !matches!(text, "" | "false"),
        None => value.is_truthy(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> serde_json::Value {
        serde_json::json!({
            "user": null, "csrf": "", "path": "/", "said": null, "notice": null, "version": "1", "host": "h", "assets": "a"
        })
    }

    #[test]
    fn markup_in_values_is_text() {
        let page = Templates::embedded().unwrap();
        let values = serde_json::json!({ "status": 404, "title": "<script>", "message": "a & \"b\"" });
        let html = page.framed("error.html", &values, &frame()).unwrap();
        assert!(
            html.contains("&lt;script&gt;")
                && html.contains("a &amp; ")
                && !html.contains("<script>&")
                && !html.contains("<h1><script>"),
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
