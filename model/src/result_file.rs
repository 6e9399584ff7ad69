//! Names of the files that a builder may send.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::names::InvalidName;

/// Endings that are taken from a builder. Everything else of a result directory is written by the backend.
const ENDINGS: [&str; 6] = [".rpm", ".log", ".log.gz", ".spec", ".cfg", ".tar.gz"];
/// Names that the backend writes itself.
const OURS: [&str; 2] = ["builder-live.log", "backend.log"];

/// A plain file name with an allowed ending: no folder, no hidden file, nothing that a shell or page
/// could misread.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResultFileName(String);

impl ResultFileName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_rpm(&self) -> bool {
        self.0.ends_with(".rpm")
    }

    pub fn is_source_rpm(&self) -> bool {
        self.0.ends_with(".src.rpm") || self.0.ends_with(".nosrc.rpm")
    }
}

impl TryFrom<String> for ResultFileName {
    type Error = InvalidName;
    fn try_from(raw: String) -> Result<Self, InvalidName> {
        let plain = raw.len() <= 255
            && raw.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            && raw.chars().all(|c| c.is_ascii_alphanumeric() || "._+~^-".contains(c));
        let known = ENDINGS.iter().any(|ending| raw.len() > ending.len() && raw.ends_with(ending));
        let ours = OURS.iter().any(|name| raw == *name || raw == format!("{name}.gz"));
        if plain && known && !ours {
            return Ok(Self(raw));
        }
        let raw = raw.chars().take(300).collect();
        Err(InvalidName {
            kind: "result file",
            raw,
            rule: "send plain .rpm, .log, .spec, .cfg or .tar.gz files",
        })
    }
}

impl From<ResultFileName> for String {
    fn from(name: ResultFileName) -> Self {
        name.0
    }
}

impl fmt::Display for ResultFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_with_known_endings_pass() {
        for good in
            ["a-1-1.x86_64.rpm", "build.log", "root.log.gz", "gcc-c++-1~rc1^2.noarch.rpm", "configs.tar.gz"]
        {
            assert!(ResultFileName::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in [
            "../x.rpm",
            "a/b.rpm",
            ".rpm",
            ".hidden.log",
            "x",
            "x.html",
            "success",
            "builder-live.log",
            "backend.log.gz",
            "a\n.rpm",
            "ü.rpm",
            "index.html",
            "-rf.rpm",
            &format!("{}.rpm", "x".repeat(255)),
        ] {
            assert!(ResultFileName::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
