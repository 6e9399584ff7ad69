//! The source phase: an SRPM as it is, or one made from a spec file and what that names.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
    time::Duration,
};

use coppice_model::{
    address::AllowList,
    source_method::SourceMethod,
    work::{FailureCause, SourceSpec, SourceWork},
};

use crate::{
    attempt::Task,
    ended::{Ended, OrBroken, chain},
    fetch::{Fetched, Fetcher},
    record,
    results::open_plain,
    runner::{AnyRunner, Order},
    spec::{self, NamedSource},
};

const RPM_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
/// Where the lead of a package says what it is, and what a source package says there.
const LEAD_TYPE: std::ops::Range<usize> = 6..8;
const LEAD_SOURCE: [u8; 2] = [0, 1];
const LONGEST_FETCH: Duration = Duration::from_secs(3_600);

/// What an address turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    SourcePackage(String),
    Spec(String),
}

pub async fn make(task: &Task, work: &SourceWork, allow: &AllowList) -> Result<(), Ended> {
    let fetcher =
        Fetcher { allow: allow.clone(), most_bytes: work.limits.result_bytes, limit: LONGEST_FETCH };
    let url = match &work.source {
        SourceSpec::Link { url } | SourceSpec::UploadedSpec { url, .. } => url,
        SourceSpec::Method { method } => return Err(no_runner(method)),
    };
    let path = task.workspace.path("fetched");
    let fetched = fetch(task, &fetcher, url, &path).await?;
    let kind = match &work.source {
        SourceSpec::Link { .. } => kind(&fetched),
        SourceSpec::UploadedSpec { file_name, .. } => known(file_name),
        SourceSpec::Method { .. } => None,
    };
    match kind {
        Some(Kind::SourcePackage(name)) => keep_srpm(task, url, &path, &name),
        Some(Kind::Spec(name)) => {
            let to = task.workspace.sources().join(&name);
            fs::rename(&path, to).or_broken("placing the spec file")?;
            from_spec(task, work, &fetcher, &name).await
        }
        None => {
            let message = format!("{url} is neither a .src.rpm, a .nosrc.rpm nor a .spec file");
            Err(Ended::failed(FailureCause::SourceFetch, message))
        }
    }
}

fn no_runner(method: &SourceMethod) -> Ended {
    let message = format!(
        "this builder cannot make sources by the method {} yet: submit a source package, a spec file or the address of one",
        method.name()
    );
    Ended::failed(FailureCause::SourceMake, message)
}

async fn fetch(task: &Task, fetcher: &Fetcher, url: &str, into: &Path) -> Result<Fetched, Ended> {
    task.log.stage(&format!("fetching {url}"));
    let fetched = task.control.or_halted(fetcher.fetch(url, into)).await?;
    fetched.map_err(|error| Ended::failed(FailureCause::SourceFetch, chain(&error)))
}

fn kind(fetched: &Fetched) -> Option<Kind> {
    fetched.names.iter().rev().find_map(|name| known(name))
}

fn known(name: &str) -> Option<Kind> {
    let safe: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let safe = safe.trim_start_matches(['.', '-', '+', '~', '^']).to_owned();
    let named = |ending: &str| safe.len() > ending.len() && safe.ends_with(ending);
    if named(".src.rpm") || named(".nosrc.rpm") {
        return Some(Kind::SourcePackage(safe));
    }
    named(".spec").then_some(Kind::Spec(safe))
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._+~^-".contains(c)
}

fn keep_srpm(task: &Task, url: &str, path: &Path, name: &str) -> Result<(), Ended> {
    if !is_source_package(path).or_broken("reading what was fetched")? {
        let message = format!("{url} is named like a source package but is none");
        return Err(Ended::failed(FailureCause::SourceFetch, message));
    }
    fs::rename(path, task.workspace.results().join(name)).or_broken("placing the source package")
}

fn is_source_package(path: &Path) -> io::Result<bool> {
    let Some(mut file) = open_plain(path)? else { return Ok(false) };
    let mut lead = [0; 8];
    match file.read_exact(&mut lead) {
        Ok(()) => Ok(lead.starts_with(&RPM_MAGIC) && lead[LEAD_TYPE] == LEAD_SOURCE),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

async fn from_spec(task: &Task, work: &SourceWork, fetcher: &Fetcher, name: &str) -> Result<(), Ended> {
    let order = Order {
        task,
        context: &work.context,
        environment: &work.environment,
        limits: &work.limits,
        allow: &fetcher.allow,
        spec: name,
    };
    fs::copy(order.spec_path(), task.workspace.results().join(name)).or_broken("keeping the spec file")?;
    record::keep(&order).or_broken("recording the configuration")?;
    let mut runner = AnyRunner::ready(order).await?;
    let expanded = runner.expand_spec(order).await?;
    for source in spec::sources(&expanded) {
        fetch_named(task, fetcher, source).await?;
    }
    runner.make_srpm(order).await
}

async fn fetch_named(task: &Task, fetcher: &Fetcher, source: NamedSource) -> Result<(), Ended> {
    match source {
        NamedSource::Local(file) => {
            let message = format!(
                "the spec file names {file:?} without an address, and only the spec file was submitted"
            );
            Err(Ended::failed(FailureCause::SourceMake, message))
        }
        NamedSource::Remote { url, file } if !spec::is_storable(&file) => {
            let message = format!("the source {url} has no usable file name at its end");
            Err(Ended::failed(FailureCause::SourceMake, message))
        }
        NamedSource::Remote { url, file } => {
            let path: PathBuf = task.workspace.sources().join(file);
            fetch(task, fetcher, &url, &path).await.map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Fetched {
        Fetched { names: names.iter().map(ToString::to_string).collect(), size: 1 }
    }

    #[test]
    fn the_kind_follows_from_any_name_on_the_way_the_last_first() {
        let srpm = |name: &str| Some(Kind::SourcePackage(name.into()));
        assert_eq!(kind(&names(&["a-1-1.src.rpm"])), srpm("a-1-1.src.rpm"));
        assert_eq!(kind(&names(&["download", "a-1-1.nosrc.rpm"])), srpm("a-1-1.nosrc.rpm"));
        assert_eq!(kind(&names(&["a.spec", "blob"])), Some(Kind::Spec("a.spec".into())));
        assert_eq!(kind(&names(&["-o..; rm.src.rpm"])), srpm("o..__rm.src.rpm"));
        for bad in ["a.rpm", "a-1-1.x86_64.rpm", "a.tar.gz", ".spec", ".src.rpm", ""] {
            assert_eq!(kind(&names(&[bad])), None, "{bad}");
        }
    }

    #[test]
    fn only_the_lead_of_a_source_package_makes_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        for (bytes, expected) in [
            (&[0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 1][..], true),
            (&[0xed, 0xab, 0xee, 0xdb, 3, 0, 0, 0][..], false),
            (b"<!DOCTYPE html>", false),
            (b"", false),
        ] {
            fs::write(&path, bytes).unwrap();
            assert_eq!(is_source_package(&path).unwrap(), expected, "{bytes:?}");
        }
    }
}
