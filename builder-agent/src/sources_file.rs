//! The `sources` file of a package in DistGit: which files are in the lookaside cache.

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub file: String,
    /// Lower-case hexadecimal.
    pub sha512: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {number} of the sources file is not `SHA512 (FILE) = HASH`: {line:?}")]
pub struct InvalidLine {
    number: usize,
    line: String,
}

pub fn parse(text: &str) -> Result<Vec<Source>, InvalidLine> {
    let lines = text.lines().map(str::trim).enumerate();
    let filled = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    filled
        .map(|(at, line)| {
            source(line).ok_or_else(|| InvalidLine { number: at + 1, line: line.chars().take(200).collect() })
        })
        .collect()
}

fn source(line: &str) -> Option<Source> {
    let (name, hash) = line.strip_prefix("SHA512 (")?.rsplit_once(") = ")?;
    let is_hash = hash.len() == 128 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hash && is_plain_name(name))
        .then(|| Source { file: name.to_owned(), sha512: hash.to_ascii_lowercase() })
}

/// A name that stays in its folder.
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 255
        && !name.starts_with('.')
        && !name.contains('/')
        && !name.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_plain_file_and_a_sha512() {
        let hash = "aB".repeat(64);
        let text = format!("SHA512 (a-1.tar.gz) = {hash}\n\nSHA512 (odd ) = name.zip) = {hash}\n");
        let found = parse(&text).unwrap();
        assert_eq!(found[0], Source { file: "a-1.tar.gz".into(), sha512: "ab".repeat(64) });
        assert_eq!(found[1].file, "odd ) = name.zip");
    }

    #[test]
    fn names_that_leave_the_folder_and_other_hashes_are_refused() {
        let hash = "a".repeat(128);
        for bad in [
            format!("SHA512 (../x) = {hash}"),
            format!("SHA512 (.git) = {hash}"),
            "SHA512 (x) = abc".to_owned(),
            "d41d8cd98f00b204e9800998ecf8427e  a.tar.gz".to_owned(),
        ] {
            let refused = parse(&format!("\n{bad}\n")).unwrap_err();
            assert!(refused.to_string().contains("line 2"), "{refused}");
        }
    }
}
