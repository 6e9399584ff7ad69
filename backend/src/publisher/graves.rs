//! Files of deleted builds. They left the metadata; clients with older metadata may still ask for them.

use std::{io, path::Path};

use coppice_model::UnixTime;
use coppice_runtime::secret::hash_token;
use serde::{Deserialize, Serialize};

use crate::{shelf::Shelf, tree::RepoId};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grave {
    pub repo: RepoId,
    /// Name of the result directory.
    pub build: String,
    pub until: UnixTime,
}

#[derive(Debug, Clone)]
pub struct Graves(Shelf<Grave>);

impl Graves {
    pub fn open(state: &Path) -> io::Result<Self> {
        Shelf::open(state.join("graves")).map(Self)
    }

    /// A repeat keeps the first time.
    pub fn dig(&self, grave: &Grave) -> io::Result<()> {
        let name = name(grave);
        if self.0.contains(&name) { Ok(()) } else { self.0.put_durable(&name, grave) }
    }

    pub fn due(&self, now: UnixTime) -> io::Result<Vec<Grave>> {
        Ok(self.0.load()?.into_iter().filter(|grave| grave.until <= now).collect())
    }

    pub fn close(&self, grave: &Grave) -> io::Result<()> {
        self.0.remove(&name(grave))
    }
}

fn name(grave: &Grave) -> String {
    hash_token(&format!("{}/{}", grave.repo, grave.build))
}
