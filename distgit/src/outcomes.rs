//! What became of each import, remembered on disk: a repeat is answered without a second import.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use coppice_model::{
    BuildId,
    messages::{Import, Report},
};
use coppice_runtime::files::write_atomic;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    import: Import,
    /// None while the import is under way.
    report: Option<Report>,
}

/// What is known of an import.
#[derive(Debug, PartialEq)]
pub enum Known {
    Nothing,
    Begun,
    Ended(Report),
}

#[derive(Debug, Clone)]
pub struct Outcomes {
    dir: PathBuf,
}

impl Outcomes {
    pub fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir })
    }

    /// Another import under the same build id (of a database that was made anew) is not known.
    pub fn recall(&self, import: &Import) -> io::Result<Known> {
        let text = match fs::read(self.path(import.build)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Known::Nothing),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice::<Record>(&text) {
            Ok(record) if record.import != *import => Ok(Known::Nothing),
            Ok(record) => Ok(record.report.map_or(Known::Begun, Known::Ended)),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    pub fn begin(&self, import: &Import) -> io::Result<()> {
        self.write(import, None)
    }

    pub fn end(&self, import: &Import, report: &Report) -> io::Result<()> {
        self.write(import, Some(report.clone()))
    }

    fn write(&self, import: &Import, report: Option<Report>) -> io::Result<()> {
        let path = self.path(import.build);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/")))?;
        let record = Record { import: import.clone(), report };
        write_atomic(&path, &serde_json::to_vec(&record).map_err(io::Error::other)?)
    }

    fn path(&self, build: BuildId) -> PathBuf {
        self.dir.join((build.0 / 1_000).to_string()).join(format!("{build}.json"))
    }
}

#[cfg(test)]
mod tests {
    use coppice_model::{
        UnixTime,
        work::{Failure, FailureCause},
    };

    use super::*;

    #[test]
    fn an_outcome_is_recalled_for_its_own_import_only() {
        let dir = tempfile::tempdir().unwrap();
        let outcomes = Outcomes::open(dir.path().to_owned()).unwrap();
        let golden = include_str!("../../model/golden/import_v1.json");
        let import: Import = serde_json::from_str(golden).unwrap();
        assert_eq!(outcomes.recall(&import).unwrap(), Known::Nothing);
        outcomes.begin(&import).unwrap();
        assert_eq!(outcomes.recall(&import).unwrap(), Known::Begun);
        let failure = Failure { cause: FailureCause::SourceImport, message: "no".into() };
        let report = Report::ImportFailedV1 { build: import.build, failure, at: UnixTime(1) };
        outcomes.end(&import, &report).unwrap();
        assert_eq!(outcomes.recall(&import).unwrap(), Known::Ended(report));
        let other = Import { srpm_url: "http://frontend/other.src.rpm".into(), ..import };
        assert_eq!(outcomes.recall(&other).unwrap(), Known::Nothing);
    }
}
