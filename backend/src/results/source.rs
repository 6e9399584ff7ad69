//! Results of the source phase: the SRPM that a builder made, for DistGit and for users.

use std::path::Path;

use coppice_model::{result_file::ResultFileName, work::SourceWork};
use serde::Serialize;

use super::{IngestError, Results, Staged, ingest::json, place::Placement, worker_log::WorkerLog};
use crate::{
    blocking::blocking,
    rpmfile::RpmFile,
    tree::{SUCCESS, is_placed},
};

/// `results.json` (contract, section 17).
#[derive(Debug, Serialize)]
struct SourceResults {
    name: String,
    epoch: Option<u32>,
    version: String,
    release: String,
}

impl Results {
    /// Keeps the SRPM and returns its public address. DistGit checks what is in it.
    pub async fn keep_source(&self, work: &SourceWork, staged: &Staged) -> Result<String, IngestError> {
        let file = only_srpm(staged)?;
        let target = self.tree.source_dir(&work.context);
        if !is_placed(&target) {
            let path = staged.dir.join(&file);
            let read = blocking(move || describe(&path)).await;
            let refused = |why: String| IngestError::Refused(format!("{file} is refused: {why}"));
            let described = read.map_err(|_| refused("it cannot be read".into()))?.map_err(refused)?;
            self.note_source(work, &format!("keeping {file} for DistGit"))?;
            let texts = vec![json("results.json", &described)?, (SUCCESS, b"done\n".to_vec())];
            self.place(Placement { target, staged: staged.clone(), keep: |_| true, texts }).await?;
        }
        let (project, dir) = (&work.context.project, &work.context.dir);
        let build = work.context.build.padded();
        Ok(format!("{}/{}/{dir}/srpm-builds/{build}/{file}", self.results_url, project.owner))
    }

    pub async fn keep_failed_source(&self, work: &SourceWork, staged: &Staged) -> Result<(), IngestError> {
        let target = self.tree.source_dir(&work.context);
        if is_placed(&target) {
            return Ok(());
        }
        self.note_source(work, "no source package was made; the logs are kept")?;
        let keep = |name: &ResultFileName| !name.is_rpm();
        self.place(Placement { target, staged: staged.clone(), keep, texts: Vec::new() }).await
    }

    fn note_source(&self, work: &SourceWork, line: &str) -> Result<(), IngestError> {
        let log = WorkerLog::open(&self.tree.source_dir(&work.context), &self.clock);
        log.and_then(|mut log| log.note(line)).map_err(IngestError::disk("writing backend.log"))
    }
}

fn only_srpm(staged: &Staged) -> Result<String, IngestError> {
    let rpms: Vec<_> =
        staged.finish.files.iter().map(|file| &file.name).filter(|name| name.is_rpm()).collect();
    match rpms.as_slice() {
        [one] if one.is_source_rpm() => Ok(one.to_string()),
        [] => Err(IngestError::Refused("the builder sent no source package".into())),
        [one] => Err(IngestError::Refused(format!("{one} is not a source package"))),
        _ => Err(IngestError::Refused("the builder sent more than one source package".into())),
    }
}

fn describe(path: &Path) -> Result<SourceResults, String> {
    let metadata = RpmFile::open(path).and_then(|rpm| rpm.metadata()).map_err(|e| e.to_string())?;
    let text = |value: Result<&str, rpm::Error>| value.map(ToOwned::to_owned).map_err(|e| e.to_string());
    Ok(SourceResults {
        name: text(metadata.get_name())?,
        epoch: metadata.get_epoch().ok(),
        version: text(metadata.get_version())?,
        release: text(metadata.get_release())?,
    })
}
