//! Whether the second of two words is that of another person.

use jiff::Timestamp;

use super::apart;
use crate::ids::PersonId;
use crate::refusal::Refusal;
use crate::standing::Standing;

/// Refuses a second word of whoever gave the first, and one that cannot be told from it. `words` say what they cannot do,
/// and with which permission somebody else can.
pub(super) fn another(
    standing: &Standing,
    first: &PersonId,
    second: &PersonId,
    now: Timestamp,
    (message, permission): (&str, &str),
) -> Result<(), Refusal> {
    if first == second {
        let help = format!("ask a second person with `{permission}`");
        return Err(Refusal::forbidden("same_person", message, help));
    }
    apart(standing, first, second, now)
}
