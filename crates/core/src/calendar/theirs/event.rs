//! Events of windows that were read, on the stream `calendar/<name>`.

use serde::{Deserialize, Serialize};

use crate::calendar::Window;
use crate::ids::LinkName;

/// A window of another system was read, new or as another thing than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRead {
    /// The window.
    pub window: Box<Window>,
    /// The link that reads it.
    pub link: LinkName,
}

/// A window of another system is there no more, or is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowVanished {
    /// Its name.
    pub name: String,
    /// The link that read it.
    pub link: LinkName,
}
