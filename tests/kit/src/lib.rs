//! What all tests borrow: private servers, a whole Coppice, its users, and a distribution to build for.

pub mod corpus;
pub mod distro;
pub mod member;
pub mod place;
pub mod postgres;
pub mod provider;
pub mod redis;
pub mod stack;
pub mod until;

pub use member::{Member, Said};
pub use provider::Provider;
pub use stack::{Database, Stack, StackOptions};
pub use until::until;
