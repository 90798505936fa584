//! How the story is told: steps, what happens in them, and what is expected.

use crate::failure::Failure;
use crate::output;

/// A new step.
pub(super) fn step(title: &str) {
    output::line("");
    output::line(&format!("── {title}"));
}

/// Something that happened.
pub(super) fn says(text: &str) {
    output::line(&format!("   {text}"));
}

/// Something that happened as it should.
pub(super) fn good(text: &str) {
    output::line(&format!("   {} {text}", output::good("ok")));
}

/// The end.
pub(super) fn done() {
    output::line("");
    output::line("All went as told.");
}

/// Fails the story where something is not as it should be.
pub(super) fn expect(holds: bool, what: &str, seen: &impl std::fmt::Debug) -> Result<(), Failure> {
    if holds {
        good(what);
        return Ok(());
    }
    Err(Failure::new(
        format!("the story went wrong: expected that {what}; seen: {seen:?}"),
        "this is a fault of the program: please report it with the output above",
    ))
}
