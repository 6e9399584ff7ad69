//! `backend.log`: what our side did with a build, for its user.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use coppice_model::UnixTime;
use coppice_runtime::Clock;
use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use crate::tree::Tree;

const NAME: &str = "backend.log";
const PACKED_NAME: &str = "backend.log.gz";
/// A build that is tried very often keeps its beginning only.
const MAX_BYTES: u64 = 1 << 20;

pub struct WorkerLog {
    dir: PathBuf,
    clock: Clock,
    text: Vec<u8>,
}

impl WorkerLog {
    /// Goes on with what an earlier run wrote.
    pub fn open(dir: &Path, clock: &Clock) -> io::Result<Self> {
        let mut text = Vec::new();
        if let Some(file) = open(&dir.join(PACKED_NAME))? {
            GzDecoder::new(file).take(MAX_BYTES).read_to_end(&mut text)?;
        } else if let Some(file) = open(&dir.join(NAME))? {
            file.take(MAX_BYTES).read_to_end(&mut text)?;
        }
        Ok(Self { dir: dir.to_owned(), clock: clock.clone(), text })
    }

    /// Users see the line at once while the build is not placed, else after [`WorkerLog::finish`].
    pub fn note(&mut self, line: &str) -> io::Result<()> {
        if self.text.len() as u64 >= MAX_BYTES {
            return Ok(());
        }
        let line = format!("[{}] {}\n", utc(self.clock.now()), line.replace('\n', " "));
        self.text.extend(line.as_bytes());
        if self.dir.join(PACKED_NAME).exists() {
            return Ok(());
        }
        fs::create_dir_all(&self.dir)?;
        let mut file = OpenOptions::new().create(true).append(true).open(self.dir.join(NAME))?;
        file.write_all(line.as_bytes())
    }

    pub fn finish(&self, tree: &Tree) -> io::Result<()> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::default());
        packer.write_all(&self.text)?;
        tree.put(&self.dir.join(PACKED_NAME), &packer.finish()?)
    }
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// `2026-01-31 23:59:59 UTC`. The date by days since 0000-03-01, when a year ends with its leap day.
pub(crate) fn utc(UnixTime(seconds): UnixTime) -> String {
    let (days, second) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{:02} UTC", second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_people_read_them() {
        assert_eq!(utc(UnixTime(0)), "1970-01-01 00:00:00 UTC");
        assert_eq!(utc(UnixTime(951_782_399)), "2000-02-28 23:59:59 UTC");
        assert_eq!(utc(UnixTime(951_782_400)), "2000-02-29 00:00:00 UTC");
        assert_eq!(utc(UnixTime(1_798_761_599)), "2026-12-31 23:59:59 UTC");
    }
}
