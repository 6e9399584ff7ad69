//! The table of the API: every address with what it takes and answers.

mod builds;
mod general;
mod packages;
mod projects;

use super::operation::{Endpoint, Field, choice, flag, integer, text, words};

/// All of them, in the order in which they are looked through.
pub fn all() -> Vec<Endpoint> {
    let mut all = general::endpoints();
    all.extend(projects::endpoints());
    all.extend(packages::endpoints());
    all.extend(builds::endpoints());
    all
}

const OWNER: Field = text("ownername", "A user, or `@group`").needed();
const PROJECT: Field = text("projectname", "Its project").needed();
const CHROOT: Field = text("chrootname", "`NAME-RELEASE-ARCH`").needed();
const DIRNAME: Field = text("dirname", "`PROJECT:custom:X` or `PROJECT:pr:N`; without it the main directory");

const LIMIT: Field = integer("limit", "So many at most; without it everything");
const OFFSET: Field = integer("offset", "So many are left out");
const ORDER: Field = text("order", "The field to order by");
const ORDER_TYPE: Field = choice("order_type", &["ASC", "DESC"], "Which way");
const AFTER: Field = integer("after", "What follows this id; the header `Link` names the next part this way");

const BOOTSTRAPS: &[&str] = &["default", "on", "off", "image", "unchanged"];
const ISOLATIONS: &[&str] = &["default", "nspawn", "simple", "unchanged"];

/// What every submission takes beside its sources.
const BUILD: [Field; 13] = [
    OWNER,
    PROJECT,
    text("project_dirname", "The directory for its results; made when it is new"),
    words("chroots", "Names and shell patterns; without them all enabled ones"),
    words("exclude_chroots", "Names and shell patterns"),
    integer("timeout", "Seconds"),
    flag("background", "Waits for all others"),
    flag("enable_net", "Whether it may reach the network"),
    choice("bootstrap", BOOTSTRAPS, "Mock's bootstrap"),
    choice("isolation", ISOLATIONS, "Mock's isolation"),
    integer("after_build_id", "Waits for the batch of this build"),
    integer("with_build_id", "Joins the batch of this build"),
    text("packit_forge_project", "The forge's project that asks"),
];

/// Every part of every way to make sources; each way needs its own.
const SOURCE: [Field; 22] = [
    text("clone_url", "Of a repository"),
    text("committish", "Branch, tag or commit"),
    text("subdirectory", "Where the spec file's folder is"),
    text("spec", "Path of the spec file"),
    choice("scm_type", &["git", "svn"], "What kind of repository"),
    choice("source_build_method", &["rpkg", "tito", "tito_test", "make_srpm"], "What makes the SRPM"),
    text("package_name", "Name in DistGit"),
    text("distgit", "Which DistGit"),
    text("namespace", "Where in DistGit"),
    text("pypi_package_name", "Name on PyPI"),
    text("pypi_package_version", "Without it the newest"),
    choice("spec_generator", &["pyp2spec", "pyp2rpm"], "What makes the spec file"),
    text("spec_template", "For pyp2rpm"),
    words("python_versions", "For pyp2rpm"),
    text("gem_name", "Name on RubyGems"),
    text("script", "Makes spec file and sources"),
    text("script_chroot", "Where the script runs"),
    text("script_builddeps", "Packages that the script needs"),
    text("script_resultdir", "Where the script leaves its files"),
    text("script_repos", "Repositories for the script"),
    text("chroot", "The same as `script_chroot`"),
    text("builddeps", "The same as `script_builddeps`"),
];
