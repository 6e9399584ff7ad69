//! The hand-made package `mini-filesystem`: directories, the merged /usr, accounts and rpm's macros.
//! It stands for what base-files, base-passwd and their scripts do in Debian.

use rpm::Dependency;

use crate::data;
use crate::deb::{Item, Kind};
use crate::recipe::Recipe;
use crate::tree::{self, Tree};
use crate::version::Evr;

pub const NAME: &str = "mini-filesystem";

/// Takes the account files out of base-passwd's items.
pub fn recipe(base_passwd: &[Item]) -> Recipe {
    let mut tree = Tree::default();
    for (mode, path) in tree::common_directories() {
        tree.dir(path, mode);
    }
    add_links(&mut tree);
    tree.file("/etc/passwd", accounts(base_passwd, "passwd.master"), true);
    tree.file("/etc/group", accounts(base_passwd, "group.master"), true);
    tree.file("/etc/hosts", data::HOSTS, true);
    tree.file("/etc/nsswitch.conf", data::NSSWITCH, true);
    tree.file("/etc/rpm/macros.minidistro", data::MACROS, false);
    tree.file("/usr/lib/os-release", data::OS_RELEASE, false);
    tree.file("/etc/system-release", "Coppice minidistro 12\n", false);
    // Debian's linker does not look into /usr/lib64, where rpm's %_libdir points.
    tree.file("/etc/ld.so.conf.d/lib64.conf", "/usr/lib64\n", false);
    Recipe {
        name: NAME.to_owned(),
        evr: Evr { epoch: None, version: "12".to_owned(), release: Some("1.mini12".to_owned()) },
        arch: "x86_64",
        summary: "Directories, accounts and macros of the minidistro".to_owned(),
        requires: Vec::new(),
        provides: provides(),
        tree,
        runs_ldconfig: false,
    }
}

fn add_links(tree: &mut Tree) {
    for top in ["bin", "sbin", "lib", "lib64"] {
        tree.top_link(top);
    }
    tree.symlink("/etc/os-release", "../usr/lib/os-release");
    tree.symlink("/var/run", "../run");
}

fn provides() -> Vec<Dependency> {
    let aliases = data::words_of(data::PROVIDES, NAME);
    aliases.into_iter().map(|alias| Dependency::eq(alias, "12-1.mini12")).collect()
}

fn accounts(base_passwd: &[Item], file: &str) -> String {
    let content = base_passwd.iter().find(|item| item.path.ends_with(file)).map(|item| &item.kind);
    match content {
        Some(Kind::File(content)) => String::from_utf8_lossy(content).replace(":*:", ":x:"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Node;

    fn made() -> Recipe {
        let master = Kind::File(b"root:*:0:0:root:/root:/bin/bash\n".to_vec());
        recipe(&[Item { path: "/usr/share/base-passwd/passwd.master".to_owned(), mode: 0o644, kind: master }])
    }

    #[test]
    fn passwords_point_to_the_shadow_file() {
        let recipe = made();
        let (_, passwd) = recipe.tree.files().find(|(path, _)| *path == "/etc/passwd").unwrap();
        assert_eq!(passwd, b"root:x:0:0:root:/root:/bin/bash\n");
    }

    #[test]
    fn the_old_top_folders_are_links_below_usr() {
        let recipe = made();
        for top in ["bin", "sbin", "lib", "lib64"] {
            let (_, _, node) = recipe.tree.nodes().find(|(path, _, _)| *path == format!("/{top}")).unwrap();
            assert!(matches!(node, Node::Symlink(target) if *target == format!("usr/{top}")), "{node:?}");
        }
    }
}
