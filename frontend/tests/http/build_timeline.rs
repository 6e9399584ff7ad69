//! How far a build is, and what became of its sources, as its page tells.

use coppice_model::{
    Attempt, BuildId, UnixTime,
    messages::{Progress, Report},
    state::Stage,
    work::{Failure, FailureCause, TaskId, TaskOutcome},
};

use crate::{
    browser::{says, words},
    building::{Building, alice, packed, start, uploaded},
    support::{Frontend, until},
};

/// The words of a page as soon as they hold a sentence.
pub async fn until_says(frontend: &Frontend, path: &str, sentence: &str) -> String {
    let asked = async || {
        let text = words(&frontend.get(path).await.text);
        text.contains(sentence).then_some(text)
    };
    until(sentence, asked).await
}

#[tokio::test(flavor = "multi_thread")]
async fn published_and_installable_are_two_steps_with_times_of_their_own() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    build.imports(1_800_000_000).await;
    let text = words(&frontend.get(&build.page()).await.text);
    says(
        &text,
        &["Building to come 0 of 1 done Signed to come 0 of 1 Published to come 0 of 1 Installable to come"],
    );
    assert!(!text.contains("of each chroot"), "no builder took any: {text}");
    build.runs(1, 1_800_000_010).await;
    build.progresses(1, Progress::Stage { stage: Stage::Signing }, 1_800_000_300).await;
    build.progresses(1, Progress::Stage { stage: Stage::Publishing }, 1_800_000_303).await;
    let text = until_says(&frontend, &build.page(), "Published under way").await;
    says(
        &text,
        &["Signed done first 2027-01-15 08:05 UTC 1 of 1 Published under way 0 of 1 Installable to come"],
    );
    build.succeeds(1, 1_800_000_420).await;
    let text = words(&frontend.get(&build.page()).await.text);
    says(
        &text,
        &[
            "Published done first 2027-01-15 08:07 UTC 1 of 1 Installable done since 2027-01-15 08:07 UTC everywhere",
            "Times of each chroot: taken by a builder, built, signed, published",
            "2027-01-15 08:00 UTC 2027-01-15 08:05 UTC after 4:50 2027-01-15 08:05 UTC after 0:03 \
             2027-01-15 08:07 UTC after 1:57",
        ],
    );
    frontend.close().await;
    others.close().await;
}

/// Sources that a builder makes.
struct Sources<'a>(Building<'a>);

impl Sources<'_> {
    async fn progresses(&self, attempt: u32, progress: Progress, at: i64) {
        let (task, attempt) = (TaskId::Source(self.0.id), Attempt(attempt));
        self.0.frontend.report(Report::ProgressV1 { task, attempt, progress, at: UnixTime(at) }).await;
    }

    async fn runs(&self, attempt: u32, at: i64) {
        self.progresses(attempt, Progress::Taken { builder: format!("local-{attempt}") }, at).await;
        self.progresses(attempt, Progress::Stage { stage: Stage::Building }, at).await;
        until_says(self.0.frontend, &self.0.page(), "The sources are being fetched.").await;
    }

    async fn fails(&self, attempt: u32, cause: FailureCause, message: &str) -> String {
        let outcome = TaskOutcome::Failed(Failure { cause, message: message.into() });
        let (task, attempt) = (TaskId::Source(self.0.id), Attempt(attempt));
        self.0.frontend.report(Report::FinishedV1 { task, attempt, outcome, at: UnixTime(400) }).await;
        until_says(self.0.frontend, &self.0.page(), message).await
    }

    fn log(&self) -> String {
        format!("alice/foo/srpm-builds/{}/builder-live.log.gz", self.0.id.padded())
    }
}

const LOG: &str = "==> fetching sources\n==> making the source package\nwarning: odd\n\
    error: /sources/a.spec:3: Unknown tag: Nome: a\n==> failed: the source package cannot be made\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_source_phase_that_failed_shows_its_first_errors_and_what_to_do() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let id = BuildId(alice.submits("foo").await);
    let sources = Sources(Building { frontend: &frontend, id });
    sources.runs(1, 100).await;
    let (task, reason, at) = (TaskId::Source(id), "no word for 60 s".to_owned(), UnixTime(160));
    frontend.report(Report::LostV1 { task, attempt: Attempt(1), reason, at }).await;
    let page = sources.0.page();
    until_says(&frontend, &page, "attempt 1 lost: no word for 60 s · local-1").await;
    sources.runs(2, 170).await;
    others.files.put(&sources.log(), packed(LOG.as_bytes()));
    sources.fails(2, FailureCause::SourceMake, "the source package cannot be made").await;
    let sentences = [
        "The sources could not be made",
        "In the source phase, rpmbuild stops.",
        "error: /sources/a.spec:3: Unknown tag: Nome: a",
        "The source log shows where it stops.",
        "Open the log at the first error",
        "attempt 1 lost: no word for 60 s",
        "Log kept",
    ];
    let answer = frontend.get(&page).await.text;
    says(&words(&answer), &sentences);
    for link in ["log/source/#L4\" data-n=\"4\">error: /sources", "log/source/?attempt=1\">Log kept"] {
        assert!(answer.contains(&format!("{page}{link}")), "{answer}");
    }
    // Asked once, kept for all.
    others.files.remove(&sources.log());
    let second = frontend.second().await;
    says(&words(&second.get(&page).await.text), &sentences);
    second.close().await;
    frontend.close().await;
    others.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sources_that_were_not_taken_blame_no_log() {
    let (frontend, others) = start().await;
    let alice = alice(&frontend).await;
    let build = uploaded(&frontend, &alice).await;
    let failure = Failure { cause: FailureCause::SourceImport, message: "it is no source package".into() };
    frontend.report(Report::ImportFailedV1 { build: build.id, failure, at: UnixTime(200) }).await;
    let text = until_says(&frontend, &build.page(), "it is no source package").await;
    says(&text, &["The sources were not taken", "see whether rpm -qp reads it"]);
    assert!(!text.contains("Open the log") && !text.contains("Source log"), "no builder had it: {text}");
    frontend.close().await;
    others.close().await;
}
