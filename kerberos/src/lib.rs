//! Who sent a Kerberos ticket: MIT's GSSAPI as an acceptor of SPNEGO, and nothing else of it.
//!
//! The crates that wrap all of GSSAPI need libclang to be built and cannot be told which keytab to use but by the
//! environment of the whole process (docs/decisions). What a web server needs are eight functions of the library.

mod ffi;

use std::{
    ffi::{CString, NulError},
    os::unix::ffi::OsStrExt,
    path::Path,
};

#[derive(Debug, thiserror::Error)]
pub enum KerberosError {
    #[error("a path or name holds a zero byte")]
    Zero(#[from] NulError),
    /// The library's own words.
    #[error("{doing}: {told}")]
    Library { doing: &'static str, told: String },
    #[error("the ticket needs more than one step")]
    Unfinished,
    #[error("the ticket is of another mechanism than Kerberos")]
    Mechanism,
}

/// Takes tickets for one service.
#[derive(Debug, Clone)]
pub struct Acceptor {
    keytab: CString,
    service: CString,
}

/// Who came, and what the client gets back to know that we are the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// `alice@EXAMPLE.COM`
    pub principal: String,
    pub reply: Vec<u8>,
}

impl Acceptor {
    /// `service` is `HTTP@host`; the keytab is read at each login, so it may be renewed.
    pub fn new(keytab: &Path, service: &str) -> Result<Self, KerberosError> {
        Ok(Self { keytab: CString::new(keytab.as_os_str().as_bytes())?, service: CString::new(service)? })
    }

    /// Whether the keytab has a key for the service.
    pub fn check(&self) -> Result<(), KerberosError> {
        ffi::Credential::acquire(&self.keytab, &self.service).map(|_| ())
    }

    /// `token` is what stands behind `Negotiate`, decoded. It reads files, so it blocks.
    pub fn accept(&self, token: &[u8]) -> Result<Accepted, KerberosError> {
        let credential = ffi::Credential::acquire(&self.keytab, &self.service)?;
        credential.accept(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_rubbish_is_an_error_that_says_so() {
        let missing = Acceptor::new(Path::new("/nowhere/http.keytab"), "HTTP@localhost").unwrap();
        let told = missing.check().unwrap_err().to_string();
        assert!(told.contains("/nowhere/http.keytab"), "{told}");
        assert!(missing.accept(b"rubbish").is_err());
        assert!(Acceptor::new(Path::new("/a\0b"), "HTTP@localhost").is_err());
    }
}
