//! Logs as builds leave them.

use super::*;

fn read(log: &[u8]) -> Failure {
    let mut reader = Reader::default();
    for (n, bytes) in (1..).zip(log.split(|byte| *byte == b'\n')) {
        let text = String::from_utf8_lossy(bytes);
        reader.line(n, bytes, &text, sign(&text));
    }
    reader.failure()
}

/// Phase, number and text of the first error.
fn of(log: &str) -> (Option<Phase>, u64, String) {
    let failure = read(log.as_bytes());
    assert!(failure.is_known, "{failure:?}");
    let cause = failure.cause().unwrap();
    (failure.phase, cause.n, cause.text.clone())
}

const CARGO: &str = "\
==> fetching sources of commit 0123
==> running rpmbuild
Executing(%prep): /bin/sh -e /var/tmp/rpm-tmp.a
+ exit 0
Executing(%build): /bin/sh -e /var/tmp/rpm-tmp.b
+ umask 022
+ /usr/bin/cargo build -j4 --release --offline
warning: unused manifest key: profile.dev.lto
error: rustc 1.88.0 is not supported by the following packages:
  zellij@0.44.1 requires rustc 1.92
  zellij-utils@0.44.1 requires rustc 1.92
Either upgrade rustc or select compatible dependency versions with
error: Bad exit status from /var/tmp/rpm-tmp.b (%build)

RPM build errors:
    Bad exit status from /var/tmp/rpm-tmp.b (%build)
==> rpmbuild took 12.05 s
==> failed: the build failed in %build";

#[test]
fn cargo_says_why_and_rpmbuild_where() {
    let failure = read(CARGO.as_bytes());
    assert_eq!((failure.phase, failure.first), (Some(Phase::Build), Some(9)));
    assert_eq!(failure.sentence(), "In %build, cargo stops.");
    let shown: Vec<_> = failure.lines.iter().map(|line| (line.n, line.is_error)).collect();
    assert_eq!(shown, [(7, false), (8, false), (9, true), (10, false), (11, false), (12, false), (13, true)]);
}

#[test]
fn the_compiler_is_the_cause_and_make_only_sums_up() {
    let (phase, n, text) = of("Executing(%build): /bin/sh\n\
        gcc -Werror -O2 -c main.c\n\
        main.c:12:5: error: expected ';' before 'return'\n\
        make[2]: *** [Makefile:8: main.o] Error 1\n\
        make: *** [all] Error 2\n\
        error: Bad exit status from /var/tmp/rpm-tmp.x (%build)");
    assert_eq!((phase, n), (Some(Phase::Build), 3));
    assert_eq!(text, "main.c:12:5: error: expected ';' before 'return'");
}

#[test]
fn each_phase_is_told_by_its_own_words() {
    for (log, phase, first) in [
        (
            "Executing(%prep): /bin/sh\nPatch #1 (fix.patch):\npatching file a.c\nHunk #1 FAILED at 3.\nerror: Bad exit status from /var/tmp/x (%prep)",
            Phase::Prep,
            4,
        ),
        (
            "Executing(%install): /bin/sh\ninstall: cannot stat 'x': No such file or directory\nmake: *** [install] Error 1\nerror: Bad exit status from /var/tmp/x (%install)",
            Phase::Install,
            3,
        ),
        (
            "Executing(%build): /bin/sh\nmain.c:1:1: error: only a test of the compiler\nExecuting(%check): /bin/sh\nFAILED tests/test_a.py::test_one - assert 1 == 2\nerror: Bad exit status from /var/tmp/x (%check)",
            Phase::Check,
            4,
        ),
        (
            "Executing(%install): /bin/sh\nProcessing files: a-1-1.noarch\nerror: File not found: /builddir/x/usr/bin/a\n\nRPM build errors:\n    File not found: /builddir/x/usr/bin/a",
            Phase::Files,
            3,
        ),
        (
            "Processing files: a-1-1.noarch\nChecking for unpackaged file(s): /usr/lib/rpm/check-files\nerror: Installed (but unpackaged) file(s) found:\n   /usr/bin/b",
            Phase::Files,
            3,
        ),
        (
            "==> installing BuildRequires\nError: \n Problem: nothing provides libx needed by a-devel-1-1.x86_64",
            Phase::Dependencies,
            3,
        ),
        (
            "==> installing BuildRequires\nNo matching package to install: 'nosuch-devel'\nNot all dependencies satisfied\nError: Some packages could not be found.",
            Phase::Dependencies,
            2,
        ),
        ("==> making the source package\nerror: /sources/a.spec:3: bad line\n", Phase::Source, 2),
    ] {
        let (found, n, text) = of(log);
        assert_eq!((found, n), (Some(phase), first), "{text}\n{log}");
    }
}

#[test]
fn many_tools_are_understood() {
    for (line, tool) in [
        ("error[E0425]: cannot find value `x` in this scope", Tool::Cargo),
        ("/usr/bin/ld: a.o: undefined reference to `f'", Tool::Linker),
        ("ModuleNotFoundError: No module named 'setuptools'", Tool::Python),
        ("configure: error: no acceptable C compiler found in $PATH", Tool::Configure),
        ("CMake Error at CMakeLists.txt:3 (find_package):", Tool::Cmake),
        ("../meson.build:4:0: ERROR: Dependency \"x\" not found", Tool::Meson),
        ("[ERROR] Failed to execute goal", Tool::Java),
        ("npm ERR! code ENOTFOUND", Tool::Npm),
        ("/var/tmp/rpm-tmp.x: line 31: foo: command not found", Tool::Shell),
        ("test parse::tests::one ... FAILED", Tool::Tests),
        ("make: *** No rule to make target 'x'.  Stop.", Tool::Make),
    ] {
        assert_eq!(sign(line), Some(Sign::Cause(tool)), "{line}");
    }
}

#[test]
fn lines_that_only_speak_of_errors_are_none() {
    for line in [
        "+ echo error: no",
        "gcc -Werror=format-security -c a.c",
        "10 passed, 0 errors",
        "   Compiling thiserror v2.0.0",
        "checking for strerror... yes",
        "copying src/errors.py -> build",
        "==> failed: error: Bad exit status",
    ] {
        assert_eq!(sign(line), None, "{line}");
    }
}

#[test]
fn requirements_that_were_installed_afterwards_are_no_failure() {
    let failure = read(
        b"==> running rpmbuild\n\
        error: Failed build dependencies:\n\
        \tgcc is needed by a-1-1.x86_64\n\
        ==> installing BuildRequires\n\
        ==> running rpmbuild\n\
        Executing(%build): /bin/sh\n\
        something odd\n\
        ==> rpmbuild took 3 s",
    );
    assert!(!failure.is_known);
    assert_eq!(failure.sentence(), "It stops in %build.");
    assert_eq!(failure.lines.last().unwrap().text, "something odd");
}

#[test]
fn without_a_rule_the_last_lines_are_shown_and_nothing_is_claimed() {
    let log: String = (1..=30).map(|n| format!("line {n}\n")).collect();
    let failure = read(log.as_bytes());
    assert_eq!((failure.phase, failure.tool, failure.is_known), (None, None, false));
    assert_eq!(failure.lines.len(), 10);
    assert_eq!((failure.first, failure.lines[9].text.as_str()), (Some(21), "line 30"));
    assert!(failure.sentence().contains("names no error that is known"));
    assert_eq!(read(b"").lines, []);
}

#[test]
fn hostile_bytes_are_shown_and_do_nothing() {
    let log = b"Executing(%build): /bin/sh\na.c:1:1: error: \x1b]0;title\x07 \0 \xff \xe2\x80\xae<script>\nerror: Bad exit status from x (%build)";
    let cause = read(log).cause().cloned().unwrap();
    assert_eq!(cause.text, "a.c:1:1: error: \u{241b}]0;title\u{2407} \u{2400} \u{fffd} [U+202E]<script>");
}

#[test]
fn ten_thousand_errors_are_a_few_lines() {
    let mut log = String::from("Executing(%build): /bin/sh\n");
    log.push_str(&"a.c:1:1: error: again\n".repeat(10_000));
    log.push_str("error: Bad exit status from x (%build)\n");
    let failure = read(log.as_bytes());
    assert_eq!((failure.lines.len(), failure.lines.last().unwrap().n), (MOST_LINES, 10_002));
}
