//! Strings of a source RPM's header that become paths, addresses and lines of text elsewhere.

use coppice_model::{PackageName, package::SourceHeader};
use rpm::{Error, IndexTag, PackageMetadata};

use super::{ReadError, damaged, refused};

const MOST_CHARACTERS: usize = 100;
const MOST_ARCHITECTURES: usize = 200;

pub fn source_header(metadata: &PackageMetadata) -> Result<SourceHeader, ReadError> {
    let name = metadata.get_name().map_err(damaged)?;
    Ok(SourceHeader {
        name: package_name(name)?,
        epoch: epoch(metadata)?,
        version: version("version", metadata.get_version().map_err(damaged)?)?,
        release: version("release", metadata.get_release().map_err(damaged)?)?,
        exclusive_arch: architectures(metadata, IndexTag::RPMTAG_EXCLUSIVEARCH)?,
        exclude_arch: architectures(metadata, IndexTag::RPMTAG_EXCLUDEARCH)?,
    })
}

fn package_name(raw: &str) -> Result<PackageName, ReadError> {
    if raw.chars().count() > MOST_CHARACTERS {
        // Clients know this text. Copr: dist-git says the same.
        return refused(format!(
            "Too long package name {:?}…: use at most {MOST_CHARACTERS} characters",
            beginning(raw)
        ));
    }
    raw.parse().map_err(|error: coppice_model::InvalidName| ReadError::Refused(error.to_string()))
}

/// RPM itself allows no more than these.
fn version(what: &str, raw: &str) -> Result<String, ReadError> {
    let plain = raw.chars().all(|c| c.is_ascii_alphanumeric() || "._+~^".contains(c));
    if plain && !raw.is_empty() && raw.len() <= MOST_CHARACTERS && !raw.contains("..") {
        return Ok(raw.to_owned());
    }
    refused(format!(
        "{:?} is not a valid {what}: use at most {MOST_CHARACTERS} letters, digits, '.', '_', '+', '~' and '^', without '..'",
        beginning(raw)
    ))
}

fn epoch(metadata: &PackageMetadata) -> Result<Option<u32>, ReadError> {
    match metadata.header.get_entry_data_as_u32(IndexTag::RPMTAG_EPOCH) {
        Ok(epoch) => Ok(Some(epoch)),
        Err(Error::TagNotFound(_)) => Ok(None),
        Err(error) => Err(damaged(error)),
    }
}

fn architectures(metadata: &PackageMetadata, tag: IndexTag) -> Result<Vec<String>, ReadError> {
    let named = match metadata.header.get_entry_data_as_string_array(tag) {
        Ok(named) => named,
        Err(Error::TagNotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(damaged(error)),
    };
    let is_plain = |arch: &str| {
        (1..=MOST_CHARACTERS).contains(&arch.len())
            && arch.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
    };
    match named.iter().find(|arch| !is_plain(arch)) {
        Some(arch) => refused(format!(
            "{:?} is not an architecture: correct ExclusiveArch and ExcludeArch in the spec",
            beginning(arch)
        )),
        None if named.len() > MOST_ARCHITECTURES => refused("The spec names too many architectures"),
        None => Ok(named.into_iter().map(ToOwned::to_owned).collect()),
    }
}

/// A file of a source RPM lies in no folder and has a name that git, `sources` and an address can hold.
pub fn ensure_plain_file(dir: &str, name: &str) -> Result<(), ReadError> {
    let bad_character = |c: char| c == '/' || c.is_control();
    let bad = name.is_empty()
        || name == "."
        || name == ".."
        || name.starts_with('-')
        || name.len() > 255
        || name.eq_ignore_ascii_case(".git")
        || name.contains(bad_character);
    if bad || !dir.is_empty() {
        let shown = beginning(&format!("{dir}{name}"));
        return refused(format!("The source RPM holds a file named {shown:?}: rename it to a plain name"));
    }
    if name == "sources" {
        return refused("The source RPM holds a file named sources, which is our own list: rename it");
    }
    Ok(())
}

fn beginning(raw: &str) -> String {
    raw.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_what_rpm_allows_and_nothing_else() {
        for good in ["1", "2.8~rc1", "1^20240101git", "1_2+3"] {
            assert_eq!(version("version", good).unwrap(), good);
        }
        for bad in ["", "1/2", "1..2", "..", "1\n2", "1-2", "ü", "%{v}", &"1".repeat(4096)] {
            let sentence = version("version", bad).unwrap_err().to_string();
            assert!(sentence.contains("version") && !sentence.contains('\n'), "{sentence}");
            assert!(sentence.len() < 300, "{sentence}");
        }
    }

    #[test]
    fn names_are_refused_in_words_that_clients_know() {
        let sentence = package_name(&"x".repeat(4096)).unwrap_err().to_string();
        assert!(sentence.contains("Too long package name") && sentence.len() < 300, "{sentence}");
        for bad in ["", "a/b", "..", "a\nb", "-a"] {
            assert!(package_name(bad).is_err(), "{bad:?}");
        }
        assert_eq!(package_name("gcc-c++").unwrap().as_str(), "gcc-c++");
    }

    #[test]
    fn only_plain_files_at_the_top_pass() {
        for good in ["a.spec", ".hidden", "a b.patch", "ü.txt"] {
            ensure_plain_file("", good).unwrap();
        }
        for bad in ["", ".", "..", "a/b", "-x", "a\nb", ".git", ".GIT", "sources", &"x".repeat(256)] {
            assert!(ensure_plain_file("", bad).is_err(), "{bad:?}");
        }
        assert!(ensure_plain_file("/etc/", "passwd").is_err());
    }
}
