//! Messages between services: complete, versioned in their names, harmless when repeated.
//! Variants are only ever added; a changed meaning is a V2. Every variant has a golden file.

mod backend;
mod distgit;
mod keygen;
mod report;

pub use backend::{
    BackendTask, BuildResults, Comps, DeleteBuilds, DeleteProject, Fork, ForkedBuild, PublishRepositories,
    RollBack, RotateKey, TakePackage,
};
pub use distgit::{Branch, DistGitTask, Import};
pub use keygen::{CreateKey, KeygenTask, RenewKey};
pub use report::{ActionDone, Downloads, FetchedPackages, Imported, Progress, Report, TakenPackage};

use serde::{Serialize, de::DeserializeOwned};

/// Something that travels by a Redis stream.
pub trait Message: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    const STREAM: &'static str;
    /// The consumer group that reads the stream.
    const GROUP: &'static str;

    /// Equal for repeats of the same news.
    fn key(&self) -> String;
}

#[cfg(test)]
mod tests;
