//! The index files of a publish, each named by the hash of its content: old blocks are copied, changed ones
//! compressed anew. Memory does not grow with the repository.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, BufWriter, Read},
    path::{Path, PathBuf},
};

use coppice_runtime::files;
use tempfile::NamedTempFile;

use super::{
    config::Compression,
    fragment::{self, Fragment, FragmentError, Trust},
    layout::{Item, Piece, ranges},
    manifest::{Block, BuildEntry, Manifest, Part, Record, SECTIONS},
    packing::{Packer, unpack},
};
use crate::{measured::Measured, tree::Tree};

/// Name of the record, its element and what the element says.
const INDEXES: [(&str, &str, &str); SECTIONS] = [
    (
        "primary",
        "metadata",
        "xmlns=\"http://linux.duke.edu/metadata/common\" xmlns:rpm=\"http://linux.duke.edu/metadata/rpm\"",
    ),
    ("filelists", "filelists", "xmlns=\"http://linux.duke.edu/metadata/filelists\""),
    ("other", "otherdata", "xmlns=\"http://linux.duke.edu/metadata/other\""),
];
const BUFFER_BYTES: usize = 128 << 10;

/// Where the description of a new build comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Described {
    /// From a file that was written when the build came.
    Stored { build: String, path: PathBuf },
    /// From the packages themselves.
    Packages { build: String, trust: Trust },
}

/// What was written; no `repomd.xml` refers to it yet.
pub struct Written {
    pub records: Vec<Record>,
    pub head: [u64; SECTIONS],
    pub blocks: Vec<Block>,
    pub builds: Vec<BuildEntry>,
}

type Output = Packer<Measured<BufWriter<NamedTempFile>>>;

/// Everything that writing an index reads.
pub struct Sources<'a> {
    pub tree: &'a Tree,
    pub repository: &'a Path,
    pub last: &'a Manifest,
    pub key: Option<&'a str>,
}

impl Sources<'_> {
    pub fn write(
        &self,
        pieces: &[Piece<Described>],
        compression: Compression,
    ) -> Result<Written, FragmentError> {
        let repodata = self.repository.join("repodata");
        fs::create_dir_all(&repodata)?;
        let packages = pieces.iter().map(|piece| piece.packages).sum();
        let mut writer = Writer::begin(self, packages, compression)?;
        for piece in pieces {
            match piece.keep {
                Some(block) => writer.keep(block)?,
                None => writer.compress(&piece.items)?,
            }
        }
        writer.end(&repodata, compression)
    }
}

struct Writer<'a> {
    from: &'a Sources<'a>,
    outputs: [Output; SECTIONS],
    old: Old,
    written: Written,
    /// Old blocks that are being taken apart: the uncompressed part and where the next build's bytes begin.
    ranges: Vec<std::ops::Range<usize>>,
}

/// The index files of the last publish.
struct Old {
    files: Vec<File>,
    compression: Compression,
    /// Where each block begins.
    starts: Vec<[u64; SECTIONS]>,
    /// Blocks in memory, uncompressed; the last one only.
    opened: HashMap<usize, [Vec<u8>; SECTIONS]>,
}

impl Old {
    fn open(last: &Manifest, repodata: &Path) -> io::Result<Self> {
        let records = last.records.iter().take(if last.blocks.is_empty() { 0 } else { SECTIONS });
        let files =
            records.map(|record| File::open(repodata.join(&record.file))).collect::<io::Result<_>>()?;
        let header = Output::header_bytes(last.compression);
        let mut at = last.head.map(|head| header + head);
        let mut starts = Vec::with_capacity(last.blocks.len());
        for block in &last.blocks {
            starts.push(at);
            (0..SECTIONS).for_each(|section| at[section] += block.parts[section].packed);
        }
        Ok(Self { files, compression: last.compression, starts, opened: HashMap::new() })
    }

    /// The bytes of a whole block.
    fn block(&mut self, index: usize, block: &Block) -> io::Result<&[Vec<u8>; SECTIONS]> {
        if !self.opened.contains_key(&index) {
            self.opened.clear();
            let mut content: [Vec<u8>; SECTIONS] = Default::default();
            for (section, content) in content.iter_mut().enumerate() {
                let (at, part) = (self.starts[index][section], block.parts[section]);
                let mut reader = unpack(&mut self.files[section], at, part, self.compression)?;
                reader.read_to_end(content)?;
                if content.len() as u64 != part.raw {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "an index file is damaged"));
                }
            }
            self.opened.insert(index, content);
        }
        Ok(&self.opened[&index])
    }
}

impl<'a> Writer<'a> {
    fn begin(from: &'a Sources<'a>, packages: u64, compression: Compression) -> io::Result<Self> {
        let mut head = [0; SECTIONS];
        let mut outputs = Vec::with_capacity(SECTIONS);
        for (section, (_, element, namespaces)) in INDEXES.iter().enumerate() {
            let file = BufWriter::with_capacity(BUFFER_BYTES, from.tree.fresh_file()?);
            let mut output = Packer::new(Measured::new(file), compression)?;
            let part = output.part(|text| {
                writeln!(text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
                writeln!(text, "<{element} {namespaces} packages=\"{packages}\">")
            })?;
            head[section] = part.packed;
            outputs.push(output);
        }
        let outputs =
            <[Output; SECTIONS]>::try_from(outputs).map_err(|_| io::Error::other("three outputs"))?;
        let old = Old::open(from.last, &from.repository.join("repodata"))?;
        let written = Written { records: Vec::new(), head, blocks: Vec::new(), builds: Vec::new() };
        Ok(Self { from, outputs, old, written, ranges: ranges(from.last).collect() })
    }

    fn keep(&mut self, index: usize) -> io::Result<()> {
        let block = &self.from.last.blocks[index];
        for (section, output) in self.outputs.iter_mut().enumerate() {
            output.copy(
                &mut self.old.files[section],
                self.old.starts[index][section],
                block.parts[section],
            )?;
        }
        self.written.blocks.push(*block);
        self.written.builds.extend_from_slice(&self.from.last.builds[self.ranges[index].clone()]);
        Ok(())
    }

    /// The sections are gathered first: builds are small, and a block holds few.
    fn compress(&mut self, items: &[Item<Described>]) -> Result<(), FragmentError> {
        let mut gathered: [Vec<u8>; SECTIONS] = Default::default();
        for item in items {
            let entry = match item {
                Item::Old(position) => self.take_old(*position, &mut gathered)?,
                Item::New(described) => self.take_new(described, &mut gathered)?,
            };
            self.written.builds.push(entry);
        }
        let mut parts = [Part::default(); SECTIONS];
        for (section, output) in self.outputs.iter_mut().enumerate() {
            parts[section] = output.part(|part| part.write_all(&gathered[section]))?;
        }
        self.written.blocks.push(Block { builds: items.len(), parts });
        Ok(())
    }

    fn take_old(&mut self, position: usize, gathered: &mut [Vec<u8>; SECTIONS]) -> io::Result<BuildEntry> {
        let last = self.from.last;
        let index = self.ranges.partition_point(|range| range.end <= position);
        let before = &last.builds[self.ranges[index].start..position];
        let entry = &last.builds[position];
        let content = self.old.block(index, &last.blocks[index])?;
        for section in 0..SECTIONS {
            let start: u64 = before.iter().map(|build| build.raw[section]).sum();
            let range = start as usize..(start + entry.raw[section]) as usize;
            let bytes = content[section].get(range);
            let damaged = || io::Error::new(io::ErrorKind::InvalidData, "a manifest does not fit its files");
            gathered[section].extend_from_slice(bytes.ok_or_else(damaged)?);
        }
        Ok(entry.clone())
    }

    fn take_new(
        &mut self,
        described: &Described,
        gathered: &mut [Vec<u8>; SECTIONS],
    ) -> Result<BuildEntry, FragmentError> {
        let (name, fragment) = match described {
            Described::Stored { build, path } => (build, Fragment::read(path)?),
            Described::Packages { build, trust } => {
                let dir = self.from.repository.join(build);
                (build, fragment::render(&dir, build, self.from.key, *trust)?)
            }
        };
        for (all, one) in gathered.iter_mut().zip(&fragment.sections) {
            all.extend_from_slice(one);
        }
        let raw = fragment.sections.each_ref().map(|section| section.len() as u64);
        Ok(BuildEntry { name: name.clone(), packages: fragment.packages, raw })
    }

    fn end(mut self, repodata: &Path, compression: Compression) -> Result<Written, FragmentError> {
        for ((kind, element, _), mut output) in INDEXES.iter().zip(self.outputs) {
            output.part(|text| writeln!(text, "</{element}>"))?;
            let (output, open_size) = output.finish()?;
            let (output, sha256, size) = output.end();
            let fresh = output.into_inner().map_err(io::IntoInnerError::into_error)?;
            let file = format!("{sha256}-{kind}.xml.{}", compression.ending());
            fresh.as_file().sync_all()?;
            fresh.persist(repodata.join(&file)).map_err(|error| error.error)?;
            let kind = (*kind).to_owned();
            self.written.records.push(Record { kind, file, sha256, size, open_size: Some(open_size) });
        }
        files::sync_dir(repodata)?;
        Ok(self.written)
    }
}
