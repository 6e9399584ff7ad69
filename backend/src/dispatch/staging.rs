//! Where the files of one attempt wait until they are checked.

use std::path::PathBuf;

use coppice_model::agent::Finish;

/// What a builder sent for one finished attempt. `dir` holds exactly the files of `finish.files`.
#[derive(Debug, Clone)]
pub struct Staged {
    pub dir: PathBuf,
    pub finish: Finish,
}
