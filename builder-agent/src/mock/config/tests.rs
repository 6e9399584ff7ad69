//! Golden files, and values that must not get through.

use coppice_model::chroot::{ChrootDefinition, Environment, Repository};

use super::*;

fn repository(id: &str, baseurl: &str) -> Repository {
    Repository {
        id: id.into(),
        name: format!("Repository {id}"),
        baseurl: baseurl.into(),
        priority: None,
        module_hotfixes: None,
        repo_gpgcheck: None,
    }
}

fn environment(config: Option<&str>) -> Environment {
    Environment {
        chroot: ChrootDefinition {
            name: "fedora-43-x86_64".parse().unwrap(),
            runner: Runner::Mock { config: config.map(str::to_owned) },
            repositories: vec![repository("base", "http://mirror/base/")],
            setup_packages: vec!["@build".into()],
        },
        repositories: vec![repository("copr_base", "http://results/alice/foo/fedora-43-x86_64/")],
        additional_packages: Vec::new(),
        additional_modules: Vec::new(),
        with_opts: Vec::new(),
        without_opts: Vec::new(),
        isolation: "default".into(),
        bootstrap: "default".into(),
        bootstrap_image: None,
        enable_net: false,
    }
}

fn rendered(environment: &Environment, extra: &str) -> String {
    let macros = [("copr_username".to_owned(), "alice".to_owned())];
    fill(&values(environment, &macros, extra.to_owned()).unwrap()).unwrap()
}

/// Writes the file when it is missing, and then fails: a person has to look at it.
fn assert_golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    let golden = fs::read_to_string(&path).unwrap_or_else(|_| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        String::new()
    });
    assert_eq!(text, golden, "{}", path.display());
}

#[test]
fn a_distributions_own_configuration_is_included_and_extended() {
    assert_golden("mock-included.cfg", &rendered(&environment(Some("fedora-43-x86_64")), ""));
}

#[test]
fn a_whole_configuration_carries_every_option() {
    let mut all = environment(None);
    all.additional_packages = vec!["git".into(), "vim \"x\"".into()];
    all.additional_modules = vec!["nodejs:20,".into(), "!perl:5".into()];
    all.isolation = "nspawn".into();
    all.bootstrap = "custom_image".into();
    all.bootstrap_image = Some("registry.example.com/fedora:43".into());
    all.enable_net = true;
    assert_golden("mock-whole.cfg", &rendered(&all, "config_opts['basedir'] = '/fast'\n"));
}

#[test]
fn nothing_that_mock_would_expand_or_include_gets_in() {
    for bad in ["{{ 7 }}", "{% if %}", "{# #}", "a\ninclude('/etc/passwd')"] {
        let mut environment = environment(None);
        environment.additional_packages = vec![bad.into()];
        assert!(values(&environment, &[], String::new()).is_err(), "{bad}");
    }
}

#[test]
fn mocks_list_of_packages_is_read() {
    let found =
        parse_installed("bash-5.2-1.fc43.x86_64 1700000000 1 abc installed\nshadow-2:4.1-3.x86_64 1 2\n\n");
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["bash-5.2-1.fc43.x86_64", "shadow-2:4.1-3.x86_64"]
    );
}
