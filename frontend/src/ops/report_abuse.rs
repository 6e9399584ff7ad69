//! A report of a project, for the operators.

use coppice_store::{Conn, NewLegalFlag, Project, legal_flags};

use super::{Caller, Context, OpError, Problem, rights};

/// What fits a page; more belongs into a mail.
const MOST_CHARS: usize = 10_000;

/// Anybody with an account may report anything; admins decide.
pub fn report_abuse(
    tx: &mut Conn,
    cx: &Context,
    by: &Caller,
    project: &Project,
    message: &str,
) -> Result<(), OpError> {
    rights::ensure_whole(by)?;
    let problem = match message.chars().count() {
        0 => "Say what is wrong, so that an operator can look at it.".to_owned(),
        count if count > MOST_CHARS => format!("{count} characters are too many: {MOST_CHARS} at most."),
        _ => {
            let new = NewLegalFlag {
                project: project.reference(),
                reporter: by.user.id,
                message: message.to_owned(),
            };
            return Ok(legal_flags::insert(tx, &new, cx.now)?);
        }
    };
    Err(OpError::Invalid(vec![Problem::new("comment", problem)]))
}
