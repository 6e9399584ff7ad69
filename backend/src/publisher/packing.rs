//! Compressed files made of parts that can be copied from one file into the next.
//!
//! gzip (RFC 1952): one member whose deflate stream (RFC 1951) is cut by full flushes, so that each part stands
//! on a byte boundary and refers to nothing before it. zstd: one frame for each part.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
};

use crc32fast::Hasher;
use flate2::{Compress, FlushCompress, Status, read::DeflateDecoder};

use super::{config::Compression, manifest::Part};

/// Nine costs twice the time of six for less than one per cent.
const DEFLATE_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 10;
const CHUNK_BYTES: usize = 64 << 10;
/// No name, no time; made on Unix.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// Writes one compressed file.
pub struct Packer<W: Write> {
    output: W,
    compression: Compression,
    deflate: Compress,
    crc: Hasher,
    raw: u64,
    chunk: Vec<u8>,
}

impl<W: Write> Packer<W> {
    pub fn new(mut output: W, compression: Compression) -> io::Result<Self> {
        if compression == Compression::Gzip {
            output.write_all(&GZIP_HEADER)?;
        }
        let deflate = Compress::new(flate2::Compression::new(DEFLATE_LEVEL), false);
        Ok(Self { output, compression, deflate, crc: Hasher::new(), raw: 0, chunk: vec![0; CHUNK_BYTES] })
    }

    /// Bytes of the file before its first part.
    pub fn header_bytes(compression: Compression) -> u64 {
        match compression {
            Compression::Gzip => GZIP_HEADER.len() as u64,
            Compression::Zstd => 0,
        }
    }

    /// A part that `fill` writes.
    pub fn part(&mut self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Part> {
        let part = match self.compression {
            Compression::Gzip => self.deflated(fill)?,
            Compression::Zstd => self.framed(fill)?,
        };
        self.note(part);
        Ok(part)
    }

    /// A part of another file of the same kind, byte for byte.
    pub fn copy(&mut self, file: &mut File, at: u64, part: Part) -> io::Result<()> {
        file.seek(SeekFrom::Start(at))?;
        let mut left = part.packed;
        while left > 0 {
            let wanted = usize::try_from(left).unwrap_or(CHUNK_BYTES).min(CHUNK_BYTES);
            file.read_exact(&mut self.chunk[..wanted])?;
            self.output.write_all(&self.chunk[..wanted])?;
            left -= wanted as u64;
        }
        self.note(part);
        Ok(())
    }

    /// Ends the file; its output and uncompressed size.
    pub fn finish(mut self) -> io::Result<(W, u64)> {
        if self.compression == Compression::Gzip {
            self.deflate.reset();
            drain(&mut self.deflate, &mut self.chunk, &mut self.output, FlushCompress::Finish)?;
            self.output.write_all(&self.crc.clone().finalize().to_le_bytes())?;
            // RFC 1952: modulo 2^32.
            self.output.write_all(&(self.raw as u32).to_le_bytes())?;
        }
        Ok((self.output, self.raw))
    }

    fn note(&mut self, part: Part) {
        self.crc.combine(&Hasher::new_with_initial_len(part.crc, part.raw));
        self.raw += part.raw;
    }

    fn deflated(&mut self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Part> {
        self.deflate.reset();
        let mut output = Counted::new(&mut self.output);
        let mut deflating =
            Deflating { deflate: &mut self.deflate, chunk: &mut self.chunk, output: &mut output };
        let mut input = Summed { inner: &mut deflating, crc: Hasher::new(), bytes: 0 };
        fill(&mut input)?;
        let (crc, raw) = (input.crc.finalize(), input.bytes);
        drain(&mut self.deflate, &mut self.chunk, &mut output, FlushCompress::Full)?;
        Ok(Part { raw, packed: output.bytes, crc })
    }

    fn framed(&mut self, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<Part> {
        let mut output = Counted::new(&mut self.output);
        let mut encoder = zstd::stream::write::Encoder::new(&mut output, ZSTD_LEVEL)?;
        let mut input = Summed { inner: &mut encoder, crc: Hasher::new(), bytes: 0 };
        fill(&mut input)?;
        let (crc, raw) = (input.crc.finalize(), input.bytes);
        encoder.finish()?;
        Ok(Part { raw, packed: output.bytes, crc })
    }
}

/// Reads the uncompressed content of a part.
pub fn unpack(
    file: &mut File,
    at: u64,
    part: Part,
    compression: Compression,
) -> io::Result<Box<dyn Read + '_>> {
    file.seek(SeekFrom::Start(at))?;
    let packed = BufReader::new(file.take(part.packed));
    Ok(match compression {
        // The stream goes on behind the part: nobody reads further than the raw bytes.
        Compression::Gzip => Box::new(DeflateDecoder::new(packed).take(part.raw)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(packed)?.take(part.raw)),
    })
}

struct Deflating<'a, W: Write> {
    deflate: &'a mut Compress,
    chunk: &'a mut [u8],
    output: &'a mut W,
}

impl<W: Write> Write for Deflating<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (read, written) = (self.deflate.total_in(), self.deflate.total_out());
        self.deflate.compress(bytes, self.chunk, FlushCompress::None).map_err(io::Error::other)?;
        let ready = (self.deflate.total_out() - written) as usize;
        self.output.write_all(&self.chunk[..ready])?;
        Ok((self.deflate.total_in() - read) as usize)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes out what the compressor still holds.
fn drain(
    deflate: &mut Compress,
    chunk: &mut [u8],
    output: &mut impl Write,
    flush: FlushCompress,
) -> io::Result<()> {
    loop {
        let written = deflate.total_out();
        let status = deflate.compress(&[], chunk, flush).map_err(io::Error::other)?;
        let ready = (deflate.total_out() - written) as usize;
        output.write_all(&chunk[..ready])?;
        if ready < chunk.len() || status == Status::StreamEnd {
            return Ok(());
        }
    }
}

struct Counted<'a, W> {
    inner: &'a mut W,
    bytes: u64,
}

impl<'a, W> Counted<'a, W> {
    fn new(inner: &'a mut W) -> Self {
        Self { inner, bytes: 0 }
    }
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

struct Summed<'a, W> {
    inner: &'a mut W,
    crc: Hasher,
    bytes: u64,
}

impl<W: Write> Write for Summed<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.crc.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use flate2::read::GzDecoder;

    use super::*;

    fn text(of: usize) -> Vec<u8> {
        (0..of).flat_map(|line| format!("line {line} of {of}\n").into_bytes()).collect()
    }

    /// A file of three parts, and one of its first and last copied.
    fn packed(compression: Compression) -> (Vec<u8>, Vec<u8>) {
        let texts = [text(3), text(20_000), Vec::new(), text(5)];
        let mut packer = Packer::new(Vec::new(), compression).unwrap();
        let parts: Vec<Part> =
            texts.iter().map(|text| packer.part(|output| output.write_all(text)).unwrap()).collect();
        let (first, raw) = packer.finish().unwrap();
        assert_eq!(raw, texts.concat().len() as u64);

        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&first).unwrap();
        let mut packer = Packer::new(Vec::new(), compression).unwrap();
        let mut at = Packer::<Vec<u8>>::header_bytes(compression);
        for (index, part) in parts.iter().enumerate() {
            let mut read = Vec::new();
            unpack(&mut file, at, *part, compression).unwrap().read_to_end(&mut read).unwrap();
            assert_eq!(read, texts[index]);
            if index != 1 {
                packer.copy(&mut file, at, *part).unwrap();
            }
            at += part.packed;
        }
        let (second, _) = packer.finish().unwrap();
        (first, second)
    }

    fn filtered(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeding = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap().unwrap();
        assert!(output.status.success(), "{program}");
        output.stdout
    }

    #[test]
    fn a_gzip_file_is_one_member_for_every_reader() {
        let (first, second) = packed(Compression::Gzip);
        for (file, content) in
            [(first, [text(3), text(20_000), text(5)].concat()), (second, [text(3), text(5)].concat())]
        {
            let mut read = Vec::new();
            GzDecoder::new(file.as_slice()).read_to_end(&mut read).unwrap();
            assert_eq!(read, content);
            assert_eq!(filtered("gzip", &["-dc"], &file), content);
            // Reads the first member only and checks its sum.
            let python = "import sys,zlib; d=zlib.decompressobj(31); s=sys.stdin.buffer.read(); \
                          sys.stdout.buffer.write(d.decompress(s)); assert d.eof and not d.unused_data";
            assert_eq!(filtered("python3", &["-c", python], &file), content);
        }
    }

    #[test]
    fn a_zstd_file_is_read_frame_by_frame() {
        let (first, second) = packed(Compression::Zstd);
        assert_eq!(zstd::decode_all(first.as_slice()).unwrap(), [text(3), text(20_000), text(5)].concat());
        assert_eq!(zstd::decode_all(second.as_slice()).unwrap(), [text(3), text(5)].concat());
    }
}
