//! Files that a user or operator put into a repository and that its index carries along: groups, modules and
//! advisories. One that cannot be right is left out with a word; it never stops a publish.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

use flate2::{Compression, write::GzEncoder};

use super::manifest::Record;
use crate::{measured::Measured, tree::Tree};

const MAX_BYTES: u64 = 16 << 20;

struct Extra {
    file: &'static str,
    /// In `repomd.xml`.
    kind: &'static str,
    /// What its content must hold to be what its name says.
    mark: &'static str,
    /// libmodulemd and dnf read these packed; comps are small, and old clients want them plain.
    is_packed: bool,
}

const EXTRAS: [Extra; 3] = [
    Extra { file: "comps.xml", kind: "group", mark: "<comps", is_packed: false },
    Extra { file: "modules.yaml", kind: "modules", mark: "document: modulemd", is_packed: true },
    Extra { file: "updateinfo.xml", kind: "updateinfo", mark: "<updates", is_packed: true },
];

/// The records of what is there; their files lie in `repodata`.
pub fn carry(tree: &Tree, repository: &Path) -> io::Result<Vec<Record>> {
    let mut records = Vec::new();
    for extra in &EXTRAS {
        let Some(content) = content(&repository.join(extra.file))? else { continue };
        match problem(extra, &content) {
            None => records.push(write(tree, repository, extra, &content)?),
            Some(reason) => {
                tracing::warn!(repository = %repository.display(), file = extra.file, reason, "a file is not carried along");
            }
        }
    }
    Ok(records)
}

/// At most one byte more than we take.
fn content(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut content = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut content)?;
    Ok(Some(content))
}

fn problem(extra: &Extra, content: &[u8]) -> Option<&'static str> {
    if content.len() as u64 > MAX_BYTES {
        return Some("it is larger than 16 MiB");
    }
    let Ok(text) = std::str::from_utf8(content) else { return Some("it is not UTF-8") };
    if !text.contains(extra.mark) {
        return Some("it is not what its name says");
    }
    // A cut off upload: XML ends with its root element.
    let is_cut = extra.file.ends_with(".xml") && !text.trim_end().ends_with('>');
    is_cut.then_some("it is cut off")
}

fn write(tree: &Tree, repository: &Path, extra: &Extra, content: &[u8]) -> io::Result<Record> {
    let output = Measured::new(tree.fresh_file()?);
    let (output, file) = if extra.is_packed {
        let mut packer = GzEncoder::new(output, Compression::best());
        packer.write_all(content)?;
        (packer.finish()?, format!("{}.gz", extra.file))
    } else {
        let mut output = output;
        output.write_all(content)?;
        (output, extra.file.to_owned())
    };
    let (fresh, sha256, size) = output.end();
    let file = format!("{sha256}-{file}");
    // They may be there before the first publish.
    let repodata = repository.join("repodata");
    fs::create_dir_all(&repodata)?;
    tree.settle_file(fresh, &repodata.join(&file))?;
    let open_size = extra.is_packed.then_some(content.len() as u64);
    Ok(Record { kind: extra.kind.into(), file, sha256, size, open_size })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_what_its_name_says_is_left_out_with_a_reason() {
        let judged = |extra: usize, content: &[u8]| problem(&EXTRAS[extra], content);
        assert_eq!(judged(0, b"<?xml version=\"1.0\"?><comps></comps>\n"), None);
        assert_eq!(judged(1, b"---\ndocument: modulemd\nversion: 2\n"), None);
        assert_eq!(judged(2, b"<updates/>"), None);
        for (extra, bad) in [(0, &b"<html></html>"[..]), (0, b"<comps><gr"), (1, b"\xff"), (2, b"")] {
            assert!(judged(extra, bad).is_some(), "{bad:?}");
        }
        assert!(judged(2, &vec![b'<'; (MAX_BYTES + 1) as usize]).is_some());
    }
}
