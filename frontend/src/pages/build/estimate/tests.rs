//! Estimates by table.

use coppice_model::{BuildId, ChrootName, work::TaskId};

use super::*;

#[test]
fn the_further_away_the_less_is_claimed() {
    for (seconds, text) in [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "about 1 min"),
        (89, "about 1 min"),
        (90, "about 2 min"),
        (1_229, "about 20 min"),
        (1_230, "about 20 min"),
        (1_350, "about 25 min"),
        (3_590, "about 1 h"),
        (5_100, "about 1 h 25 min"),
        (7_200, "about 2 h"),
        (7_201, "more than 2 h"),
        (i64::MAX / 4, "more than 2 h"),
    ] {
        assert_eq!(about(seconds), text, "{seconds}");
    }
}

#[test]
fn what_runs_has_a_rest_as_long_as_it_is_usual() {
    for (durations, elapsed, text) in [
        (&[242, 271, 320][..], 91, Some("About 3 min to go.")),
        (&[242, 271, 320], 250, Some("Less than a minute to go.")),
        (&[242, 271, 320], 300, Some("It may end at any moment.")),
        (&[242, 271, 320], 321, Some("It takes longer than usual.")),
        (&[60], 61, Some("It takes longer than usual.")),
        (&[60], -3, Some("About 1 min to go.")),
        (&[], 5, None),
    ] {
        assert_eq!(to_go(durations, elapsed).as_deref(), text, "{elapsed}");
    }
}

#[test]
fn places_are_given_to_those_before_as_they_become_free() {
    for ((places, left_s, ahead, each_s), begins) in [
        ((1, vec![100], 0, 60), 100),
        ((1, vec![100], 2, 60), 220),
        ((3, vec![10, 200, 300], 0, 60), 10),
        // 10 -> 70, 70 -> 130: the third one after these.
        ((3, vec![10, 200, 300], 2, 60), 130),
        // Two of which nothing is known are half done.
        ((2, vec![], 1, 60), 30),
        ((2, vec![500], 1, 60), 90),
        ((0, vec![], 0, 60), FAR_S + 1),
        ((4, vec![], 1_000_000, 60), FAR_S + 1),
    ] {
        let line = Line { places, left_s, ahead, each_s };
        assert_eq!(line.begins_in_s(), begins, "{line:?}");
    }
    let line = |ahead| Line { places: 12, left_s: vec![], ahead, each_s: 480 }.sentence();
    assert_eq!(line(12), "Starts in about 12 min, by the 12 tasks before it.");
    assert_eq!(line(1), "Starts in about 4 min, by the task before it.");
    assert_eq!(line(0), "Starts in about 4 min, when the first builder is done.");
}

fn chroot(name: &str) -> ChrootName {
    name.parse().unwrap()
}

fn running(name: &str, (owner, submitter): (&str, &str), started: i64, usual_s: Option<i64>) -> Running {
    Running {
        chroot: (!name.is_empty()).then(|| chroot(name)),
        project: coppice_model::ProjectRef { owner: owner.parse().unwrap(), name: "foo".parse().unwrap() },
        submitter: Some(submitter.parse().unwrap()),
        started_on: Some(UnixTime(started)),
        usual_s,
    }
}

fn build() -> Build {
    let row = coppice_store::builds::NewBuildRow {
        project: coppice_model::ProjectId(1),
        dir: "foo".parse().unwrap(),
        package: None,
        submitter: coppice_model::UserId(1),
        source: coppice_store::BuildSource::Link { url: "http://x".into() },
        source_state: coppice_model::state::SourceState::Pending,
        options: coppice_store::BuildOptions {
            timeout_s: 1,
            is_background: false,
            enable_net: None,
            bootstrap: None,
            isolation: None,
        },
        batch: None,
    };
    let project = coppice_model::ProjectRef { owner: "@g".parse().unwrap(), name: "foo".parse().unwrap() };
    row.into_build(BuildId(9), (project, "alice".parse().unwrap()), UnixTime(0))
}

/// What the line of a task looks like.
fn line(held: Held, work: &AtWork, usual_s: Option<i64>) -> Option<(usize, Vec<i64>, i64)> {
    let waiting = WaitingTask {
        task: TaskId::Rpm(BuildId(9), chroot("fedora-43-x86_64")),
        since: UnixTime(0),
        held,
        ahead: 0,
        arch: Some("x86_64".into()),
        background: false,
    };
    let line = Line::of(&waiting, &build(), (work, usual_s), UnixTime(1_000))?;
    Some((line.places, line.left_s, line.each_s))
}

#[test]
fn only_what_has_one_of_the_places_counts() {
    let work = AtWork {
        running: vec![
            running("", ("bob", "bob"), 990, None),
            running("fedora-43-x86_64", ("bob", "bob"), 900, Some(300)),
            running("fedora-43-aarch64", ("@g", "bob"), 900, Some(400)),
            running("fedora-42-x86_64", ("@g", "alice"), 100, Some(200)),
        ],
        recent: vec![
            (chroot("fedora-43-x86_64"), 80),
            (chroot("fedora-43-x86_64"), 120),
            (chroot("fedora-43-s390x"), 900),
        ],
    };
    let builders = Held::Builders { busy: 3 };
    assert_eq!(line(builders, &work, None), Some((3, vec![200, 50, 90], 100)));
    assert_eq!(line(Held::Owner { running: 2, most: 2 }, &work, None), Some((2, vec![300, 50], 100)));
    assert_eq!(line(Held::Project { running: 1, most: 1 }, &work, None), Some((1, vec![50], 100)));
    for held in [Held::NoBuilder, Held::Earlier, Held::Builders { busy: 0 }] {
        assert_eq!(line(held, &work, Some(60)), None);
    }
    let other = AtWork { recent: work.recent[2..].to_vec(), ..AtWork::default() };
    let builders = || Held::Builders { busy: 1 };
    assert_eq!(line(builders(), &other, Some(60)), Some((1, vec![], 900)));
    assert_eq!(line(builders(), &AtWork::default(), Some(60)), Some((1, vec![], 60)));
    assert_eq!(line(builders(), &AtWork::default(), None), None);
}
