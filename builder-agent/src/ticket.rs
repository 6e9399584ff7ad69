//! The one-time ticket: taken so that neither the environment nor `/proc` shows it to anybody.

use std::{
    env, fs,
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    process::{Command, Stdio},
};

use crate::Options;

const VARIABLE: &str = "COPPICE_TICKET";

#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    #[error("no ticket: give --ticket-file or set {VARIABLE}")]
    Missing,
    #[error("reading the ticket")]
    Read(#[source] io::Error),
    #[error("starting anew without the ticket in the environment")]
    Anew(#[source] io::Error),
}

/// A ticket that no log shows.
pub struct Ticket(pub String);

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket(…)")
    }
}

pub fn take(options: &Options) -> Result<Ticket, TicketError> {
    if let Some(ticket) = env::var_os(VARIABLE) {
        return Err(start_anew(&ticket.to_string_lossy()));
    }
    let mut raw = String::new();
    if options.ticket_stdin {
        io::stdin().read_to_string(&mut raw).map_err(TicketError::Read)?;
    } else {
        let file = options.ticket_file.as_ref().ok_or(TicketError::Missing)?;
        raw = fs::read_to_string(file).map_err(TicketError::Read)?;
    }
    let ticket = raw.trim();
    if ticket.is_empty() { Err(TicketError::Missing) } else { Ok(Ticket(ticket.to_owned())) }
}

/// Removing a variable would leave it readable in `/proc/<pid>/environ`, so the program replaces itself
/// by one that never had it. Returns only if that failed.
fn start_anew(ticket: &str) -> TicketError {
    let attempt = || -> io::Result<io::Error> {
        let (reader, mut writer) = io::pipe()?;
        writer.write_all(ticket.as_bytes())?;
        drop(writer);
        let mut anew = Command::new(env::current_exe()?);
        anew.args(env::args_os().skip(1)).arg("--ticket-stdin").env_remove(VARIABLE);
        Ok(anew.stdin(Stdio::from(reader)).exec())
    };
    TicketError::Anew(attempt().unwrap_or_else(|error| error))
}
