//! Which templates were used: the frontend says at level debug what it renders.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use coppice_kit::Stack;
use serde_json::Value;

/// What the builder fills in, not the frontend; and pictures, which are no templates.
const OTHERS: [&str; 2] = ["mock", "badges"];

/// Those that no page of the log needed.
pub fn unused(stack: &Stack) -> Vec<String> {
    let all = all();
    let mut reached: BTreeSet<String> = rendered(&stack.log());
    loop {
        let more: BTreeSet<String> = reached.iter().flat_map(|name| needs(&all, name)).collect();
        if more.is_subset(&reached) {
            break;
        }
        reached.extend(more);
    }
    all.keys().filter(|name| !reached.contains(*name)).cloned().collect()
}

fn rendered(log: &str) -> BTreeSet<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter_map(|line| Some(line["template"].as_str()?.to_owned())).collect()
}

/// Names with texts.
fn all() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("templates");
    let mut found = BTreeMap::new();
    let mut folders: Vec<PathBuf> = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.strip_prefix(&root).unwrap().display().to_string();
            if entry.is_dir() && !OTHERS.contains(&name.as_str()) {
                folders.push(entry);
            } else if [".html", ".xml", ".repo", ".txt"].iter().any(|end| name.ends_with(end)) {
                found.insert(name, fs::read_to_string(entry).unwrap());
            }
        }
    }
    found
}

/// What a template extends, includes, or takes components from.
fn needs(all: &BTreeMap<String, String>, name: &str) -> Vec<String> {
    let text = all.get(name).map(String::as_str).unwrap_or_default();
    let is_named =
        |other: &str| ["extends", "include"].iter().any(|verb| text.contains(&format!("{verb} \"{other}\"")));
    let gives = |other: &str| components(other).any(|component| text.contains(&format!("<{component} ")));
    all.iter()
        .filter(|(other, template)| is_named(other) || gives(template))
        .map(|(other, _)| other.clone())
        .collect()
}

fn components(text: &str) -> impl Iterator<Item = &str> {
    text.split("{% component ").skip(1).filter_map(|rest| rest.split(['(', ' ']).next())
}
