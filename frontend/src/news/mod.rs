//! What changes, for everybody who looks at it: read from the database once for all of them, in this process and,
//! by Redis, in all other frontends.

mod hub;
mod pump;
mod states;

pub use hub::{News, Update, Watching};
pub use pump::run;
pub use states::{StateEvent, of_build};
