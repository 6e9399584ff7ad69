//! Where the files of one attempt wait until they are checked.

use std::{collections::BTreeMap, path::PathBuf};

use coppice_model::{agent::Finish, result_file::ResultFileName};

use super::intake::Received;

/// What a builder sent for one finished attempt. `dir` holds exactly the files of `finish.files`.
#[derive(Debug, Clone)]
pub struct Staged {
    pub dir: PathBuf,
    pub finish: Finish,
    /// What was learned of packages while they came; the others are read now.
    pub received: BTreeMap<ResultFileName, Received>,
}
