//! A folder as a page: links that `wget -r` follows and nothing that it should not.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use coppice_model::UnixTime;

use super::location::is_servable;
use crate::results::utc;

struct Item {
    name: String,
    is_dir: bool,
    size: u64,
    modified: UnixTime,
}

/// Folders first, then files, each by name. A folder that vanishes meanwhile is empty.
pub fn html(path: &Path, at_root: bool) -> String {
    let mut items = items(path);
    items.sort_by(|a, b| b.is_dir.cmp(&a.is_dir).then_with(|| a.name.cmp(&b.name)));
    let title = if at_root {
        "results".into()
    } else {
        escape(&path.file_name().unwrap_or_default().to_string_lossy())
    };
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;margin:1.5rem}}td{{padding:0 1.5rem 0 0}}\
         td+td{{color:#555;white-space:nowrap}}:root{{color-scheme:light dark}}</style></head>\n\
         <body><h1>{title}</h1>\n<table>\n"
    );
    if !at_root {
        page.push_str("<tr><td><a href=\"../\">../</a></td></tr>\n");
    }
    for item in &items {
        page.push_str(&row(item));
    }
    page.push_str("</table>\n</body></html>\n");
    page
}

fn items(path: &Path) -> Vec<Item> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let item = |entry: fs::DirEntry| {
        let meta = entry.metadata().ok()?;
        let name = entry.file_name().into_string().ok()?;
        let servable = is_servable(&name) && (meta.is_dir() || meta.is_file());
        let modified = UnixTime(meta.mtime());
        servable.then(|| Item { name, is_dir: meta.is_dir(), size: meta.len(), modified })
    };
    entries.filter_map(item).collect()
}

fn row(item: &Item) -> String {
    let slash = if item.is_dir { "/" } else { "" };
    // Without it a name with a colon would read as an address of its own scheme.
    let here = if item.name.contains(':') { "./" } else { "" };
    let (href, name) = (encode(&item.name), escape(&item.name));
    let size = if item.is_dir { String::new() } else { item.size.to_string() };
    let modified = utc(item.modified);
    format!(
        "<tr><td><a href=\"{here}{href}{slash}\">{name}{slash}</a></td><td>{size}</td><td>{modified}</td></tr>\n"
    )
}

/// Percent-encodes what may not stand in a path or an attribute. `:`, `+`, `@` and `~` may.
fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~:+@!*,;=()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
