//! Fills in builtins that the engine lacks.

use super::Builtin;

pub(super) const TABLE: &[(&str, u8, Builtin)] = &[];
