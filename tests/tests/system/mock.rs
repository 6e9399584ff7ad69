//! The real Mock as the runner of a chroot, where a Mock is installed (`mock`, or what COPPICE_MOCK names).

use std::{env, fs, path::PathBuf, process::Command};

use coppice_kit::{Database, StackOptions, distro, distro::CHROOT, member::fetch, place};

use crate::{repositories::Customer, stack};

/// What Mock must be told where it is no distribution's own: no bootstrap, folders that this user may write.
fn extra(folder: &std::path::Path) -> String {
    format!(
        "config_opts['package_manager'] = 'dnf4'\n\
         config_opts['use_bootstrap'] = False\n\
         config_opts['use_bootstrap_image'] = False\n\
         config_opts['isolation'] = 'simple'\n\
         config_opts['basedir'] = '{0}/lib'\n\
         config_opts['cache_topdir'] = '{0}/cache'\n\
         config_opts['plugin_conf']['root_cache_enable'] = False\n\
         config_opts['plugin_conf']['yum_cache_enable'] = False\n",
        folder.display()
    )
}

fn mock() -> Option<PathBuf> {
    let program = env::var_os("COPPICE_MOCK").map_or_else(|| PathBuf::from("mock"), PathBuf::from);
    Command::new(&program).arg("--version").output().ok().filter(|o| o.status.success()).map(|_| program)
}

#[test]
fn the_real_mock_builds_a_package_that_dnf_installs() {
    let Some(mock) = mock() else {
        println!("skipped: there is no Mock here; install it, or name one with COPPICE_MOCK");
        return;
    };
    let folder = place::shared_folder();
    let extra_file = folder.path().join("extra.cfg");
    fs::write(&extra_file, extra(folder.path())).unwrap();
    let set = |name: &str, value: &std::path::Path| (name.to_owned(), value.display().to_string());
    let options = StackOptions {
        with_chroot: false,
        env: vec![set("COPPICE_MOCK", &mock), set("COPPICE_MOCK_EXTRA", &extra_file)],
        ..StackOptions::on(Database::Sqlite)
    };
    let Some((stack, _turn)) = stack(&options) else { return };
    let repo = format!("base=file://{}", distro::repository().unwrap().display());
    stack.manage(&["chroot-add", CHROOT, "--runner", "mock", "--repo", &repo, "--setup", "@build"]);
    let alice = stack.member("alice");
    alice.copr(&["create", "tools", "--chroot", CHROOT]).ok();

    let build = alice.submits("tools", &distro::srpm("noarch-hello", stack.scratch()));
    alice.waits_for(build, &["succeeded"]);
    let result = alice.chroots(build)[0]["result_url"].as_str().unwrap().to_owned();
    for file in
        ["build.log.gz", "root.log.gz", "state.log.gz", "installed_pkgs.log.gz", "configs.tar.gz", "success"]
    {
        assert_eq!(fetch(&format!("{result}{file}")).0, 200, "{file} is Mock's own and is kept");
    }
    assert!(fetch(&format!("{result}buildroot.json")).1.contains("rpm"), "the buildroot is on record");
    let customer = Customer::new(&stack, "alice", "tools");
    customer.installs_and_runs("noarch-hello");

    let broken = alice.submits("tools", &distro::srpm("broken", stack.scratch()));
    let failed = alice.waits_for(broken, &["failed"]);
    let said = alice.chroots(broken)[0]["failure"].to_string();
    assert!(said.contains("%build"), "{said} {failed}");
    stack.close();
}
