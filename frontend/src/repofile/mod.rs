//! Files and documents by which DNF finds the repositories of a project.

mod handlers;
mod load;
mod project;
mod rpmrepo;
mod sections;

pub use handlers::{routes, rpmrepo};
pub use project::{Options, Site};
pub use sections::Section;
