//! Windows from calendar files: each event becomes a window.

use crate::desk::{Desk, shortened};
use crate::sections::window::Frame;
use crate::yaml::Position;

/// Reads the windows of a calendar file, all with the same frame.
pub(crate) fn read(
    desk: &mut Desk<'_>,
    _frame: Frame,
    _at: Position,
    path: &str,
    path_at: Position,
) {
    if desk.folder.get(path).is_none() {
        let message = format!("there is no file `{}`", shortened(path));
        let help = "write its path from the top of the folder";
        desk.error(path_at, "file_not_found", message, help);
        return;
    }
    desk.findings.used_calendars.insert(path.to_owned());
}
