//! Which builds a transaction changed, noted where rows are written, so that no rule has to remember to tell it.

use std::{cell::RefCell, sync::Arc};

use coppice_model::BuildId;

/// So many are told one by one.
const MOST: usize = 10_000;

/// What was committed.
pub type Changed = Arc<[BuildId]>;

thread_local! {
    /// A transaction runs on one thread from its beginning to its end.
    static TOUCHED: RefCell<Vec<BuildId>> = const { RefCell::new(Vec::new()) };
}

/// Notes that the transaction of this thread changes a build.
pub(crate) fn touch(id: BuildId) {
    TOUCHED.with_borrow_mut(|touched| {
        if touched.len() < MOST && !touched.contains(&id) {
            touched.push(id);
        }
    });
}

/// Runs a transaction and returns what it touched with what it did.
pub(crate) fn of<T>(transaction: impl FnOnce() -> T) -> (T, Changed) {
    TOUCHED.with_borrow_mut(Vec::clear);
    let done = transaction();
    (done, TOUCHED.take().into())
}
