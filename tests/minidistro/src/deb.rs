//! Reading one .deb: its control data and its files, all in memory.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use crate::error::Error;
use crate::version::Evr;

/// The control paragraph and the list of configuration files.
#[derive(Debug, Default)]
pub struct Control {
    fields: HashMap<String, String>,
    pub conffiles: Vec<String>,
}

/// One entry of the file archive, its path absolute and without a final slash.
#[derive(Debug)]
pub struct Item {
    pub path: String,
    pub mode: u16,
    pub kind: Kind,
}

#[derive(Debug)]
pub enum Kind {
    Dir,
    File(Vec<u8>),
    Symlink(String),
    /// Another name for the file at this path.
    Hardlink(String),
}

impl Control {
    pub fn parse(text: &str) -> Self {
        let mut fields: HashMap<String, String> = HashMap::new();
        let mut current = String::new();
        for line in text.lines() {
            if line.starts_with([' ', '\t']) {
                let value = fields.entry(current.clone()).or_default();
                value.push('\n');
                value.push_str(line.trim());
            } else if let Some((name, value)) = line.split_once(':') {
                current = name.to_owned();
                fields.insert(current.clone(), value.trim().to_owned());
            }
        }
        Self { fields, conffiles: Vec::new() }
    }

    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    pub fn name(&self) -> &str {
        self.field("Package")
    }

    pub fn evr(&self) -> Evr {
        Evr::from_debian(self.field("Version"))
    }

    pub fn rpm_arch(&self) -> &'static str {
        if self.field("Architecture") == "all" { "noarch" } else { "x86_64" }
    }

    pub fn summary(&self) -> &str {
        self.field("Description").lines().next().unwrap_or_default()
    }
}

pub fn read_control(deb: &Path) -> Result<Control, Error> {
    let mut control = Control::default();
    let mut conffiles = Vec::new();
    each_entry(deb, "control.tar", |entry| {
        let mut text = String::new();
        match entry.path()?.file_name().and_then(|name| name.to_str()) {
            Some("control") => {
                entry.read_to_string(&mut text)?;
                control = Control::parse(&text);
            }
            Some("conffiles") => {
                entry.read_to_string(&mut text)?;
                conffiles = text.lines().map(|line| line.trim().to_owned()).collect();
            }
            _ => {}
        }
        Ok(())
    })?;
    if control.name().is_empty() || control.field("Version").is_empty() {
        return Err(Error::deb(deb, "its control data has no name or no version"));
    }
    Ok(Control { conffiles, ..control })
}

pub fn read_items(deb: &Path) -> Result<Vec<Item>, Error> {
    let mut items = Vec::new();
    each_entry(deb, "data.tar", |entry| {
        items.extend(item(entry)?);
        Ok(())
    })?;
    Ok(items)
}

type Entry<'a> = tar::Entry<'a, Box<dyn Read>>;

fn item(entry: &mut Entry<'_>) -> std::io::Result<Option<Item>> {
    let path = absolute(&entry.path_bytes());
    let mode = (entry.header().mode()? & 0o7777) as u16;
    let link = entry.link_name_bytes().map(|name| String::from_utf8_lossy(&name).into_owned());
    let kind = match (entry.header().entry_type(), link) {
        (tar::EntryType::Directory, _) => Kind::Dir,
        (tar::EntryType::Symlink, Some(target)) => Kind::Symlink(target),
        (tar::EntryType::Link, Some(target)) => Kind::Hardlink(absolute(target.as_bytes())),
        (tar::EntryType::Regular, _) => {
            let mut content = Vec::with_capacity(entry.size() as usize);
            entry.read_to_end(&mut content)?;
            Kind::File(content)
        }
        (other, _) => {
            return Err(std::io::Error::other(format!("{path} is of the unexpected type {other:?}")));
        }
    };
    Ok((path != "/").then_some(Item { path, mode, kind }))
}

fn absolute(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let text = if text == "." { "" } else { text.strip_prefix("./").unwrap_or(&text) };
    format!("/{}", text.trim_matches('/'))
}

/// Calls `visit` for each entry of the inner archive whose name starts with `member`.
fn each_entry(
    deb: &Path,
    member: &str,
    mut visit: impl FnMut(&mut Entry<'_>) -> std::io::Result<()>,
) -> Result<(), Error> {
    let file = File::open(deb).map_err(Error::io("open", deb))?;
    let mut outer = ar::Archive::new(BufReader::new(file));
    while let Some(part) = outer.next_entry() {
        let mut part = part.map_err(|e| Error::deb(deb, e))?;
        let name = String::from_utf8_lossy(part.header().identifier()).into_owned();
        if !name.starts_with(member) {
            continue;
        }
        let mut packed = Vec::with_capacity(part.header().size() as usize);
        part.read_to_end(&mut packed).map_err(|e| Error::deb(deb, e))?;
        let mut inner = tar::Archive::new(unpacked(&name, packed).map_err(|e| Error::deb(deb, e))?);
        let mut entries = inner.entries().map_err(|e| Error::deb(deb, e))?;
        return entries
            .try_for_each(|entry| entry.and_then(|mut entry| visit(&mut entry)))
            .map_err(|e| Error::deb(deb, e));
    }
    Err(Error::deb(deb, format!("it has no {member}")))
}

fn unpacked(name: &str, packed: Vec<u8>) -> std::io::Result<Box<dyn Read>> {
    let packed = std::io::Cursor::new(packed);
    Ok(match name.rsplit('.').next() {
        Some("xz") => Box::new(liblzma::read::XzDecoder::new_multi_decoder(packed)),
        Some("zst") => Box::new(zstd::stream::read::Decoder::new(packed)?),
        Some("gz") => Box::new(flate2::read::GzDecoder::new(packed)),
        Some("tar") => Box::new(packed),
        _ => return Err(std::io::Error::other(format!("{name} is packed in an unknown way"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_paragraph_is_read_with_its_continued_lines() {
        let control = Control::parse(
            "Package: make\nVersion: 4.3-4.1\nArchitecture: amd64\nDescription: builds\n more\n .\n end\n",
        );
        assert_eq!((control.name(), control.summary()), ("make", "builds"));
        assert_eq!(control.field("Description"), "builds\nmore\n.\nend");
        assert_eq!((control.field("Depends"), control.rpm_arch()), ("", "x86_64"));
    }

    #[test]
    fn archive_paths_become_absolute() {
        for (raw, path) in [("./usr/bin/", "/usr/bin"), ("./", "/"), ("usr/x", "/usr/x"), (".x", "/.x")] {
            assert_eq!(absolute(raw.as_bytes()), path);
        }
    }
}
