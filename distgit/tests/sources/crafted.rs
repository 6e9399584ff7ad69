//! Source RPMs written byte by byte, so that every field of them can be wrong.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

const NAME: u32 = 1000;
const INT16: u32 = 3;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRINGS: u32 = 8;

/// What an SRPM says; every field is free.
#[derive(Clone)]
pub struct Srpm {
    pub name: String,
    pub version: String,
    pub release: String,
    pub epoch: Option<u32>,
    pub exclusive_arch: Vec<String>,
    pub exclude_arch: Vec<String>,
    pub is_source: bool,
    pub dir: String,
    pub files: Vec<(String, Vec<u8>)>,
    /// Mode of all files.
    pub mode: u16,
    pub flags: u32,
    /// Sizes in the header differ from those of the files by this.
    pub size_error: u32,
}

impl Srpm {
    pub fn of(name: &str) -> Self {
        let spec = format!("Name: {name}\nVersion: 1\nRelease: 1\n").into_bytes();
        Self {
            name: name.into(),
            version: "1".into(),
            release: "1".into(),
            epoch: None,
            exclusive_arch: vec![],
            exclude_arch: vec![],
            is_source: true,
            dir: String::new(),
            files: vec![(format!("{name}.spec"), spec)],
            mode: 0o100_644,
            flags: 0,
            size_error: 0,
        }
    }

    pub fn with(mut self, file: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((file.into(), content.into()));
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let payload = self.payload();
        let header = self.header(&payload).bytes();
        let mut signature = Header::default();
        signature.strings(STRING, 273, &[hex::encode(Sha256::digest(&header))]);
        signature.numbers(1000, &[u32::try_from(header.len() + payload.len()).unwrap()]);
        let mut signature = signature.bytes();
        signature.resize(signature.len().next_multiple_of(8), 0);
        let mut lead = vec![0xed, 0xab, 0xee, 0xdb, 3, 0, 0, u8::from(self.is_source)];
        lead.resize(96, 0);
        lead[78..80].copy_from_slice(&[0, 5]);
        [lead, signature, header, payload].concat()
    }

    fn header(&self, payload: &[u8]) -> Header {
        let mut header = Header::default();
        for (tag, text) in [(NAME, &self.name), (1001, &self.version), (1002, &self.release)] {
            header.strings(STRING, tag, std::slice::from_ref(text));
        }
        self.epoch.iter().for_each(|epoch| header.numbers(1003, &[*epoch]));
        self.files_of_header(&mut header);
        for (tag, architectures) in [(1059, &self.exclude_arch), (1061, &self.exclusive_arch)] {
            if !architectures.is_empty() {
                header.strings(STRINGS, tag, architectures);
            }
        }
        if self.is_source {
            header.numbers(1106, &[1]);
        } else {
            header.strings(STRING, 1044, &["x.src.rpm".into()]);
        }
        header.strings(STRINGS, 5092, &[hex::encode(Sha256::digest(payload))]);
        header.numbers(5093, &[8]);
        header
    }

    fn files_of_header(&self, header: &mut Header) {
        let count = self.files.len();
        let size = |content: &Vec<u8>| u32::try_from(content.len()).unwrap() + self.size_error;
        let digest = |content: &Vec<u8>| hex::encode(Sha256::digest(content));
        let same = |value: u32| vec![value; count];
        let words = |word: &str| vec![word.to_owned(); count];
        header.numbers(1028, &self.files.iter().map(|(_, content)| size(content)).collect::<Vec<_>>());
        header.shorts(1030, &vec![self.mode; count]);
        header.shorts(1033, &vec![0; count]);
        header.numbers(1034, &same(1_700_000_000));
        header.strings(STRINGS, 1035, &self.files.iter().map(|(_, c)| digest(c)).collect::<Vec<_>>());
        header.strings(STRINGS, 1036, &words(""));
        header.numbers(1037, &same(self.flags));
        header.strings(STRINGS, 1039, &words("root"));
        header.strings(STRINGS, 1040, &words("root"));
        header.numbers(1095, &same(1));
        header.numbers(1096, &(1..=u32::try_from(count).unwrap()).collect::<Vec<_>>());
        header.strings(STRINGS, 1097, &words(""));
        header.numbers(1116, &same(0));
        header.strings(STRINGS, 1117, &self.files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
        header.strings(STRINGS, 1118, std::slice::from_ref(&self.dir));
        header.numbers(5011, &[8]);
    }

    fn payload(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        for (inode, (name, content)) in self.files.iter().enumerate() {
            let name = format!("{}{name}", self.dir.trim_start_matches('/'));
            entry(&mut archive, &name, u32::from(self.mode), inode + 1, content);
        }
        entry(&mut archive, "TRAILER!!!", 0, 0, &[]);
        archive
    }
}

/// One file of a cpio archive (newc).
fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, inode: usize, content: &[u8]) {
    let fields = [inode, mode as usize, 0, 0, 1, 0, content.len(), 0, 0, 0, 0, name.len() + 1, 0];
    archive.extend(b"070701");
    archive.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
    archive.extend(name.as_bytes());
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// A header's entries by tag: type, count and data.
#[derive(Default)]
struct Header(BTreeMap<u32, (u32, usize, Vec<u8>)>);

impl Header {
    fn strings(&mut self, kind: u32, tag: u32, texts: &[String]) {
        let data = texts.iter().flat_map(|text| [text.as_bytes(), &[0]].concat()).collect();
        self.0.insert(tag, (kind, texts.len(), data));
    }

    fn numbers(&mut self, tag: u32, numbers: &[u32]) {
        let data = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.0.insert(tag, (INT32, numbers.len(), data));
    }

    fn shorts(&mut self, tag: u32, numbers: &[u16]) {
        let data = numbers.iter().flat_map(|number| number.to_be_bytes()).collect();
        self.0.insert(tag, (INT16, numbers.len(), data));
    }

    fn bytes(&self) -> Vec<u8> {
        let (mut index, mut data) = (Vec::new(), Vec::new());
        for (tag, (kind, count, content)) in &self.0 {
            let align = if *kind == INT32 { 4 } else { 2 };
            data.resize(data.len().next_multiple_of(align), 0);
            let entry = [*tag, *kind, u32::try_from(data.len()).unwrap(), u32::try_from(*count).unwrap()];
            index.extend(entry.iter().flat_map(|number| number.to_be_bytes()));
            data.extend(content);
        }
        let mut bytes = vec![0x8e, 0xad, 0xe8, 1, 0, 0, 0, 0];
        bytes.extend(u32::try_from(self.0.len()).unwrap().to_be_bytes());
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        [bytes, index, data].concat()
    }
}
