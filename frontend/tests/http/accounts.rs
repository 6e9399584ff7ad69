//! Accounts as people meet them: browsers with cookies and forms, against the real server.

pub mod browser;
mod passwords;
mod signup;
