//! The files of one package as they will be installed: merged below /usr, trimmed, links set right.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data;
use crate::deb::{Item, Kind};
use crate::error::Error;
use crate::usrmerge::{merged, merged_target};

#[derive(Debug, Clone)]
pub enum Node {
    Dir,
    File {
        content: Vec<u8>,
        /// Files with the same identity are one file under several names.
        identity: Option<String>,
        config: bool,
    },
    Symlink(String),
}

#[derive(Debug, Default)]
pub struct Tree {
    nodes: BTreeMap<String, (u16, Node)>,
    /// Paths of files before the merge; others may depend on them.
    moved: Vec<String>,
}

impl Tree {
    pub fn nodes(&self) -> impl Iterator<Item = (&str, u16, &Node)> {
        self.nodes.iter().map(|(path, (mode, node))| (path.as_str(), *mode, node))
    }

    pub fn into_nodes(self) -> impl Iterator<Item = (String, u16, Node)> {
        self.nodes.into_iter().map(|(path, (mode, node))| (path, mode, node))
    }

    pub fn moved(&self) -> &[String] {
        &self.moved
    }

    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.nodes().filter_map(|(path, _, node)| match node {
            Node::File { content, .. } => Some((path, content.as_slice())),
            _ => None,
        })
    }

    pub fn dir(&mut self, path: &str, mode: u16) {
        self.nodes.insert(path.to_owned(), (mode, Node::Dir));
    }

    pub fn file(&mut self, path: &str, content: impl Into<Vec<u8>>, config: bool) {
        let node = Node::File { content: content.into(), identity: None, config };
        self.nodes.insert(path.to_owned(), (0o644, node));
    }

    pub fn symlink(&mut self, path: &str, target: &str) {
        let place = self.remember_move(path);
        self.nodes.insert(place, (0o777, Node::Symlink(merged_target(path, target))));
    }

    /// A link like `/bin`, which stays where it is and stands for the folder below /usr.
    pub fn top_link(&mut self, top: &str) {
        self.nodes.insert(format!("/{top}"), (0o777, Node::Symlink(format!("usr/{top}"))));
    }

    /// Takes the items of a deb; directories that mini-filesystem owns are left to it.
    pub fn from_items(deb: &Path, items: Vec<Item>, conffiles: &[String]) -> Result<Self, Error> {
        let mut tree = Self::default();
        for item in items.into_iter().filter(|item| !is_trimmed(&merged(&item.path))) {
            match item.kind {
                Kind::Dir => tree.dir_unless_common(&item.path, item.mode),
                Kind::Symlink(target) => tree.symlink(&item.path, &target),
                Kind::Hardlink(other) => tree.hardlink(deb, &item.path, &other)?,
                Kind::File(content) => {
                    let config = conffiles.contains(&item.path);
                    let place = tree.remember_move(&item.path);
                    let node = Node::File { content, identity: None, config };
                    tree.nodes.insert(place, (item.mode, node));
                }
            }
        }
        Ok(tree)
    }

    fn dir_unless_common(&mut self, path: &str, mode: u16) {
        let place = merged(path);
        if !common_directories().any(|(_, common)| common == place) {
            self.nodes.insert(place, (mode, Node::Dir));
        }
    }

    fn hardlink(&mut self, deb: &Path, path: &str, other: &str) -> Result<(), Error> {
        let target = merged(other);
        let Some((mode, Node::File { content, identity, config })) = self.nodes.get_mut(&target) else {
            return Err(Error::deb(deb, format!("{path} is a hard link to {other}, which is not there")));
        };
        let shared = identity.get_or_insert(target).clone();
        let node = Node::File { content: content.clone(), identity: Some(shared), config: *config };
        let mode = *mode;
        let place = self.remember_move(path);
        self.nodes.insert(place, (mode, node));
        Ok(())
    }

    fn remember_move(&mut self, path: &str) -> String {
        let place = merged(path);
        if place != path {
            self.moved.push(path.to_owned());
        }
        place
    }
}

fn is_trimmed(path: &str) -> bool {
    // A folder is trimmed with its content: "/usr/share/doc" by the prefix "/usr/share/doc/".
    data::words(data::TRIM).any(|prefix| path.starts_with(prefix) || prefix.strip_suffix('/') == Some(path))
}

/// Mode and path of the directories that mini-filesystem owns.
pub fn common_directories() -> impl Iterator<Item = (u16, &'static str)> {
    data::rows(data::DIRECTORIES).flat_map(|row| {
        let mode = row.first().and_then(|mode| u16::from_str_radix(mode, 8).ok()).unwrap_or(0o755);
        row.into_iter().skip(1).map(move |path| (mode, path))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(path: &str, kind: Kind) -> Item {
        Item { path: path.to_owned(), mode: 0o755, kind }
    }

    fn tree(items: Vec<Item>) -> Tree {
        Tree::from_items(Path::new("x.deb"), items, &["/etc/x.conf".to_owned()]).unwrap()
    }

    #[test]
    fn moved_files_leave_their_old_name_behind() {
        let tree = tree(vec![
            item("/bin", Kind::Dir),
            item("/bin/cat", Kind::File(b"cat".to_vec())),
            item("/usr/bin/env", Kind::File(b"env".to_vec())),
        ]);
        let paths: Vec<&str> = tree.nodes().map(|(path, _, _)| path).collect();
        assert_eq!(paths, ["/usr/bin/cat", "/usr/bin/env"]);
        assert_eq!(tree.moved(), ["/bin/cat"]);
    }

    #[test]
    fn documentation_goes_but_the_rpm_platform_stays() {
        let tree = tree(vec![
            item("/usr/share/doc", Kind::Dir),
            item("/usr/share/doc/x/copyright", Kind::File(vec![])),
            item("/usr/lib/rpm/platform/x86_64-linux/macros", Kind::File(vec![])),
        ]);
        let paths: Vec<&str> = tree.nodes().map(|(path, _, _)| path).collect();
        assert_eq!(paths, ["/usr/lib/rpm/platform/x86_64-linux/macros"]);
    }

    #[test]
    fn hard_links_share_one_identity_and_content() {
        let tree = tree(vec![
            item("/bin/bunzip2", Kind::File(b"code".to_vec())),
            item("/bin/bzcat", Kind::Hardlink("/bin/bunzip2".to_owned())),
        ]);
        let identities: Vec<_> = tree
            .nodes()
            .map(|(_, _, node)| match node {
                Node::File { content, identity, .. } => (content.as_slice(), identity.as_deref()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(identities, [(b"code".as_slice(), Some("/usr/bin/bunzip2")); 2]);
    }

    #[test]
    fn a_hard_link_to_nothing_is_an_error() {
        let items = vec![item("/bin/a", Kind::Hardlink("/bin/b".to_owned()))];
        assert!(Tree::from_items(Path::new("x.deb"), items, &[]).is_err());
    }

    #[test]
    fn configuration_files_are_marked() {
        let tree = tree(vec![item("/etc/x.conf", Kind::File(vec![])), item("/etc/y", Kind::File(vec![]))]);
        let config: Vec<bool> =
            tree.nodes().map(|(_, _, node)| matches!(node, Node::File { config: true, .. })).collect();
        assert_eq!(config, [true, false]);
    }
}
