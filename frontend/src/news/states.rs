//! The words of a build that a page shows, by the ids of their elements.

use coppice_store::BuildView;
use serde::Serialize;

use crate::pages::{build_word, chroot_word, mark, source_word};

/// One element's new state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StateEvent {
    /// Of the element.
    pub id: String,
    /// The mark of the style sheet.
    pub s: &'static str,
    pub text: &'static str,
    /// A sentence for who cannot see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub say: Option<String>,
}

/// The whole build, its source phase and every chroot.
pub fn of_build(view: &BuildView) -> Vec<StateEvent> {
    let event = |id: String, text, say| StateEvent { id, s: mark(text), text, say };
    let word = build_word(view);
    let build = &view.build;
    let name = build.package().map_or_else(|| format!("Build {}", build.id), ToString::to_string);
    let whole = event("b-s".into(), word, Some(format!("{name}: {word}")));
    let source = event("c-source-s".into(), source_word(view), None);
    let chroots = view.chroots.iter().map(|chroot| {
        let word = chroot_word(chroot);
        event(format!("c-{}-s", chroot.chroot), word, Some(format!("{}: {word}", chroot.chroot)))
    });
    [whole, source].into_iter().chain(chroots).collect()
}
