//! Reading spec files after RPM expanded their macros: which sources and patches they name.

use url::Url;

use crate::sources_file::is_plain_name;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamedSource {
    /// To be fetched and stored under this name.
    Remote { url: String, file: String },
    /// Must lie beside the spec file.
    Local(String),
}

/// Sources and patches of an expanded spec file, in order, each once.
pub fn sources(expanded: &str) -> Vec<NamedSource> {
    let mut found = Vec::new();
    let mut in_list = false;
    let mut in_preamble = true;
    for line in expanded.lines().map(str::trim) {
        let value = if line.starts_with('%') {
            in_list = matches!(line, "%sourcelist" | "%patchlist");
            in_preamble = false;
            None
        } else if in_list {
            Some(line).filter(|line| !line.is_empty() && !line.starts_with('#'))
        } else {
            tag_value(line).filter(|_| in_preamble)
        };
        let named = value.map(named);
        found.extend(named.filter(|new| !found.contains(new)));
    }
    found
}

/// The value of `Source: …`, `Source12: …` or `Patch3: …`.
fn tag_value(line: &str) -> Option<&str> {
    let (tag, value) = line.split_once(':')?;
    let tag = tag.trim().to_ascii_lowercase();
    let number = tag.strip_prefix("source").or_else(|| tag.strip_prefix("patch"))?;
    let value = value.trim();
    (number.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty()).then_some(value)
}

fn named(value: &str) -> NamedSource {
    let remote = Url::parse(value).is_ok_and(|url| url.has_host());
    // RPM takes what follows the last slash, also when that is in a fragment (`#/name.tar.gz`).
    let file = value.rsplit('/').next().unwrap_or(value).to_owned();
    if remote {
        NamedSource::Remote { url: value.to_owned(), file }
    } else {
        NamedSource::Local(value.to_owned())
    }
}

/// Whether RPM would store this source under a name that stays in its folder.
pub fn is_storable(file: &str) -> bool {
    is_plain_name(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_lists_and_fragments_are_understood() {
        let spec = "Name: a\nSource: https://h/x/a-1.tar.gz\nSOURCE1 :  local.conf\nPatch0: fix.patch\n\
            Source2: https://h/get?id=1#/b.zip\n\n%sourcelist\nhttps://h/c.tgz\n# none\n\n%description\n\
            Source9: not one of the preamble\n";
        let remote = |url: &str, file: &str| NamedSource::Remote { url: url.into(), file: file.into() };
        assert_eq!(
            sources(spec),
            [
                remote("https://h/x/a-1.tar.gz", "a-1.tar.gz"),
                NamedSource::Local("local.conf".into()),
                NamedSource::Local("fix.patch".into()),
                remote("https://h/get?id=1#/b.zip", "b.zip"),
                remote("https://h/c.tgz", "c.tgz"),
            ]
        );
    }

    #[test]
    fn other_tags_are_no_sources() {
        assert_eq!(sources("Sourcery: x\nURL: https://h/\nPatches: y\nSource:\n"), []);
    }
}
