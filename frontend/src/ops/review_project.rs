//! A project for the review of one package by Fedora: the newest Fedora, with the tool of the reviewers.

use coppice_store::{Conn, MockChroot, Project, mock_chroots};

use super::{Caller, Context, NewProject, OpError, ProjectChanges, create_project};

const WANTED: &str = "fedora-rawhide-x86_64";

/// Only a name is asked for.
pub fn create_review_project(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    (ownername, name): (String, String),
) -> Result<Project, OpError> {
    let chroot = chroot(mock_chroots::list_active(tx)?);
    let settings = ProjectChanges {
        chroots: Some(chroot.into_iter().collect()),
        description: Some("Made for a Fedora package review.".into()),
        instructions: Some("For reviewers: packages here may be unfinished and change at any time.".into()),
        fedora_review: Some(true),
        unlisted_on_hp: Some(true),
        ..ProjectChanges::default()
    };
    create_project(tx, cx, by, &NewProject { ownername, name, settings, ..NewProject::default() })
}

/// Reviews happen in rawhide; a catalogue without it may still have some Fedora.
fn chroot(active: Vec<MockChroot>) -> Option<String> {
    let of_fedora: Vec<&MockChroot> =
        active.iter().filter(|chroot| chroot.name.distribution() == "fedora").collect();
    let wanted = of_fedora.iter().find(|chroot| chroot.name.as_str() == WANTED);
    wanted.or_else(|| of_fedora.last()).map(|chroot| chroot.name.to_string())
}
