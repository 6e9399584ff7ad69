//! What all pages share: who looks, forms and their protection, the frame around the content.

mod form;
mod head;
mod moment;
mod page;
mod path;
mod posted;
mod viewer;

pub use form::Form;
pub use head::ProjectHead;
pub use moment::Moment;
pub use page::{Page, see_other};
pub use path::{PROJECTS, ProjectPath};
pub use posted::{Fields, Posted};
pub use viewer::{Viewer, cookie, forget_session, keep_session, read_cookie, session_secret, set_cookie};
