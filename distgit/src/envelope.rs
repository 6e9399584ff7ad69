//! How an RPM begins: lead, signature header, main header. Their sizes are checked as librpm does, before a
//! parser allocates or slices by them.

use std::io::{self, Read};

const LEAD_BYTES: usize = 96;
const LEAD_MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];
const HEADER_MAGIC: [u8; 4] = [0x8e, 0xad, 0xe8, 0x01];
const ENTRY_BYTES: usize = 16;
const MOST_ENTRIES: usize = 65_535;
const MOST_DATA_BYTES: usize = 64 << 20;
/// Tags below are regions: their data is the trailer at the end of what they cover.
const FIRST_PLAIN_TAG: u32 = 64;

#[derive(Debug, thiserror::Error)]
pub enum BadEnvelope {
    #[error("it is not an RPM")]
    NotAnRpm,
    #[error("it ends within its headers")]
    Truncated,
    #[error("its {header} header is malformed: {what}")]
    Malformed { header: &'static str, what: &'static str },
    #[error("reading the file")]
    Io(#[source] io::Error),
}

/// Checks both headers of the RPM that `input` begins with.
pub fn check(input: &mut impl Read) -> Result<(), BadEnvelope> {
    let mut lead = Vec::new();
    input.take(LEAD_BYTES as u64).read_to_end(&mut lead).map_err(BadEnvelope::Io)?;
    if !lead.starts_with(&LEAD_MAGIC) {
        return Err(BadEnvelope::NotAnRpm);
    }
    let signature_bytes = check_header(input, "signature")?;
    read(input, (8 - signature_bytes % 8) % 8)?;
    check_header(input, "main").map(drop)
}

/// Returns the size of the data section.
fn check_header(input: &mut impl Read, header: &'static str) -> Result<usize, BadEnvelope> {
    let malformed = |what| BadEnvelope::Malformed { header, what };
    let intro = read(input, 16)?;
    if !intro.starts_with(&HEADER_MAGIC) {
        return Err(malformed("no header magic"));
    }
    let (entries, data_bytes) = (number(&intro[8..]) as usize, number(&intro[12..]) as usize);
    if entries == 0 || entries > MOST_ENTRIES || data_bytes > MOST_DATA_BYTES {
        return Err(malformed("unbelievable size"));
    }
    let index = read(input, entries * ENTRY_BYTES)?;
    let data = read(input, data_bytes)?;
    let mut end = 0;
    for entry in index.chunks_exact(ENTRY_BYTES) {
        end = check_entry(entry, &data, end).map_err(malformed)?;
    }
    Ok(data_bytes)
}

/// Data of entries lies in order and does not overlap. Returns where this entry's data ends.
fn check_entry(entry: &[u8], data: &[u8], previous_end: usize) -> Result<usize, &'static str> {
    let [tag, kind, offset, count] = [0, 4, 8, 12].map(|at| number(&entry[at..]));
    let (offset, count) = (offset as usize, count as usize);
    let own = data.get(offset..).ok_or("data outside of the header")?;
    let length = data_length(kind, count, own).ok_or("data outside of the header or of unknown type")?;
    if tag < FIRST_PLAIN_TAG {
        return Ok(previous_end);
    }
    if offset < previous_end { Err("overlapping data") } else { Ok(offset + length) }
}

/// `None` when the data does not fit or the type is unknown.
fn data_length(kind: u32, count: usize, data: &[u8]) -> Option<usize> {
    let width = match kind {
        0 => 0,
        1 | 2 | 7 => 1,
        3 => 2,
        4 => 4,
        5 => 8,
        6 => return strings_length(1, data),
        8 | 9 => return strings_length(count, data),
        _ => return None,
    };
    count.checked_mul(width).filter(|length| *length <= data.len())
}

fn strings_length(count: usize, data: &[u8]) -> Option<usize> {
    let mut length = 0;
    for _ in 0..count {
        length += data.get(length..)?.iter().position(|byte| *byte == 0)? + 1;
    }
    Some(length)
}

fn read(input: &mut impl Read, length: usize) -> Result<Vec<u8>, BadEnvelope> {
    let mut bytes = Vec::new();
    input.take(length as u64).read_to_end(&mut bytes).map_err(BadEnvelope::Io)?;
    if bytes.len() == length { Ok(bytes) } else { Err(BadEnvelope::Truncated) }
}

/// Big endian; callers pass at least four bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(entries: &[[u32; 4]], data: &[u8]) -> Vec<u8> {
        let mut bytes = HEADER_MAGIC.to_vec();
        bytes.extend([0; 4]);
        bytes.extend(u32::try_from(entries.len()).unwrap().to_be_bytes());
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(entries.iter().flatten().flat_map(|n| n.to_be_bytes()));
        bytes.extend(data);
        bytes
    }

    fn verdict(entries: &[[u32; 4]], data: &[u8]) -> Result<(), BadEnvelope> {
        let mut rpm = LEAD_MAGIC.to_vec();
        rpm.resize(LEAD_BYTES, 0);
        rpm.extend(header(&[[1000, 4, 0, 2]], &[0; 8]));
        rpm.extend(header(entries, data));
        check(&mut rpm.as_slice())
    }

    #[test]
    fn an_orderly_header_passes() {
        verdict(&[[1000, 6, 0, 1], [1016, 8, 4, 2], [1009, 4, 8, 1]], b"abc\0x\0y\0\0\0\0\x01").unwrap();
    }

    #[test]
    fn headers_that_would_lead_a_parser_astray_are_refused() {
        let huge = u32::MAX;
        for (entry, why) in [
            ([1000, 6, huge, 1], "offset beyond the data"),
            ([1000, 4, 0, huge], "count beyond the data"),
            ([1000, 5, 0, huge / 2], "product that overflows"),
            ([1000, 6, 0, 1], "string without an end"),
            ([1000, 8, 0, huge], "more strings than bytes"),
            ([1000, 99, 0, 1], "unknown type"),
        ] {
            assert!(verdict(&[entry], b"abcd").is_err(), "{why}");
        }
        assert!(verdict(&[[1000, 2, 0, 4], [1001, 2, 0, 4]], b"abcd").is_err(), "overlap");
        assert!(verdict(&[], b"").is_err(), "no entries");
    }

    #[test]
    fn other_files_and_beginnings_of_rpms_are_told_apart() {
        assert!(matches!(check(&mut &b"hello"[..]), Err(BadEnvelope::NotAnRpm)));
        assert!(matches!(check(&mut &LEAD_MAGIC[..]), Err(BadEnvelope::Truncated)));
    }
}
