//! The forms of builds and packages whose sources a builder has to make (contract sections 10.7 and 12.1).

use coppice_model::{
    PackageName,
    source_method::{
        CustomSource, DistgitSource, PypiSource, ScmMethod, ScmSource, ScmType, SourceMethod, SpecGenerator,
    },
};
use coppice_store::{Conn, mock_chroots};
use url::Url;

use super::{Context, OpError, Problem, settings::DistgitInstance};

/// Copr: the longest script.
const SCRIPT_BYTES: usize = 4 << 10;
const TEMPLATES: [&str; 4] = ["fedora", "epel7", "mageia", "pld"];

/// What a form may say, in the API's names; `None` is "not given".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceForm {
    pub clone_url: Option<String>,
    pub committish: Option<String>,
    pub subdirectory: Option<String>,
    pub spec: Option<String>,
    pub scm_type: Option<String>,
    pub source_build_method: Option<String>,
    /// In the DistGit.
    pub package_name: Option<String>,
    pub distgit: Option<String>,
    pub namespace: Option<String>,
    pub pypi_package_name: Option<String>,
    pub pypi_package_version: Option<String>,
    pub spec_generator: Option<String>,
    pub spec_template: Option<String>,
    pub python_versions: Option<Vec<String>>,
    pub gem_name: Option<String>,
    pub script: Option<String>,
    pub chroot: Option<String>,
    pub builddeps: Option<String>,
    pub resultdir: Option<String>,
    pub repos: Option<String>,
}

impl SourceForm {
    /// The method that `kind` names. What is not given stays as in `old`, if that is of the same kind.
    pub(super) fn method(
        &self,
        conn: &mut Conn,
        cx: &Context,
        kind: &str,
        old: Option<&SourceMethod>,
    ) -> Result<Result<SourceMethod, Vec<Problem>>, OpError> {
        let mut problems = Vec::new();
        let method = match (kind, old) {
            ("scm", Some(SourceMethod::Scm(old))) => self.scm(Some(old), &mut problems),
            ("scm", _) => self.scm(None, &mut problems),
            ("distgit", _) => self.distgit(cx, &mut problems),
            ("pypi", Some(SourceMethod::Pypi(old))) => self.pypi(Some(old), &mut problems),
            ("pypi", _) => self.pypi(None, &mut problems),
            ("rubygems", _) => {
                Some(SourceMethod::Rubygems { gem_name: required("gem_name", &self.gem_name, &mut problems) })
            }
            ("custom", Some(SourceMethod::Custom(old))) => self.custom(conn, Some(old), &mut problems)?,
            ("custom", _) => self.custom(conn, None, &mut problems)?,
            (other, _) => return Err(OpError::Refused(format!("Unsupported package source type {other}"))),
        };
        Ok(method.filter(|_| problems.is_empty()).ok_or(problems))
    }

    fn scm(&self, old: Option<&ScmSource>, problems: &mut Vec<Problem>) -> Option<SourceMethod> {
        let kept =
            |new: &Option<String>, old: Option<&String>| new.clone().or(old.cloned()).unwrap_or_default();
        let clone_url = kept(&self.clone_url, old.map(|old| &old.clone_url));
        if !is_repository(&clone_url) {
            problems.push(Problem::new("clone_url", "Invalid URL."));
        }
        let spec = kept(&self.spec, old.map(|old| &old.spec));
        if !spec.is_empty() && !spec.ends_with(".spec") {
            problems.push(Problem::new("spec", "RPM spec file must end with .spec"));
        }
        let subdirectory = kept(&self.subdirectory, old.map(|old| &old.subdirectory));
        for (field, path) in [("spec", &spec), ("subdirectory", &subdirectory)] {
            if path.split('/').any(|part| part == "..") {
                problems.push(Problem::new(field, "It must lie in the repository: leave out '..'."));
            }
        }
        let committish = kept(&self.committish, old.map(|old| &old.committish));
        if committish.starts_with('-') || committish.contains(char::is_whitespace) {
            problems.push(Problem::new("committish", "Name a branch, a tag or a commit."));
        }
        let scm_type =
            choice("scm_type", &self.scm_type, old.map_or(ScmType::Git, |old| old.scm_type), problems)?;
        let default = old.map_or(ScmMethod::Rpkg, |old| old.method);
        let method = choice("source_build_method", &self.source_build_method, default, problems)?;
        Some(SourceMethod::Scm(ScmSource { scm_type, clone_url, committish, subdirectory, spec, method }))
    }

    fn distgit(&self, cx: &Context, problems: &mut Vec<Problem>) -> Option<SourceMethod> {
        let package = required("package_name", &self.package_name, problems);
        if !package.is_empty() && package.parse::<PackageName>().is_err() {
            problems.push(Problem::new("package_name", "Not a package's name."));
        }
        let all = &cx.settings.distgits;
        let wanted = self.distgit.as_deref().filter(|name| !name.is_empty());
        let instance = match wanted {
            None => all.first(),
            Some(name) => all.iter().find(|instance| instance.name == name),
        };
        let Some(instance) = instance else {
            let names: Vec<&str> = all.iter().map(|instance| instance.name.as_str()).collect();
            let text = format!("Not a valid choice. There are: {}.", names.join(", "));
            problems.push(Problem::new("distgit", text));
            return None;
        };
        let namespace = self.namespace.clone().unwrap_or_default();
        let is_plain =
            |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && part != "..";
        if !namespace.is_empty() && !namespace.split('/').all(|part| !part.is_empty() && is_plain(part)) {
            problems.push(Problem::new("namespace", "Use letters, digits, '-', '_' and '.', parted by '/'."));
        }
        Some(SourceMethod::Distgit(DistgitSource {
            instance: instance.name.clone(),
            clone_url: instance.clone_url(&namespace, &package),
            namespace,
            committish: self.committish.clone().unwrap_or_default(),
        }))
    }

    fn pypi(&self, old: Option<&PypiSource>, problems: &mut Vec<Problem>) -> Option<SourceMethod> {
        let name = self.pypi_package_name.clone().or(old.map(|old| old.package_name.clone()));
        let package_name = required("pypi_package_name", &name, problems);
        let version = self.pypi_package_version.clone().or(old.and_then(|old| old.version.clone()));
        let default = SpecGenerator::Pyp2spec;
        let generator = choice(
            "spec_generator",
            &self.spec_generator,
            old.map_or(default, |old| old.generator),
            problems,
        )?;
        let template = self.spec_template.clone().or(old.map(|old| old.template.clone())).unwrap_or_default();
        if !template.is_empty() && !TEMPLATES.contains(&template.as_str()) {
            problems.push(Problem::new("spec_template", "Not a valid choice."));
        }
        // Copr: Python 3 unless said otherwise.
        let versions = self.python_versions.clone().or(old.map(|old| old.python_versions.clone()));
        let python_versions = versions.unwrap_or_else(|| vec!["3".into()]);
        let is_version =
            |text: &String| text.chars().all(|c| c.is_ascii_digit() || c == '.') && !text.is_empty();
        if !python_versions.iter().all(is_version) {
            problems.push(Problem::new("python_versions", "Not a valid choice."));
        }
        let version = version.filter(|version| !version.is_empty());
        Some(SourceMethod::Pypi(PypiSource { package_name, version, generator, template, python_versions }))
    }

    fn custom(
        &self,
        conn: &mut Conn,
        old: Option<&CustomSource>,
        problems: &mut Vec<Problem>,
    ) -> Result<Option<SourceMethod>, OpError> {
        let kept =
            |new: &Option<String>, old: Option<&String>| new.clone().or(old.cloned()).unwrap_or_default();
        let script = self.script.clone().or(old.map(|old| old.script.clone()));
        let mut script = required("script", &script, problems).replace("\r\n", "\n");
        if script.len() > SCRIPT_BYTES {
            problems
                .push(Problem::new("script", format!("The script may have {SCRIPT_BYTES} bytes at most.")));
        }
        if !script.ends_with('\n') {
            script.push('\n');
        }
        let mut chroot = kept(&self.chroot, old.map(|old| &old.chroot));
        if chroot.is_empty() {
            chroot = "fedora-latest-x86_64".into();
        }
        if !chroot.starts_with("fedora-latest-") && mock_chroots::find(conn, &chroot)?.is_none() {
            problems.push(Problem::no_choice("chroot", &chroot));
        }
        let builddeps = kept(&self.builddeps, old.map(|old| &old.builddeps));
        let resultdir = kept(&self.resultdir, old.map(|old| &old.resultdir));
        let repos = kept(&self.repos, old.map(|old| &old.repos));
        Ok(Some(SourceMethod::Custom(CustomSource { script, chroot, builddeps, resultdir, repos })))
    }
}

impl DistgitInstance {
    fn clone_url(&self, namespace: &str, package: &str) -> String {
        let namespace = if namespace.is_empty() { "rpms" } else { namespace };
        format!("{}/{namespace}/{package}", self.url.trim_end_matches('/'))
    }
}

fn required(field: &str, given: &Option<String>, problems: &mut Vec<Problem>) -> String {
    let text = given.clone().unwrap_or_default();
    if text.trim().is_empty() {
        problems.push(Problem::new(field, "This field is required."));
    }
    text
}

fn choice<T: std::str::FromStr>(
    field: &str,
    given: &Option<String>,
    default: T,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let Some(word) = given.as_deref().filter(|word| !word.is_empty()) else { return Some(default) };
    let read = word.parse().ok();
    if read.is_none() {
        problems.push(Problem::new(field, "Not a valid choice."));
    }
    read
}

fn is_repository(text: &str) -> bool {
    let schemes = ["http", "https", "git", "svn", "ssh"];
    Url::parse(text).is_ok_and(|url| schemes.contains(&url.scheme()) && url.has_host())
}
