//! Windows that people keep in other systems, read by a link and judged here like any other.
//!
//! They are altered and ended over there only. What cannot be read alters nothing: a window that was read before holds on
//! as it was. One ends here when a reading that saw everything did not see it, or when nobody reads it any more. They
//! close or announce; none of them lets anything go that something else holds.
//!
//! ```text
//! window.read ──► window.read ──► window.vanished
//! ```

mod decide;
pub mod event;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use self::decide::{Said, Unread, orphaned, taken};
use crate::calendar::Window;
use crate::ids::LinkName;

/// A window that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TheirWindow {
    /// The window.
    pub window: Arc<Window>,
    /// The link that reads it.
    pub link: LinkName,
    /// Since when it is as it is.
    pub at: Timestamp,
}

/// The name of a window here: of the link, and of their id for it.
pub fn name_of(link: &LinkName, id: &str) -> String {
    format!("{link}-{id}")
}
