//! The pages that people look at: HTML out of the same engine that the API speaks to.
//!
//! Compiled templates (`templates/`), one style sheet and one script (`assets/`), all texts in one
//! catalogue (`texts/en.txt`). Nothing here decides: a form becomes the same call of the engine that
//! the API makes. Every page works without the script, which adds live updates, keys and the check
//! of receipts. What may be shown is what the caller's permissions and scope allow.

mod assets;
pub(crate) mod escape;
pub(crate) mod faults;
mod fill;
mod form;
mod marks;
mod moment;
mod page;
mod pages;
mod roles;
mod routes;
mod shell;
pub(crate) mod texts;
mod visit;

pub(crate) use self::page::Looker;
pub(crate) use self::pages::numbers::Kept;
pub(crate) use self::routes::routes;
pub(crate) use self::texts as w;

/// Markup that is made by this module, its values escaped already.
pub(crate) type Markup = askama::filters::Safe<String>;
