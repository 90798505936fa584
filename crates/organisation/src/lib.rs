//! Reading an organisation's folder: files become items of the core, and every problem is named
//! with file, line, column and help.
//!
//! Nothing here touches a disk, a clock or a network. What the policy and the connectors know (Rego
//! texts, settings of links) is checked by whoever knows them; [`Reading::sources`] and
//! [`Reading::place_of_setting`] tell where each thing stands.
#![warn(missing_docs)]

mod backstage;
mod calendar_file;
mod checks;
mod cron;
mod desk;
mod duration;
mod findings;
mod folder;
pub mod ics;
mod keys;
mod problem;
mod read;
mod render;
mod sections;
mod template;
mod values;
mod words;
mod yaml;
mod zone;

pub use findings::{IdentityRecord, PersonRecord};
pub use folder::{FILE_LIMIT_BYTES, FILES_LIMIT, FOLDER_LIMIT_BYTES, Folder};
pub use keys::{Keys, OfflineKeys, key_letters, normalise_identity};
pub use problem::{Place, Problem, Severity};
pub use read::{Reading, read};
pub use render::render;
pub use template::init_template;
pub use words::nearest_few;
