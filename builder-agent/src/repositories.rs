//! Package repositories: their state, what they offer, and how dnf is told about them.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use coppice_model::chroot::{ChrootDefinition, Repository};
use flate2::read::GzDecoder;
use reqwest::Client;
use tokio::time::Instant;

use crate::{
    ended::{Ended, chain},
    fetch::{FetchError, Fetcher},
    retry::{self, Transient},
};

/// Where the host's rpm keeps the database of every root.
pub const DBPATH: &str = "/usr/lib/sysimage/rpm";
const PATIENCE: Duration = Duration::from_secs(20);
const ANSWER_TIME: Duration = Duration::from_secs(30);
/// A larger list of packages is left to dnf, which keeps it between builds.
pub const LARGEST_LIST: u64 = 1 << 20;
const LARGEST_UNPACKED: u64 = 64 << 20;

#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("reading {path}")]
    File { path: String, source: io::Error },
    #[error("fetching {url}")]
    Fetch { url: String, source: reqwest::Error },
    #[error("{url} answered {status}")]
    Status { url: String, status: reqwest::StatusCode },
    #[error(transparent)]
    Refused(#[from] FetchError),
    #[error("repository {0:?} has an address or a name that dnf could misread")]
    Unsafe(String),
    #[error("{0} is not a list of packages that is read here")]
    Unread(String),
}

impl Transient for RepositoryError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Fetch { .. } => true,
            Self::Status { status, .. } => status.is_server_error(),
            Self::File { .. } | Self::Refused(_) | Self::Unsafe(_) | Self::Unread(_) => false,
        }
    }
}

/// The index of one of the chroot's own repositories: it changes whenever the repository does.
pub async fn index(repository: &Repository, definition: &ChrootDefinition) -> Result<Vec<u8>, Ended> {
    let url = expanded(&repository.baseurl, definition);
    let fetching = retry::until(Instant::now() + PATIENCE, || read(&url, "repodata/repomd.xml"));
    fetching.await.map_err(|error| {
        Ended::broken(format!(
            "the repository {} of the chroot cannot be reached: {}",
            repository.id,
            chain(&error)
        ))
    })
}

/// dnf's variables, as far as a chroot's name says them.
pub fn expanded(url: &str, definition: &ChrootDefinition) -> String {
    let name = &definition.name;
    url.replace("$releasever", name.release()).replace("$basearch", name.arch()).replace("$arch", name.arch())
}

async fn read(base: &str, path: &str) -> Result<Vec<u8>, RepositoryError> {
    let url = format!("{}/{path}", base.trim_end_matches('/'));
    if let Some(path) = url.strip_prefix("file://") {
        let read = tokio::fs::read(path).await;
        return read.map_err(|source| RepositoryError::File { path: path.to_owned(), source });
    }
    let failed = |source| RepositoryError::Fetch { url: url.clone(), source };
    let client = Client::builder().no_proxy().timeout(ANSWER_TIME).build().map_err(failed)?;
    let response = client.get(&url).send().await.map_err(failed)?;
    if !response.status().is_success() {
        return Err(RepositoryError::Status { url, status: response.status() });
    }
    Ok(response.bytes().await.map_err(failed)?.to_vec())
}

/// Names of all packages that a small repository of a project offers; an error when that is not known
/// cheaply.
pub async fn offered(
    fetcher: &Fetcher,
    base: &str,
    scratch: &Path,
) -> Result<BTreeSet<String>, RepositoryError> {
    let unread = || RepositoryError::Unread(base.to_owned());
    let at = |path: &str| format!("{}/{path}", base.trim_end_matches('/'));
    fetcher.fetch(&at("repodata/repomd.xml"), scratch).await?;
    let index = std::fs::read(scratch).map_err(|_| unread())?;
    let location = primary(&String::from_utf8_lossy(&index)).ok_or_else(unread)?;
    fetcher.fetch(&at(&location), scratch).await?;
    let packed = std::fs::read(scratch).map_err(|_| unread())?;
    let text = unpacked(&location, &packed).map_err(|_| unread())?;
    Ok(names(&text))
}

/// Where `repomd.xml` says that the list of packages is.
fn primary(index: &str) -> Option<String> {
    let (_, data) = index.split_once("type=\"primary\"")?;
    let (data, _) = data.split_once("</data>")?;
    let (_, href) = data.split_once("href=\"")?;
    let href = href.split('"').next()?;
    (!href.contains("..") && !href.contains(':')).then(|| href.to_owned())
}

fn unpacked(location: &str, packed: &[u8]) -> io::Result<String> {
    let mut text = String::new();
    if location.ends_with(".gz") {
        GzDecoder::new(packed).take(LARGEST_UNPACKED).read_to_string(&mut text)?;
    } else if location.ends_with(".zst") {
        zstd::Decoder::new(packed)?.take(LARGEST_UNPACKED).read_to_string(&mut text)?;
    } else {
        return Err(io::Error::other("unknown compression"));
    }
    Ok(text)
}

fn names(primary: &str) -> BTreeSet<String> {
    let parts = primary.split("<name>").skip(1);
    parts.filter_map(|part| Some(part.split_once("</name>")?.0.to_owned())).collect()
}

/// One section per repository. Nothing that a user named can become another option.
pub fn sections(repositories: &[Repository]) -> Result<String, RepositoryError> {
    repositories.iter().map(section).collect()
}

fn section(repository: &Repository) -> Result<String, RepositoryError> {
    let Repository { id, name, baseurl, priority, module_hotfixes, repo_gpgcheck } = repository;
    let id_ok = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    let plain_name = !name.chars().any(char::is_control);
    if id.is_empty() || !id.chars().all(id_ok) || !plain_name || !is_one_word(baseurl) {
        return Err(RepositoryError::Unsafe(id.chars().take(200).collect()));
    }
    let mut text = format!("\n[{id}]\nname={name}\nbaseurl={baseurl}\n");
    let options = [
        ("priority", *priority),
        ("module_hotfixes", module_hotfixes.map(i64::from)),
        ("repo_gpgcheck", repo_gpgcheck.map(i64::from)),
    ];
    for (option, value) in options {
        if let Some(value) = value {
            text.push_str(&format!("{option}={value}\n"));
        }
    }
    Ok(text)
}

fn is_one_word(url: &str) -> bool {
    !url.is_empty() && !url.chars().any(|c| c.is_control() || c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn repository(id: &str, name: &str, baseurl: &str) -> Repository {
        Repository {
            id: id.into(),
            name: name.into(),
            baseurl: baseurl.into(),
            priority: Some(5),
            module_hotfixes: Some(true),
            repo_gpgcheck: None,
        }
    }

    #[test]
    fn a_section_holds_what_the_repository_says_and_nothing_else() {
        let text = sections(&[repository("copr_base", "Copr repository", "http://h/r/")]).unwrap();
        let expected =
            "\n[copr_base]\nname=Copr repository\nbaseurl=http://h/r/\npriority=5\nmodule_hotfixes=1\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_name_or_address_can_smuggle_another_option_in() {
        for bad in [
            repository("a]\n[main", "x", "http://h/"),
            repository("a", "x\nproxy=http://evil/", "http://h/"),
            repository("a", "x", "http://h/\ngpgcheck=0"),
            repository("a", "x", "http://h/ http://other/"),
            repository("", "x", "http://h/"),
        ] {
            assert!(sections(&[bad]).is_err());
        }
    }

    #[test]
    fn the_names_of_packages_are_found_in_any_usual_form() {
        let index = r#"<data type="other"><location href="x"/></data><data type="primary"><checksum/>
            <location href="repodata/ab-primary.xml.gz"/></data>"#;
        assert_eq!(primary(index).as_deref(), Some("repodata/ab-primary.xml.gz"));
        let xml = "<package><name>bash</name></package><package><name>zlib</name></package>";
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(xml.as_bytes()).unwrap();
        for (name, packed) in [
            ("a.xml.gz", gzip.finish().unwrap()),
            ("a.xml.zst", zstd::encode_all(xml.as_bytes(), 1).unwrap()),
        ] {
            let found = names(&unpacked(name, &packed).unwrap());
            assert_eq!(found.into_iter().collect::<Vec<_>>(), ["bash", "zlib"]);
        }
    }
}
