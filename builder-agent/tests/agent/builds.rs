//! Good and bad packages, built for real.

use std::{fs, process::Command};

use coppice_model::{agent::AttemptOutcome, chroot::Repository, work::FailureCause};

use crate::{
    backend::Backend,
    machine::{
        Machine, build_task, cannot_build, offer, offer_script, readable, repository, sample_task, spec,
    },
};

fn failure(backend: &Backend) -> (FailureCause, String) {
    match backend.outcome() {
        AttemptOutcome::Failed { cause, message } => (cause, message),
        other => panic!("{other:?}"),
    }
}

/// What one backend got, as a project's repository that another one serves.
fn published(from: &Backend, at: &Backend) -> Repository {
    let project = at.served().join("project");
    fs::create_dir_all(&project).unwrap();
    let is_package = |name: &str| name.ends_with(".rpm") && !name.ends_with(".src.rpm");
    for (name, content) in from.heard().files.iter().filter(|(name, _)| is_package(name)) {
        fs::write(project.join(name), content).unwrap();
    }
    assert!(Command::new("createrepo_c").arg("--quiet").arg(&project).status().unwrap().success());
    readable(&project).unwrap();
    repository("copr_base", &at.url("files/project/"))
}

#[test]
fn a_library_is_built_and_a_program_on_it_from_the_projects_repository() {
    if cannot_build() {
        return;
    }
    let (first, second) = (Backend::start(), Backend::start());
    offer(&first, sample_task(&first, "libgreet"));
    Machine::new().run(&first);
    assert_eq!(first.outcome(), AttemptOutcome::Succeeded, "{}", first.log_text());
    let names: Vec<String> = first.heard().files.keys().cloned().collect();
    for expected in [
        "libgreet-1.0-1.mini12.x86_64.rpm",
        "libgreet-devel-1.0-1.mini12.x86_64.rpm",
        "libgreet-1.0-1.mini12.src.rpm",
        "libgreet.spec",
        "build.log",
        "configs.tar.gz",
        "installed_pkgs.log",
    ] {
        assert!(names.iter().any(|name| name == expected), "{expected} is not among {names:?}");
    }
    let buildroot = first.heard().finish.as_ref().unwrap().buildroot.clone();
    assert!(buildroot.is_sorted() && buildroot.iter().any(|package| package.name == "gcc-12"));

    let mut work = sample_task(&second, "greet");
    work.environment.repositories = vec![published(&first, &second)];
    offer(&second, work);
    Machine::new().run(&second);
    assert_eq!(second.outcome(), AttemptOutcome::Succeeded, "{}", second.log_text());
    let buildroot = second.heard().finish.as_ref().unwrap().buildroot.clone();
    assert!(buildroot.iter().any(|package| package.name == "libgreet-devel"));
    assert!(second.log_text().contains("==> installing BuildRequires\n"));
}

#[test]
fn a_failing_build_step_is_named() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer(&backend, sample_task(&backend, "broken"));
    Machine::new().run(&backend);
    let (cause, message) = failure(&backend);
    assert_eq!(cause, FailureCause::Build);
    assert!(message.starts_with("the build failed in %build: error: Bad exit status"), "{message}");
    let names: Vec<String> = backend.heard().files.keys().cloned().collect();
    assert!(names.contains(&"broken-1.0-1.mini12.src.rpm".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with("noarch.rpm")));
}

#[test]
fn a_requirement_that_nobody_has_is_named() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    offer(&backend, sample_task(&backend, "missing-dep"));
    Machine::new().run(&backend);
    let expected = "no repository has what the build requires: nobody-provides-this-devel";
    assert_eq!(failure(&backend), (FailureCause::BuildRequires, expected.to_owned()));
}

#[test]
fn an_unreachable_base_repository_is_the_machines_fault_and_a_strangers_the_packages() {
    if cannot_build() {
        return;
    }
    let nowhere = "http://127.0.0.1:9/nothing/";
    let base = Backend::start();
    offer_script(&base, "lost", "true", |work| {
        work.limits.timeout_s = 60;
        work.environment.chroot.repositories[0].baseurl = nowhere.into();
    });
    Machine::new().run(&base);
    let outcome = base.outcome();
    assert!(
        matches!(&outcome, AttemptOutcome::Broken { message } if message.contains("mini")),
        "{outcome:?}"
    );

    let private = Backend::start();
    offer_script(&private, "lost", "true", |work| {
        work.environment.repositories = vec![repository("inside", nowhere)];
    });
    Machine::new().run(&private);
    let (cause, message) = failure(&private);
    assert_eq!(cause, FailureCause::BuildRequires);
    assert!(message.contains("not on the public internet"), "{message}");
}

#[test]
fn dynamic_requirements_are_installed_and_switches_reach_the_build() {
    if cannot_build() {
        return;
    }
    let (library, backend) = (Backend::start(), Backend::start());
    offer(&library, sample_task(&library, "libgreet"));
    Machine::new().run(&library);
    let script = "echo \"user %{copr_username} tag %{buildtag} fast %{with fast} slow %{with slow}\"";
    let dynamic =
        "%bcond_with fast\n%bcond_without slow\n%prep\n%generate_buildrequires\necho libgreet-devel\n";
    let text = spec("dynamic", script).replace("%prep\n", dynamic);
    let mut work = build_task(&backend, "dynamic", &[("dynamic.spec", text.as_bytes())]);
    work.environment.with_opts = vec!["fast".into()];
    work.environment.without_opts = vec!["slow".into()];
    work.environment.repositories = vec![published(&library, &backend)];
    offer(&backend, work);
    Machine::new().run(&backend);
    assert_eq!(backend.outcome(), AttemptOutcome::Succeeded, "{}", backend.log_text());
    assert!(backend.log_text().contains("user alice tag .copr7 fast 1 slow 0\n"), "{}", backend.log_text());
    let buildroot = backend.heard().finish.as_ref().unwrap().buildroot.clone();
    assert!(buildroot.iter().any(|package| package.name == "libgreet-devel"));
    let sources = backend.heard().files.keys().filter(|name| name.ends_with("src.rpm")).count();
    assert_eq!(sources, 1, "{:?}", backend.heard().files.keys());
}

#[test]
fn a_build_sees_neither_tokens_nor_the_network_nor_other_files_of_the_agent() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let script = "id -u; env; cat /proc/*/environ | tr '\\0' '\\n'; cat /proc/net/dev; ls -la / /builddir; \
         ls -d /root /home/* /tmp/* || true; (echo > /dev/tcp/127.0.0.1/@PORT@) 2>/dev/null && echo REACHED; \
         touch /usr/lib/written 2>/dev/null && echo WRITTEN; ps ax || true";
    offer_script(&backend, "curious", &script.replace("@PORT@", &backend.address.port().to_string()), |_| ());
    let machine = Machine::new();
    let output = machine.run(&backend);
    assert_eq!(backend.outcome(), AttemptOutcome::Succeeded, "{}", backend.log_text());
    let said = backend.log_text() + &String::from_utf8_lossy(&output.stderr);
    for secret in
        [crate::backend::TICKET, crate::backend::SESSION, crate::machine::TASK_TOKEN, "\nREACHED", "eth0:"]
    {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
    let has_ids = !said.contains("no subordinate ids");
    assert!(!has_ids || (said.contains("\n1000\n") && !said.contains("\nWRITTEN")), "{said}");
}

#[test]
fn a_newer_package_of_the_project_replaces_that_of_the_root() {
    if cannot_build() {
        return;
    }
    let (first, second) = (Backend::start(), Backend::start());
    let text = spec("unzip", "true").replace("Version: 1.0", "Version: 99");
    offer(&first, build_task(&first, "unzip", &[("unzip.spec", text.as_bytes())]));
    Machine::new().run(&first);
    assert_eq!(first.outcome(), AttemptOutcome::Succeeded, "{}", first.log_text());
    let project = published(&first, &second);
    offer_script(&second, "user", "rpm -q unzip", |work| work.environment.repositories = vec![project]);
    Machine::new().run(&second);
    assert_eq!(second.outcome(), AttemptOutcome::Succeeded, "{}", second.log_text());
    let buildroot = second.heard().finish.as_ref().unwrap().buildroot.clone();
    assert!(buildroot.iter().any(|package| package.name == "unzip" && package.version == "99"));
}

#[test]
fn additional_packages_and_modules_that_nobody_has_are_named() {
    if cannot_build() {
        return;
    }
    let packages = Backend::start();
    offer_script(&packages, "more", "true", |work| {
        work.environment.additional_packages = vec!["unzip".into(), "nobody-has-this".into()];
    });
    Machine::new().run(&packages);
    let (cause, message) = failure(&packages);
    assert!(cause == FailureCause::BuildRequires && message.ends_with(": nobody-has-this"), "{message}");
    let modules = Backend::start();
    offer_script(&modules, "more", "true", |work| {
        work.environment.additional_modules = vec!["nodejs:20".into()]
    });
    Machine::new().run(&modules);
    let (cause, message) = failure(&modules);
    assert!(cause == FailureCause::BuildRequires && message.contains("module nodejs:20"), "{message}");
}

#[test]
fn the_network_is_there_only_when_it_was_asked_for() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let script = format!("bash -c 'echo > /dev/tcp/127.0.0.1/{}' && echo REACHED", backend.address.port());
    offer_script(&backend, "online", &script, |work| work.environment.enable_net = true);
    Machine::new().run(&backend);
    assert!(backend.log_text().contains("\nREACHED\n"), "{}", backend.log_text());
}

#[test]
fn a_user_without_subordinate_ids_builds_too() {
    if cannot_build() {
        return;
    }
    let Some(machine) = Machine::without_subordinate_ids() else { return };
    let backend = Backend::start();
    offer(&backend, sample_task(&backend, "libgreet"));
    machine.run(&backend);
    assert_eq!(backend.outcome(), AttemptOutcome::Succeeded, "{}", backend.log_text());
}

#[test]
fn a_link_instead_of_the_result_folder_gives_nothing_away() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let script = "rm -rf /builddir/build/SRPMS; ln -s /etc /builddir/build/SRPMS; \
         mkdir -p /builddir/build/RPMS/x; ln -s /etc/passwd /builddir/build/RPMS/x/stolen-1-1.noarch.rpm";
    offer_script(&backend, "thief", script, |_| ());
    Machine::new().run(&backend);
    assert_eq!(backend.outcome(), AttemptOutcome::Succeeded, "{}", backend.log_text());
    assert!(!backend.heard().files.keys().any(|name| name.starts_with("stolen")));
}

#[test]
fn links_that_a_package_plants_do_not_lead_dnf_to_the_host() {
    if cannot_build() {
        return;
    }
    let (trap, backend) = (Backend::start(), Backend::start());
    let machine = Machine::new();
    let precious = machine.folder_of_its_user("precious");
    let plant = format!(
        "rm -rf /var/log /var/lib/dnf; for at in log lib/dnf; do ln -s {} /var/$at; done",
        precious.display()
    );
    let packages =
        format!("%package more\nSummary: x\n%description more\nx\n%post\n{plant}\n%files\n%files more\n");
    let text = spec("planter", "true").replace("%files\n", &packages);
    offer(&trap, build_task(&trap, "planter", &[("planter.spec", text.as_bytes())]));
    Machine::new().run(&trap);
    let text =
        spec("victim", "readlink /var/log").replace("BuildArch:", "BuildRequires: planter-more\nBuildArch:");
    let mut work = build_task(&backend, "victim", &[("victim.spec", text.as_bytes())]);
    work.environment.repositories = vec![published(&trap, &backend)];
    // Installed first, so that dnf runs once more after the links were planted.
    work.environment.additional_packages = vec!["planter".into()];
    offer(&backend, work);
    machine.run(&backend);
    assert!(backend.log_text().contains("==> installing BuildRequires"), "{}", backend.log_text());
    let written: Vec<_> = fs::read_dir(&precious).unwrap().collect();
    assert!(written.is_empty(), "{written:?}");
}
