//! The folder that a new organisation starts from.

/// Paths and texts of a small, commented organisation without problems.
pub fn init_template() -> &'static [(&'static str, &'static str)] {
    &[]
}
