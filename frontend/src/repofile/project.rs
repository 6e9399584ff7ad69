//! What repository files say about a project, free of where it is stored.

use coppice_model::{ChrootName, DirName, OwnerName, ProjectId, ProjectRef};

/// Where clients find us and the packages.
#[derive(Debug, Clone)]
pub struct Site {
    /// The public host name without port: repository ids hold it.
    pub host: String,
    /// Without a slash at its end.
    pub results_url: String,
}

impl Site {
    /// The folder of a directory, with a slash at its end.
    pub fn dir_url(&self, owner: &OwnerName, dir: &DirName) -> String {
        format!("{}/{owner}/{dir}/", self.results_url)
    }
}

/// A directory of a project with its settings and all that it depends on.
#[derive(Debug, Clone)]
pub struct Published {
    pub id: ProjectId,
    pub project: ProjectRef,
    /// Only when all of the project is asked for.
    pub dirs: Vec<PublishedDir>,
    /// The enabled chroots.
    pub chroots: Vec<ChrootName>,
    pub multilib: bool,
    pub options: Options,
    pub delete_after_days: Option<i64>,
    /// All of them, also those of dependencies.
    pub dependencies: Vec<Dependency>,
}

#[derive(Debug, Clone)]
pub struct PublishedDir {
    pub name: DirName,
    /// Of pull requests: when it goes away unless something is built.
    pub delete_after_days: Option<i64>,
}

/// What a repository section holds beside its address.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    pub module_hotfixes: bool,
    pub priority: Option<i64>,
}

impl Options {
    /// Copr: 99 is DNF's default and counts as not set.
    pub fn shown_priority(self) -> Option<i64> {
        self.priority.filter(|priority| *priority != 99)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dependency {
    /// A directory of a project of this server.
    Copr { owner: OwnerName, dir: DirName, options: Options },
    /// Another repository; `pattern` may hold `$chroot` and `$distname`.
    External { pattern: String, priority: Option<i64> },
    /// A project that is gone.
    Missing { name: String },
}

/// Every run of other characters becomes one `_`; none at the ends.
pub fn id_of_url(url: &str) -> String {
    let words = url.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_addresses_hold_words_only() {
        assert_eq!(id_of_url("http://ext.example/$chroot/"), "http_ext_example_chroot");
        assert_eq!(id_of_url("https://example.com/repo/"), "https_example_com_repo");
    }
}
