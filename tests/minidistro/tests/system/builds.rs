//! A build root out of the distribution, and the samples built in it, by the real dnf and rpmbuild.

use std::fs;
use std::path::{Path, PathBuf};

use coppice_minidistro::{BUILD_GROUP, samples};
use rpmrepo_metadata::{Package, PackageFileOptions, Repository};

use crate::lab::{Ended, Lab};

/// A root with its packages and the place where one build after the other happens.
struct Build<'a> {
    lab: &'a Lab,
    root: PathBuf,
    folder: PathBuf,
}

impl<'a> Build<'a> {
    fn root(lab: &'a Lab) -> Self {
        let root = lab.path("root");
        let group = format!("@{BUILD_GROUP}");
        lab.dnf(&root, None, &["install", &group]).expect_ok();
        Self { lab, root, folder: lab.build_folder("build") }
    }

    fn rpmbuild(&self, sample: &str, args: &[&str]) -> Ended {
        let srpm = samples::srpm(sample, &self.folder).unwrap();
        let srpm = format!("/home/build/{}", srpm.file_name().unwrap().display());
        let install = ["rpm", "-i", "--define", "_topdir /home/build/top", &srpm];
        self.lab.inside(&self.root, &self.folder, &install).expect_ok();
        let spec = format!("/home/build/top/SPECS/{sample}.spec");
        let mut all = vec!["rpmbuild", "--define", "_topdir /home/build/top"];
        all.extend_from_slice(args);
        all.push(&spec);
        self.lab.inside(&self.root, &self.folder, &all)
    }

    /// Names of all packages built so far, and their folder as a repository.
    fn results(&self) -> (PathBuf, Vec<String>) {
        let top = self.folder.join("top/RPMS");
        let mut names = Vec::new();
        let mut repository = Repository::new();
        for rpm in ["x86_64", "noarch"].iter().flat_map(|arch| files(&top.join(arch))) {
            names.push(rpm.file_name().unwrap().display().to_string());
            let options = PackageFileOptions {
                location_href: Some(rpm.strip_prefix(&top).unwrap().display().to_string()),
                ..Default::default()
            };
            repository.add_package(Package::from_file_with_options(&rpm, options).unwrap());
        }
        repository.write_to_directory(&top).unwrap();
        names.sort();
        (top, names)
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map_or(Vec::new(), |all| all.map(|entry| entry.unwrap().path()).collect())
}

#[test]
fn a_program_is_built_against_the_library_built_before() {
    let Some(lab) = Lab::open() else { return };
    let build = Build::root(&lab);
    assert_eq!(lab.rpm(&build.root, &["-Va"]).expect_ok(), "", "files differ from what their packages say");

    build.rpmbuild("libgreet", &["-ba"]).expect_ok();
    let (results, names) = build.results();
    assert_eq!(
        names,
        [
            "libgreet-1.0-1.mini12.x86_64.rpm",
            "libgreet-debuginfo-1.0-1.mini12.x86_64.rpm",
            "libgreet-debugsource-1.0-1.mini12.x86_64.rpm",
            "libgreet-devel-1.0-1.mini12.x86_64.rpm",
        ]
    );

    let debuginfo = format!("/home/build/top/RPMS/x86_64/{}", names[1]);
    let provides =
        lab.inside(&build.root, &build.folder, &["rpm", "-qp", "--provides", &debuginfo]).expect_ok();
    assert!(provides.contains("debuginfo(build-id) = "), "{provides}");

    let srpm = samples::srpm("greet", &lab.path("srpms")).unwrap();
    let without = build.rpmbuild("greet", &["-bb"]);
    assert!(without.text.contains("libgreet-devel is needed by greet"), "{}", without.text);
    lab.dnf(&build.root, Some(&results), &["builddep", srpm.to_str().unwrap()]).expect_ok();
    build.rpmbuild("greet", &["-br"]).expect_ok();
    build.rpmbuild("greet", &["-bb"]).expect_ok();

    // In a root with nothing but what greet asks for: finds its library only if ldconfig has run.
    let (results, _) = build.results();
    let fresh = lab.path("fresh");
    lab.dnf(&fresh, Some(&results), &["install", "greet"]).expect_ok();
    let said = lab.inside(&fresh, &build.folder, &["greet"]).expect_ok();
    assert!(said.contains("Hello from Coppice"), "{said}");
}

#[test]
fn scripts_build_and_the_bad_samples_fail_as_they_promise() {
    let Some(lab) = Lab::open() else { return };
    let build = Build::root(&lab);

    build.rpmbuild("noarch-hello", &["-bb"]).expect_ok();
    assert_eq!(build.results().1, ["noarch-hello-1.0-1.mini12.noarch.rpm"]);

    let broken = build.rpmbuild("broken", &["-bb"]);
    assert!(!broken.ok);
    assert!(broken.text.contains("the build step ends with exit code 3"), "{}", broken.text);
    assert!(broken.text.contains("Bad exit status from"), "{}", broken.text);

    let chatty = build.rpmbuild("chatty", &["-bb", "--define", "chatty_bytes 500000"]).expect_ok();
    assert!(chatty.len() > 500_000, "wrote only {} bytes", chatty.len());

    let srpm = samples::srpm("missing-dep", &lab.path("srpms")).unwrap();
    let missing = lab.dnf(&build.root, None, &["builddep", srpm.to_str().unwrap()]);
    assert!(!missing.ok);
    assert!(missing.text.contains("nobody-provides-this-devel"), "{}", missing.text);
}
