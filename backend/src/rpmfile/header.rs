//! One header of an RPM file: an index of entries and a store that they point into.

use std::io::Read;

use super::{RpmFileError, padding_after};

const MAGIC: [u8; 8] = [0x8e, 0xad, 0xe8, 0x01, 0, 0, 0, 0];
const INTRO_BYTES: usize = 16;
const ENTRY_BYTES: usize = 16;
/// RPM: hdrblobInit refuses more.
const MAX_ENTRIES: usize = 0xffff;
const KIND_BINARY: u32 = 7;
const REGION_BYTES: u32 = 16;

/// Tags that we name; RPM: rpmtag.h.
pub mod tag {
    pub const HEADER_SIGNATURES: u32 = 62;
    pub const HEADER_IMAGE: u32 = 61;
    pub const HEADER_IMMUTABLE: u32 = 63;
    /// Header-only signature by a DSA or EdDSA key.
    pub const SIG_DSA: u32 = 267;
    /// Header-only signature by an RSA key.
    pub const SIG_RSA: u32 = 268;
    pub const SIG_OPENPGP: u32 = 278;
    /// Header-and-payload signatures of old.
    pub const SIG_PGP: u32 = 1002;
    pub const SIG_GPG: u32 = 1005;
    /// Room that signers may use without moving the payload.
    pub const SIG_RESERVED_SPACE: u32 = 1008;
    pub const NO_SOURCE: u32 = 1051;
    pub const NO_PATCH: u32 = 1052;
    pub const PAYLOAD_DIGEST: u32 = 5092;
    pub const PAYLOAD_DIGEST_ALGORITHM: u32 = 5093;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    tag: u32,
    kind: u32,
    count: u32,
    /// In the store; `offset + len` lies inside.
    offset: usize,
    len: usize,
}

/// A header whose entries all lie inside its store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawHeader {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

/// An entry on its way into a new header.
#[derive(Debug, Clone)]
struct Piece {
    tag: u32,
    kind: u32,
    count: u32,
    value: Vec<u8>,
}

/// Bytes of a header that begins so, its intro included.
pub(super) fn length(
    intro: &[u8; INTRO_BYTES],
    part: &'static str,
    max_bytes: usize,
) -> Result<usize, RpmFileError> {
    if intro[..4] != MAGIC[..4] {
        return Err(RpmFileError::Damaged("header does not begin as headers do"));
    }
    let (entries, store) = (number(intro, 8), number(intro, 12));
    if entries == 0 || entries > MAX_ENTRIES {
        return Err(RpmFileError::Damaged("header holds an impossible number of entries"));
    }
    let total = INTRO_BYTES + entries * ENTRY_BYTES + store;
    if total > max_bytes { Err(RpmFileError::TooLarge { part, bytes: total }) } else { Ok(total) }
}

impl RawHeader {
    pub(super) fn read(
        input: &mut impl Read,
        part: &'static str,
        max_bytes: usize,
    ) -> Result<Self, RpmFileError> {
        let mut intro = [0; INTRO_BYTES];
        input.read_exact(&mut intro)?;
        let (total, entries) = (length(&intro, part, max_bytes)?, number(&intro, 8));
        let mut bytes = intro.to_vec();
        bytes.resize(total, 0);
        input.read_exact(&mut bytes[INTRO_BYTES..])?;
        let entries = entries_of(&bytes, entries)?;
        Ok(Self { bytes, entries })
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of a signature header with the zeros that follow it.
    pub fn padded(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        bytes.resize(bytes.len() + padding_after(bytes.len()), 0);
        bytes
    }

    pub fn has(&self, tag: u32) -> bool {
        self.entries.iter().any(|entry| entry.tag == tag)
    }

    pub fn value(&self, tag: u32) -> Option<&[u8]> {
        self.entries.iter().find(|entry| entry.tag == tag).map(|entry| self.value_of(entry))
    }

    /// A string, or the first one of a list.
    pub fn text(&self, tag: u32) -> Option<&str> {
        let first = self.value(tag)?.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(first).ok()
    }

    pub fn number(&self, tag: u32) -> Option<u32> {
        self.value(tag)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
    }

    /// Tags with their values, without region and reserved space.
    pub fn values(&self) -> impl Iterator<Item = (u32, &[u8])> {
        self.content().map(|entry| (entry.tag, self.value_of(entry)))
    }

    /// The same signature header with one more binary entry. It is `padded_bytes` long, zeros after it
    /// included, if that can be; else as long as it must be, with `reserve` bytes of room.
    pub(super) fn with_binary(&self, tag: u32, value: &[u8], padded_bytes: usize, reserve: usize) -> Vec<u8> {
        let mut pieces: Vec<Piece> = self.content().map(|entry| self.piece(entry)).collect();
        pieces.push(Piece { tag, kind: KIND_BINARY, count: value.len() as u32, value: value.to_vec() });
        let bare = render(&pieces, None);
        if bare.len() == padded_bytes {
            return bare;
        }
        let room = padded_bytes.saturating_sub(render(&pieces, Some(0)).len());
        // Entries after the room may be aligned, so the fitting size is found by trying.
        let fitting = (room.saturating_sub(8)..=room).rev().filter(|room| *room > 0);
        let fits = fitting.map(|room| render(&pieces, Some(room))).find(|bytes| bytes.len() == padded_bytes);
        fits.unwrap_or_else(|| render(&pieces, Some(reserve)))
    }

    /// The same signature header without these entries, its length unchanged if that can be.
    pub(super) fn without(&self, tags: &[u32], padded_bytes: usize) -> Result<Self, RpmFileError> {
        let kept = self.content().filter(|entry| !tags.contains(&entry.tag));
        let pieces: Vec<Piece> = kept.map(|entry| self.piece(entry)).collect();
        let bare = render(&pieces, Some(0)).len();
        let bytes = render(&pieces, Some(padded_bytes.saturating_sub(bare)));
        Self::read(&mut bytes.as_slice(), "signature header", bytes.len())
    }

    fn content(&self) -> impl Iterator<Item = &Entry> {
        let skipped =
            [tag::HEADER_IMAGE, tag::HEADER_SIGNATURES, tag::HEADER_IMMUTABLE, tag::SIG_RESERVED_SPACE];
        self.entries.iter().filter(move |entry| !skipped.contains(&entry.tag))
    }

    fn value_of(&self, entry: &Entry) -> &[u8] {
        let store = INTRO_BYTES + self.entries.len() * ENTRY_BYTES;
        &self.bytes[store + entry.offset..][..entry.len]
    }

    fn piece(&self, entry: &Entry) -> Piece {
        Piece { tag: entry.tag, kind: entry.kind, count: entry.count, value: self.value_of(entry).to_vec() }
    }
}

/// A signature header of these entries, one region around all of them, padded.
fn render(pieces: &[Piece], reserved: Option<usize>) -> Vec<u8> {
    let mut pieces: Vec<Piece> = pieces.to_vec();
    if let Some(room) = reserved {
        let (tag, kind) = (tag::SIG_RESERVED_SPACE, KIND_BINARY);
        pieces.push(Piece { tag, kind, count: room as u32, value: vec![0; room] });
    }
    pieces.sort_by_key(|piece| piece.tag);
    let (mut index, mut store) = (Vec::new(), Vec::new());
    for piece in &pieces {
        store.resize(store.len().next_multiple_of(alignment(piece.kind)), 0);
        index.extend(entry_bytes(piece.tag, piece.kind, store.len() as u32, piece.count));
        store.extend(&piece.value);
    }
    let count = pieces.len() as u32 + 1;
    let region = entry_bytes(tag::HEADER_SIGNATURES, KIND_BINARY, store.len() as u32, REGION_BYTES);
    // The trailer repeats the region's entry with the negative length of the index.
    let back = (count * REGION_BYTES).wrapping_neg();
    store.extend(entry_bytes(tag::HEADER_SIGNATURES, KIND_BINARY, back, REGION_BYTES));
    let mut bytes = MAGIC.to_vec();
    bytes.extend(count.to_be_bytes());
    bytes.extend((store.len() as u32).to_be_bytes());
    bytes.extend(region);
    bytes.extend(index);
    bytes.extend(store);
    bytes.resize(bytes.len() + padding_after(bytes.len()), 0);
    bytes
}

fn entry_bytes(tag: u32, kind: u32, offset: u32, count: u32) -> [u8; ENTRY_BYTES] {
    let mut bytes = [0; ENTRY_BYTES];
    for (at, value) in [tag, kind, offset, count].into_iter().enumerate() {
        bytes[4 * at..4 * at + 4].copy_from_slice(&value.to_be_bytes());
    }
    bytes
}

fn entry(bytes: &[u8], entries: usize, index: usize, after: usize) -> Result<Entry, RpmFileError> {
    let at = INTRO_BYTES + index * ENTRY_BYTES;
    let (kind, offset, count) = (number(bytes, at + 4), number(bytes, at + 8), number(bytes, at + 12));
    if offset < after {
        return Err(RpmFileError::Damaged("header holds entries that overlap"));
    }
    let store = &bytes[INTRO_BYTES + entries * ENTRY_BYTES..];
    let data = store.get(offset..).ok_or(RpmFileError::Damaged("header points outside of itself"))?;
    let len = value_len(kind as u32, count, data)
        .filter(|len| *len <= data.len())
        .ok_or(RpmFileError::Damaged("header holds an entry that is cut off"))?;
    Ok(Entry { tag: number(bytes, at) as u32, kind: kind as u32, count: count as u32, offset, len })
}

/// RPM: hdrblobVerifyInfo. Values follow each other, so that reading all of them takes one pass.
fn entries_of(bytes: &[u8], count: usize) -> Result<Vec<Entry>, RpmFileError> {
    let regions = [tag::HEADER_IMAGE, tag::HEADER_SIGNATURES, tag::HEADER_IMMUTABLE];
    let mut entries = Vec::with_capacity(count);
    let mut end = 0;
    for index in 0..count {
        let entry = entry(bytes, count, index, end)?;
        // The region's entry comes first and points to the end.
        if index > 0 || !regions.contains(&entry.tag) {
            end = entry.offset + entry.len;
        }
        entries.push(entry);
    }
    Ok(entries)
}

/// How many bytes `count` values of a kind take. RPM: rpmtag.h, rpmTagType.
fn value_len(kind: u32, count: usize, data: &[u8]) -> Option<usize> {
    match kind {
        0 => Some(0),
        1 | 2 | 7 => Some(count),
        3 => count.checked_mul(2),
        4 => count.checked_mul(4),
        5 => count.checked_mul(8),
        6 => strings_len(1, data),
        8 | 9 => strings_len(count, data),
        _ => None,
    }
}

fn strings_len(count: usize, data: &[u8]) -> Option<usize> {
    if count == 0 {
        return Some(0);
    }
    let last = data.iter().enumerate().filter(|(_, byte)| **byte == 0).nth(count - 1)?;
    Some(last.0 + 1)
}

fn alignment(kind: u32) -> usize {
    match kind {
        3 => 2,
        4 => 4,
        5 => 8,
        _ => 1,
    }
}

/// The big-endian number at `at`, which the caller knows to be inside.
fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pieces: &[(u32, u32, u32, &[u8])]) -> Vec<u8> {
        let piece = |&(tag, kind, count, value): &(u32, u32, u32, &[u8])| Piece {
            tag,
            kind,
            count,
            value: value.to_vec(),
        };
        render(&pieces.iter().map(piece).collect::<Vec<_>>(), None)
    }

    fn read(bytes: &[u8]) -> Result<RawHeader, RpmFileError> {
        RawHeader::read(&mut &*bytes, "header", 4_096)
    }

    #[test]
    fn values_are_found_by_their_tags() {
        let bytes = header(&[(5092, 8, 2, b"one\0two\0"), (5093, 4, 1, &8_u32.to_be_bytes())]);
        let header = read(&bytes).unwrap();
        assert_eq!((header.text(5092), header.number(5093)), (Some("one"), Some(8)));
        assert_eq!((header.text(1), header.number(5092)), (None, Some(0x6f6e_6500)));
    }

    #[test]
    fn entries_that_overlap_leave_the_store_or_never_end_are_refused() {
        let good = header(&[(1000, 6, 1, b"name\0"), (1001, 6, 1, b"1.0\0")]);
        assert!(read(&good).is_ok());
        // Of the third entry, after the region's: offset, kind and count.
        let second = INTRO_BYTES + 2 * ENTRY_BYTES;
        for (at, value) in [(8, 0_u32), (8, 1 << 20), (8, u32::MAX), (4, 99), (12, u32::MAX)] {
            let mut bytes = good.clone();
            bytes[second + at..second + at + 4].copy_from_slice(&value.to_be_bytes());
            bytes[second + 4 + 3] = if at == 12 { 4 } else { bytes[second + 7] };
            assert!(read(&bytes).is_err(), "{at} {value}");
        }
        assert!(read(&header(&[(1000, 6, 1, &[b'x'; 5_000])])).is_err(), "larger than allowed");
    }
}
