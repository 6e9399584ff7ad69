//! What `git fast-import` reads: the files once, then one commit for each branch.

use std::{
    fs::File,
    io::{self, BufWriter, Seek, Write},
    path::Path,
};

use sha2::{Digest, Sha256};

use super::Commit;

/// Trailer by which a commit is found by its content.
pub const CONTENT_KEY: &str = "Coppice-Content";
const IDENTITY: &str = "Coppice <coppice@localhost>";
/// Marks of commits; those of files are below.
const FIRST_COMMIT: usize = 1_000_000;

#[derive(Debug)]
struct TreeFile {
    name: String,
    executable: bool,
    content: Vec<u8>,
}

/// The files of a commit.
#[derive(Debug)]
pub struct Tree {
    files: Vec<TreeFile>,
    digest: String,
}

impl FromIterator<(String, bool, Vec<u8>)> for Tree {
    /// From name, whether executable, and content; names are plain.
    fn from_iter<I: IntoIterator<Item = (String, bool, Vec<u8>)>>(files: I) -> Self {
        let mut files: Vec<_> = files
            .into_iter()
            .map(|(name, executable, content)| TreeFile { name, executable, content })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut hash = Sha256::new();
        for file in &files {
            hash.update(format!("{}\0{}\0", file.name, file.executable));
            hash.update(Sha256::digest(&file.content));
        }
        Self { files, digest: hex::encode(hash.finalize()) }
    }
}

impl Tree {
    /// Equal for equal content.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

pub fn content_line(tree: &Tree) -> String {
    format!("{CONTENT_KEY}: {}", tree.digest)
}

/// Writes the stream to an unnamed file, ready to be read. `parents` are branches with their tips.
pub fn write(commit: &Commit, parents: &[(&str, Option<&str>)], temporary: &Path) -> io::Result<File> {
    let mut out = BufWriter::new(tempfile::tempfile_in(temporary)?);
    out.write_all(b"feature done\n")?;
    for (index, file) in commit.tree.files.iter().enumerate() {
        writeln!(out, "blob\nmark :{}", index + 1)?;
        write_data(&mut out, &file.content)?;
    }
    for (index, (branch, parent)) in parents.iter().enumerate() {
        write_commit(&mut out, commit, branch, *parent, FIRST_COMMIT + index)?;
    }
    out.write_all(b"done\n")?;
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

fn write_commit(
    out: &mut impl Write,
    commit: &Commit,
    branch: &str,
    parent: Option<&str>,
    mark: usize,
) -> io::Result<()> {
    let message = format!("{}\n\n{}\n", commit.title, content_line(&commit.tree));
    writeln!(out, "commit refs/heads/{branch}\nmark :{mark}")?;
    writeln!(out, "committer {IDENTITY} {} +0000", commit.at)?;
    write_data(out, message.as_bytes())?;
    if let Some(parent) = parent {
        writeln!(out, "from {parent}")?;
    }
    writeln!(out, "deleteall")?;
    for (index, file) in commit.tree.files.iter().enumerate() {
        let mode = if file.executable { "100755" } else { "100644" };
        writeln!(out, "M {mode} :{} {}", index + 1, quoted(&file.name))?;
    }
    writeln!(out, "\nget-mark :{mark}")
}

fn write_data(out: &mut impl Write, data: &[u8]) -> io::Result<()> {
    writeln!(out, "data {}", data.len())?;
    out.write_all(data)?;
    writeln!(out)
}

/// Names hold no control characters.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
}
