//! Our words: names, ids, states, messages and the two HTTP protocols between programs.
//! Pure: no IO, no async, no clock, no database.

pub mod address;
pub mod agent;
pub mod build_queue;
pub mod chroot;
pub mod ids;
pub mod messages;
pub mod names;
pub mod package;
pub mod permission;
pub mod publish_queue;
pub mod result_file;
pub mod signing;
pub mod snapshot;
pub mod source_method;
pub mod state;
pub mod work;

pub use ids::{ActionId, Attempt, BuildId, PackageId, ProjectId, UnixTime, UserId};
pub use names::{ChrootName, DirName, InvalidName, OwnerName, PackageName, ProjectName, ProjectRef};
