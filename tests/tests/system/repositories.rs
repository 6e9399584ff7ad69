//! The published repository as its users meet it: dnf, the real copr plugin, listings, deletion.

use std::{fs, path::PathBuf, process::Command};

use coppice_kit::{
    Database, Said, Stack, StackOptions, distro,
    distro::CHROOT,
    member::{fetch, run},
};

use crate::{on_both_databases, usual};

/// Somebody who installs from a project, as root of a namespace of their own.
pub struct Customer {
    owner: String,
    project: String,
    url: String,
    folder: PathBuf,
}

impl Customer {
    pub fn new(stack: &Stack, owner: &str, project: &str) -> Self {
        let folder = stack.scratch().join(format!("customer-{owner}-{project}"));
        for dir in ["repos", "root", "log"] {
            fs::create_dir_all(folder.join(dir)).unwrap();
        }
        // Debian's own rpm would look for this root's database in the caller's home.
        fs::write(folder.join(".rpmmacros"), "%_dbpath /usr/lib/sysimage/rpm\n").unwrap();
        let base = distro::repository().unwrap();
        let base = format!("[base]\nname=Base\nbaseurl=file://{}\ngpgcheck=0\n", base.display());
        fs::write(folder.join("repos/base.repo"), base).unwrap();
        Self { owner: owner.into(), project: project.into(), url: stack.url.clone(), folder }
    }

    /// The address of the .repo file that "quick enable" gives.
    pub fn repo_file(&self) -> String {
        let release = CHROOT.rsplit_once('-').unwrap().0;
        format!(
            "{}/coprs/{}/{}/repo/{release}/{}-{}-{release}.repo",
            self.url, self.owner, self.project, self.owner, self.project
        )
    }

    /// Forgets what was installed, fetched and trusted.
    pub fn starts_anew(&self) {
        for dir in ["root", "cache"] {
            let mut remove = Command::new("unshare");
            remove.args(["--user", "--map-root-user", "--", "rm", "-rf"]).arg(self.folder.join(dir));
            run(&mut remove).ok();
        }
        fs::create_dir_all(self.folder.join("root")).unwrap();
    }

    /// Takes the .repo file as it is.
    pub fn enables(&self) {
        self.enables_with("");
    }

    /// The .repo file as the query wants it.
    pub fn enables_with(&self, query: &str) {
        let (status, text) = fetch(&format!("{}{query}", self.repo_file()));
        assert_eq!(status, 200, "{text}");
        assert!(text.starts_with("[copr:"), "dnf takes the file's name from the first line: {text}");
        assert!(text.contains("gpgcheck=1"), "{text}");
        fs::write(self.folder.join("repos/project.repo"), text).unwrap();
    }

    /// dnf on a root of the customer's own.
    pub fn dnf(&self, arguments: &[&str]) -> Said {
        self.dnf_after("0 days", arguments)
    }

    /// The same on a machine whose clock is so much ahead.
    pub fn dnf_after(&self, time: &str, arguments: &[&str]) -> Said {
        let mut dnf = Command::new("unshare");
        dnf.args(["--user", "--map-root-user", "--"]);
        if time != "0 days" {
            dnf.args(["faketime", "-f", time]);
        }
        dnf.args(["dnf", "-y", "--disableplugin=*"]);
        dnf.arg("--installroot").arg(self.folder.join("root"));
        for (key, dir) in [("reposdir", "repos"), ("cachedir", "cache"), ("logdir", "log")] {
            dnf.arg(format!("--setopt={key}={}", self.folder.join(dir).display()));
        }
        dnf.args(["--setopt=install_weak_deps=0", "--setopt=metadata_expire=0", "--releasever=12"])
            .args(arguments);
        run(dnf.env("HOME", &self.folder).env("LC_ALL", "C.UTF-8"))
    }

    pub fn installs_and_runs(&self, package: &str) -> String {
        self.enables();
        self.dnf(&["install", package]).ok();
        let mut program = Command::new("unshare");
        program.args(["--user", "--map-root-user", "--", "chroot"]).arg(self.folder.join("root"));
        run(program.arg(format!("/usr/bin/{package}"))).ok().trim().to_owned()
    }

    /// Names of the packages that dnf sees in the project.
    pub fn sees(&self) -> Vec<String> {
        self.enables();
        let said = self.dnf(&["repoquery", "--quiet", "--disablerepo=base", "--qf", "%{name}.%{arch}"]).ok();
        said.lines().map(str::to_owned).collect()
    }
}

on_both_databases!(
    an_empty_repository_is_there_as_soon_as_the_project,
    deleted_builds_leave_the_metadata_and_the_disk,
);

fn an_empty_repository_is_there_as_soon_as_the_project(database: Database) {
    let Some((stack, _turn)) = usual(database) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let folder = format!("{}/alice/tools", stack.results_url);
    coppice_kit::until("the key and the signed index are there", std::time::Duration::from_secs(60), || {
        let signed = fetch(&format!("{folder}/{CHROOT}/repodata/repomd.xml.asc")).0 == 200;
        (signed && fetch(&format!("{folder}/pubkey.gpg")).0 == 200).then_some(())
    });
    let customer = Customer::new(&stack, "alice", "tools");
    assert!(customer.sees().is_empty());
    the_real_plugin_enables_it(&stack);
    stack.close();
}

/// `dnf copr enable` of dnf-plugins-core, told of this hub by its configuration file.
fn the_real_plugin_enables_it(stack: &Stack) {
    let folder = stack.scratch().join("plugin");
    for dir in ["conf/copr.d", "repos", "log"] {
        fs::create_dir_all(folder.join(dir)).unwrap();
    }
    let (host, port) = stack.url.strip_prefix("http://").unwrap().split_once(':').unwrap();
    let hub = format!(
        "[main]\ndistribution = mini\nreleasever = 12\n[hub]\nhostname = {host}\nprotocol = http\nport = {port}\n"
    );
    fs::write(folder.join("conf/copr.conf"), &hub).unwrap();
    let mut dnf = Command::new("unshare");
    dnf.args(["--user", "--map-root-user", "--", "dnf", "-y"]);
    for (key, dir) in
        [("reposdir", "repos"), ("pluginconfpath", "conf"), ("cachedir", "cache"), ("logdir", "log")]
    {
        dnf.arg(format!("--setopt={key}={}", folder.join(dir).display()));
    }
    dnf.args(["--disableplugin=local", "copr", "--hub", "hub", "enable", "alice/tools", CHROOT]);
    let said = run(dnf.env("HOME", &folder).env("LC_ALL", "C.UTF-8"));
    let said = format!("{}{}", said.clone().ok(), said.err);
    let written: Vec<String> = fs::read_dir(folder.join("repos"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(written, [format!("_copr:{host}:alice:tools.repo")], "{said}");
}

fn deleted_builds_leave_the_metadata_and_the_disk(database: Database) {
    // No client with old metadata is waited for.
    let env = vec![("COPPICE_BACKEND__PUBLISH__DELETED_GRACE_S".to_owned(), "0".to_owned())];
    let options = StackOptions { env, ..StackOptions::on(database) };
    let Some((stack, _turn)) = crate::stack(&options) else { return };
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();
    let source = distro::srpm("noarch-hello", stack.scratch());
    let (first, second) = (alice.submits("tools", &source), alice.submits("tools", &source));
    for build in [first, second] {
        alice.waits_for(build, &["succeeded"]);
    }
    let customer = Customer::new(&stack, "alice", "tools");
    assert!(customer.sees().contains(&"noarch-hello.noarch".to_owned()));
    let folder = alice.chroots(first)[0]["result_url"].as_str().unwrap().to_owned();
    alice.copr(&["delete-build", &first.to_string()]).ok();
    coppice_kit::until("the files are gone", std::time::Duration::from_secs(30), || {
        (fetch(&folder).0 == 404).then_some(())
    });
    assert!(customer.sees().contains(&"noarch-hello.noarch".to_owned()), "the other build is still served");
    alice.copr(&["delete", "tools"]).ok();
    let project = format!("{}/alice/tools/", stack.results_url);
    coppice_kit::until("the project is gone", std::time::Duration::from_secs(30), || {
        (fetch(&project).0 == 404).then_some(())
    });
    stack.close();
}
