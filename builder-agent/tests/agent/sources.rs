//! The source phase.

use std::fs;

use coppice_model::{
    agent::AttemptOutcome,
    source_method::SourceMethod,
    work::{FailureCause, SourceSpec},
};

use crate::{
    backend::Backend,
    machine::{Machine, cannot_build, source_task, spec},
};

fn run(backend: &Backend, source: SourceSpec) -> AttemptOutcome {
    backend.offer(source_task(backend, source));
    Machine::new().run(backend);
    backend.outcome()
}

fn link(url: String) -> SourceSpec {
    SourceSpec::Link { url }
}

#[test]
fn a_linked_source_package_arrives_unchanged() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    let srpm = coppice_minidistro::samples::srpm("libgreet", &backend.served()).unwrap();
    let outcome = run(&backend, link(backend.url("files/libgreet-1.0-1.src.rpm")));
    assert_eq!(outcome, AttemptOutcome::Succeeded);
    assert_eq!(backend.heard().files["libgreet-1.0-1.src.rpm"], fs::read(srpm).unwrap());
}

#[test]
fn what_is_only_named_like_a_source_package_is_refused() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    fs::write(backend.served().join("fake-1-1.src.rpm"), "<html>").unwrap();
    fs::write(backend.served().join("page.html"), "<html>").unwrap();
    let outcome = run(&backend, link(backend.url("files/fake-1-1.src.rpm")));
    assert!(
        matches!(&outcome, AttemptOutcome::Failed { cause: FailureCause::SourceFetch, message }
        if message.ends_with("is named like a source package but is none")),
        "{outcome:?}"
    );
    let backend = Backend::start();
    let outcome = run(&backend, link(backend.url("redirect?to=/files/none.html")));
    assert!(
        matches!(&outcome, AttemptOutcome::Failed { cause: FailureCause::SourceFetch, message }
        if message.contains("answered 404")),
        "{outcome:?}"
    );
}

#[test]
fn a_private_address_is_refused_with_the_reason() {
    if cannot_build() {
        return;
    }
    let (backend, inner) = (Backend::start(), Backend::start());
    let hidden = inner.url("files/secret.src.rpm");
    let outcome = run(&backend, link(backend.url(&format!("redirect?to={hidden}"))));
    assert!(
        matches!(&outcome, AttemptOutcome::Failed { cause: FailureCause::SourceFetch, message }
        if message.contains("is not on the public internet") && message.contains(&hidden)),
        "{outcome:?}"
    );
}

#[test]
fn a_method_that_no_builder_has_is_refused_in_one_sentence() {
    let backend = Backend::start();
    let method = SourceMethod::Rubygems { gem_name: "rake".into() };
    let outcome = run(&backend, SourceSpec::Method { method });
    assert!(
        matches!(&outcome, AttemptOutcome::Failed { cause: FailureCause::SourceMake, message }
            if message.contains("cannot make sources by the method rubygems yet: submit a source package")),
        "{outcome:?}"
    );
}

#[test]
fn a_spec_file_becomes_a_source_package_with_what_it_names() {
    if cannot_build() {
        return;
    }
    let backend = Backend::start();
    fs::write(backend.served().join("notes-1.0.txt"), "notes").unwrap();
    let source = format!("Source0: http://{}/files/%{{name}}-%{{version}}.txt\nBuildArch:", backend.address);
    let text = spec("notes", "true").replace("BuildArch:", &source);
    fs::write(backend.served().join("upload"), &text).unwrap();
    let spec = SourceSpec::UploadedSpec { url: backend.url("files/upload"), file_name: "notes.spec".into() };
    let outcome = run(&backend, spec);
    assert_eq!(outcome, AttemptOutcome::Succeeded, "{}", backend.log_text());
    assert_eq!(backend.heard().files["notes.spec"], text.as_bytes());
    assert!(backend.heard().files.contains_key("notes-1.0-1.src.rpm"), "{:?}", backend.heard().files.keys());
}

#[test]
fn a_spec_file_whose_source_is_missing_or_that_is_broken_says_so() {
    if cannot_build() {
        return;
    }
    for (line, cause, words) in [
        (
            "Source0: local.tar.gz\nBuildArch:",
            FailureCause::SourceMake,
            "names \"local.tar.gz\" without an address",
        ),
        (
            "Source0: http://127.0.0.1:9/a.tgz\nBuildArch:",
            FailureCause::SourceFetch,
            "not on the public internet",
        ),
        ("Nonsense\nBuildArch:", FailureCause::SourceMake, "source package could not be made"),
    ] {
        let backend = Backend::start();
        let text = spec("bad", "true").replace("BuildArch:", line);
        fs::write(backend.served().join("bad.spec"), text).unwrap();
        let outcome = run(&backend, link(backend.url("files/bad.spec")));
        assert!(
            matches!(&outcome, AttemptOutcome::Failed { cause: found, message }
            if *found == cause && message.contains(words)),
            "{outcome:?}"
        );
    }
}
