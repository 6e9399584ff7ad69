//! Accounts as people meet them: browsers with cookies and forms, against the real server.

pub mod browser;
mod oidc;
mod passwords;
mod provider;
mod signup;
