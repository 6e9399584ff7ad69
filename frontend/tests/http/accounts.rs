//! Accounts as people meet them: browsers with cookies and forms, against the real server.

mod blocking;
mod data;
mod forges;
mod kdc;
mod kerberos;
mod oidc;
mod passwords;
mod people;
mod provider;
mod publishers;
mod signup;
mod tokens;
mod zones;
