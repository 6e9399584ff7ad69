//! From the control data and files of a deb to the recipe of its RPM.

use std::path::Path;

use rpm::Dependency;

use crate::data;
use crate::deb::{self, Control};
use crate::depend::{self, Index};
use crate::elf::Sonames;
use crate::error::Error;
use crate::filesystem;
use crate::recipe::Recipe;
use crate::tree::Tree;

/// Who provides what, over all packages: decides which of Debian's dependencies are kept.
pub fn index(controls: &[Control]) -> Index {
    let mut index = Index::default();
    for control in controls {
        index.add(control.name(), Some(control.evr()));
        for alias in data::words_of(data::PROVIDES, control.name()) {
            index.add(alias, Some(control.evr()));
        }
        for clause in depend::parse_field(control.field("Provides")).into_iter().flatten() {
            index.add(&clause.name, clause.bound.map(|(_, evr)| evr));
        }
    }
    index
}

/// The recipe, with the libraries found in its files.
pub fn recipe(deb: &Path, control: &Control, index: &Index) -> Result<(Recipe, Sonames), Error> {
    let mut tree = Tree::from_items(deb, deb::read_items(deb)?, &control.conffiles)?;
    for row in data::rows(data::LINKS) {
        if let [package, link, target] = row.as_slice()
            && *package == control.name()
        {
            tree.symlink(link, target);
        }
    }
    let mut sonames = Sonames::default();
    tree.files().for_each(|(path, content)| sonames.scan(path, content));
    let recipe = Recipe {
        name: control.name().to_owned(),
        evr: control.evr(),
        arch: control.rpm_arch(),
        summary: control.summary().to_owned(),
        requires: requires(control, index),
        provides: provides(control, &tree, &sonames),
        tree,
        runs_ldconfig: control.name() == "libc-bin",
    };
    Ok((recipe, sonames))
}

fn requires(control: &Control, index: &Index) -> Vec<Dependency> {
    let debian = ["Pre-Depends", "Depends"].map(|field| depend::parse_field(control.field(field)));
    let mut requires: Vec<Dependency> =
        debian.into_iter().flatten().filter_map(|group| index.requirement(&group)).collect();
    let ours = data::words_of(data::REQUIRES, control.name());
    requires.extend(ours.into_iter().chain([filesystem::NAME]).map(Dependency::any));
    requires
}

fn provides(control: &Control, tree: &Tree, sonames: &Sonames) -> Vec<Dependency> {
    let debian = depend::parse_field(control.field("Provides")).into_iter().flatten();
    let aliases = data::words_of(data::PROVIDES, control.name());
    debian
        .map(|clause| clause.to_rpm())
        .chain(aliases.into_iter().map(|alias| Dependency::eq(alias, control.evr().full())))
        .chain(sonames.provided.iter().map(Dependency::any))
        .chain(tree.moved().iter().map(Dependency::any))
        .collect()
}
