//! How another `coppice` finds the running instance of a data folder.

use std::{fs, io, path::Path};

use coppice_runtime::files;
use serde::{Deserialize, Serialize};

use crate::layout::Layout;

/// Written when all services answer, removed at a clean stop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ready {
    pub pid: i32,
    pub url: String,
    pub results_url: String,
}

impl Ready {
    pub fn write(&self, layout: &Layout) -> anyhow::Result<()> {
        Ok(files::write_atomic(&layout.ready_file(), &serde_json::to_vec_pretty(self)?)?)
    }

    /// The running instance; `None` when there is none (a file left by a killed one counts as none).
    pub fn read(layout: &Layout) -> Option<Self> {
        let ready: Self = serde_json::from_slice(&fs::read(layout.ready_file()).ok()?).ok()?;
        Path::new("/proc").join(ready.pid.to_string()).exists().then_some(ready)
    }

    pub fn remove(layout: &Layout) -> io::Result<()> {
        files::remove_all(&layout.ready_file())
    }
}
