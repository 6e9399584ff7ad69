//! New builds from addresses or from an uploaded file.

use coppice_model::{BuildId, address, state::SourceState};
use coppice_store::{BuildSource, BuildView, Conn, Package, build_chroots, builds, project_dirs};

use super::{
    BuildRequest, Caller, Context, OpError, Problem, SourceForm, batch, build_request::Accepted, choose,
    order,
};

const ENDINGS: [&str; 3] = [".src.rpm", ".nosrc.rpm", ".spec"];

/// A file that the HTTP side has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// `<random folder>/<file name>` below `/tmp/`.
    pub path: String,
    pub file_name: String,
}

/// One build for each address (an item may hold several, separated by blanks).
pub fn submit_links(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    request: &BuildRequest,
    urls: &[String],
) -> Result<Vec<BuildView>, OpError> {
    let urls: Vec<&str> = urls.iter().flat_map(|item| item.split_whitespace()).collect();
    let accepted = request.accept(tx, by, problems_with(&urls))?;
    let sources = urls.iter().map(|url| BuildSource::Link { url: (*url).to_owned() }).collect();
    insert(tx, cx, by, &accepted, sources)
}

/// One build of an uploaded SRPM or spec file.
pub fn submit_upload(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    request: &BuildRequest,
    upload: &Upload,
) -> Result<BuildView, OpError> {
    let mut problems = Vec::new();
    if !ENDINGS.iter().any(|ending| upload.file_name.ends_with(ending)) {
        let text = "You can upload only .src.rpm, .nosrc.rpm, and .spec files";
        problems.push(Problem::new("pkgs", text));
    }
    let accepted = request.accept(tx, by, problems)?;
    let source = BuildSource::Upload { path: upload.path.clone(), file_name: upload.file_name.clone() };
    the_one(insert(tx, cx, by, &accepted, vec![source])?)
}

/// One build whose sources a builder makes.
pub fn submit_method(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    request: &BuildRequest,
    (kind, form): (&str, &SourceForm),
) -> Result<BuildView, OpError> {
    let (method, problems) = match form.method(tx, cx, kind, None)? {
        Ok(method) => (Some(method), Vec::new()),
        Err(problems) => (None, problems),
    };
    let accepted = request.accept(tx, by, problems)?;
    let sources = method.map(|method| BuildSource::Method { method }).into_iter().collect();
    the_one(insert(tx, cx, by, &accepted, sources)?)
}

/// One build of a package from its source; for all that is enabled but what its denylist names.
pub(super) fn submit_package(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    request: &BuildRequest,
    (package, source): (&Package, BuildSource),
) -> Result<BuildView, OpError> {
    let mut accepted = request.accept(tx, by, Vec::new())?;
    if accepted.chroots.is_none() {
        let names = accepted.enabled.iter().map(|chroot| chroot.name().clone());
        accepted.chroots = Some(names.filter(|name| !choose::is_denied(&package.settings, name)).collect());
    }
    accepted.package = Some(package.name.clone());
    the_one(insert(tx, cx, by, &accepted, vec![source])?)
}

fn the_one(mut made: Vec<BuildView>) -> Result<BuildView, OpError> {
    made.pop().ok_or_else(|| OpError::Refused("nothing was submitted".into()))
}

fn problems_with(urls: &[&str]) -> Vec<Problem> {
    if urls.is_empty() {
        return vec![Problem::new("pkgs", "URLs to packages are required")];
    }
    let not_an_address = urls.iter().filter(|url| address::parse_source_url(url).is_err()).map(|url| {
        format!("A list of http[s] URLs separated by whitespace characters is needed ('{url}' doesn't seem to be a valid URL).")
    });
    let ends_well = |url: &str| ENDINGS.iter().any(|ending| url.ends_with(ending));
    let wrong_end = urls.iter().filter(|url| !ends_well(url)).map(|url| {
        format!("URLs must end with .src.rpm, .nosrc.rpm, or .spec ('{url}' doesn't seem to be a valid URL).")
    });
    not_an_address.chain(wrong_end).map(|text| Problem::new("pkgs", text)).collect()
}

/// One build of these sources.
pub(super) fn insert_fresh(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    accepted: &Accepted,
    source: BuildSource,
) -> Result<BuildView, OpError> {
    the_one(insert(tx, cx, by, accepted, vec![source])?)
}

/// One build whose sources are in DistGit; nothing is ordered yet.
pub(super) fn insert_imported(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    (accepted, source): (&Accepted, BuildSource),
) -> Result<BuildId, OpError> {
    ensure_dir(tx, cx, accepted)?;
    let made = insert_one(tx, cx, by, (accepted, source, None), SourceState::Importing)?;
    Ok(made.build.id)
}

fn insert(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    accepted: &Accepted,
    sources: Vec<BuildSource>,
) -> Result<Vec<BuildView>, OpError> {
    ensure_dir(tx, cx, accepted)?;
    let batch = batch::join(tx, cx, accepted.batch)?;
    let mut made = Vec::new();
    for source in sources {
        let is_srpm = source.is_uploaded_srpm();
        let state = if is_srpm { SourceState::Importing } else { SourceState::Pending };
        let view = insert_one(tx, cx, by, (accepted, source, batch), state)?;
        order::new_build(tx, cx, &view, (&accepted.project, &accepted.enabled))?;
        made.push(view);
    }
    Ok(made)
}

/// A directory is made by the first build that names it; its builds see its repositories, so they must exist.
fn ensure_dir(tx: &mut Conn, cx: &Context, accepted: &Accepted) -> Result<(), OpError> {
    let Accepted { project, dir, enabled, .. } = accepted;
    // The main one is as old as the project.
    if !dir.is_main() && project_dirs::ensure(tx, project.id, dir, cx.now)? {
        let names = enabled.iter().map(|chroot| chroot.name().clone()).collect();
        order::publish(tx, cx, project, vec![dir.clone()], names)?;
    }
    Ok(())
}

fn insert_one(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    (accepted, source, batch): (&Accepted, BuildSource, Option<i64>),
    source_state: SourceState,
) -> Result<BuildView, OpError> {
    let row = builds::NewBuildRow {
        project: accepted.project.id,
        dir: accepted.dir.clone(),
        package: accepted.package.clone(),
        submitter: by.user.id,
        source,
        source_state,
        options: accepted.options.clone(),
        batch,
    };
    let id = builds::insert(tx, &row, cx.now)?;
    let mut chroots = Vec::new();
    for chroot in accepted.chroots.iter().flatten() {
        chroots.push(build_chroots::insert(tx, id, chroot)?);
    }
    let named = (accepted.project.reference(), by.user.name.clone());
    Ok(BuildView { build: row.into_build(id, named, cx.now), chroots })
}
