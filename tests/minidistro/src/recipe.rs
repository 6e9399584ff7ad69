//! What one RPM is made of, and the making of it.

use rpm::{BuildConfig, CompressionWithLevel, Dependency, FileOptions, PackageBuilder, Scriptlet};

use crate::error::Error;
use crate::tree::{Node, Tree};
use crate::version::Evr;

/// One date for every package and file: the same debs make the same bytes.
/// Otherwise dnf would reinstall packages in old roots after each rebuild of the repository.
pub const SOURCE_DATE: u32 = 1_700_000_000;
/// The repository is read from disk once or twice: speed before size.
const ZSTD_LEVEL: i32 = 1;

#[derive(Debug)]
pub struct Recipe {
    pub name: String,
    pub evr: Evr,
    pub arch: &'static str,
    pub summary: String,
    pub requires: Vec<Dependency>,
    pub provides: Vec<Dependency>,
    pub tree: Tree,
    /// Refresh the linker's cache after each transaction that brought libraries.
    pub runs_ldconfig: bool,
}

impl Recipe {
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.{}.rpm", self.name, self.evr.version, self.evr.release(), self.arch)
    }

    pub fn cook(self) -> Result<Vec<u8>, Error> {
        let package = self.name.clone();
        self.bytes().map_err(|source| Error::Rpm { package, source })
    }

    fn bytes(self) -> Result<Vec<u8>, rpm::Error> {
        let mut builder = PackageBuilder::new(
            &self.name,
            &self.evr.version,
            "see the Debian package",
            self.arch,
            &self.summary,
        );
        let config = BuildConfig::v4()
            .compression(CompressionWithLevel::Zstd(ZSTD_LEVEL))
            .source_date(SOURCE_DATE)
            .reserved_space(None);
        builder.using_config(config).release(self.evr.release()).vendor("Coppice minidistro");
        builder.build_host("minidistro");
        if let Some(epoch) = self.evr.epoch {
            builder.epoch(epoch);
        }
        for dependency in self.requires {
            builder.requires(dependency);
        }
        for capability in self.provides {
            builder.provides(capability);
        }
        if self.runs_ldconfig {
            add_ldconfig_triggers(&mut builder);
        }
        add_files(&mut builder, self.tree)?;
        let mut bytes = Vec::new();
        builder.build()?.write(&mut bytes)?;
        Ok(bytes)
    }
}

fn add_ldconfig_triggers(builder: &mut PackageBuilder) {
    for folder in ["/usr/lib", "/usr/lib64"] {
        builder.trans_file_trigger_in(folder, None, Scriptlet::new("/usr/sbin/ldconfig"));
        builder.trans_file_trigger_postun(folder, None, Scriptlet::new("/usr/sbin/ldconfig"));
    }
}

fn add_files(builder: &mut PackageBuilder, tree: Tree) -> Result<(), rpm::Error> {
    for (path, mode, node) in tree.into_nodes() {
        match node {
            Node::Dir => {
                builder.with_dir_entry(FileOptions::dir(path).permissions(mode))?;
            }
            Node::Symlink(target) => {
                builder.with_symlink(FileOptions::symlink(path, target))?;
            }
            Node::File { content, identity, config } => {
                let mut options = FileOptions::new(path).permissions(mode);
                if let Some(identity) = identity {
                    options = options.hardlink(identity);
                }
                if config {
                    options = options.noreplace();
                }
                builder.with_file_contents(content, options)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        let mut tree = Tree::default();
        tree.dir("/etc/x", 0o750);
        tree.file("/etc/x/conf", "a = 1\n", true);
        tree.symlink("/lib/y", "../etc/x");
        Recipe {
            name: "x".to_owned(),
            evr: Evr::from_debian("1:2.0-3+b1"),
            arch: "x86_64",
            summary: "An x".to_owned(),
            requires: vec![Dependency::any("y")],
            provides: vec![Dependency::eq("z", "1")],
            tree,
            runs_ldconfig: true,
        }
    }

    #[test]
    fn the_same_recipe_gives_the_same_bytes() {
        assert!(recipe().cook().unwrap() == recipe().cook().unwrap());
    }

    #[test]
    fn the_package_is_what_the_recipe_says() {
        assert_eq!(recipe().file_name(), "x-2.0-3+b1.x86_64.rpm");
        let package = rpm::Package::parse(&mut recipe().cook().unwrap().as_slice()).unwrap();
        assert_eq!(package.metadata.get_nevra().unwrap().to_string(), "x-1:2.0-3+b1.x86_64");
        let files = package.metadata.get_file_entries().unwrap();
        let paths: Vec<_> = files.iter().map(|file| file.path().display().to_string()).collect();
        assert_eq!(paths, ["/etc/x", "/etc/x/conf", "/usr/lib/y"]);
        let provides = package.metadata.get_provides().unwrap();
        assert!(provides.iter().any(|one| one.to_string() == "z = 1"), "{provides:?}");
    }
}
