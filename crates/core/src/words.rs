//! The words of what people wrote, by which it is found again.

use std::collections::BTreeSet;

use crate::event::Event;

/// The most letters of a word that count.
const LETTERS: usize = 40;
/// The most words of one event.
const MOST: usize = 400;

/// The words of a text: letters and digits that stand together, two at the least, in small letters. Long ones count by
/// their first 40 letters.
pub fn words(text: &str) -> BTreeSet<String> {
    let parts = text.split(|letter: char| !letter.is_alphanumeric());
    let small = parts
        .map(|part| part.chars().flat_map(char::to_lowercase).take(LETTERS).collect::<String>());
    small.filter(|word| word.chars().nth(1).is_some()).take(MOST).collect()
}

/// What people wrote in an event. What programs tell, such as the titles of changes, is found by its record.
pub fn written(event: &Event) -> Vec<&str> {
    match event {
        Event::ChangeCommented(it) => vec![&it.text],
        Event::ChangeApproved(it) => vec![&it.approval.reason],
        Event::ChangeRejected(it) => vec![&it.approval.reason],
        Event::ChangeDebtSettled(it) => vec![&it.finding],
        Event::ChangeClosed(it) => vec![&it.note],
        Event::ChangeCanceled(it) => vec![&it.because],
        Event::DeploymentEnded(it) => vec![&it.report.note],
        Event::DeploymentCorrected(it) => {
            it.deployment.report.iter().map(|report| report.note.as_str()).collect()
        }
        Event::StopPulled(it) => vec![&it.stop.reason],
        Event::StopLifted(it) => vec![&it.reason],
        Event::ExceptionGranted(it) => vec![&it.exception.reason],
        Event::ExceptionRevoked(it) => vec![&it.reason],
        Event::IncidentOpened(it) => vec![&it.title, &it.note],
        Event::IncidentMoved(it) => vec![&it.note],
        Event::IncidentResolved(it) => vec![&it.note],
        Event::ProblemOpened(it) => vec![&it.title, &it.note],
        Event::ProblemMoved(it) => vec![&it.note],
        Event::ProblemResolved(it) => vec![&it.note],
        Event::WindowSet(it) => vec![&it.window.title, &it.reason],
        Event::WindowEnded(it) => vec![&it.reason],
        Event::WindowProposed(it) => vec![&it.reason],
        Event::WindowRefused(it) => vec![&it.because],
        Event::RoleProposed(it) => vec![&it.reason],
        Event::RoleRevoked(it) => vec![&it.because],
        Event::AccountResetAsked(it) => vec![&it.reason],
        Event::AccountDisabled(it) => vec![&it.because],
        Event::AccountResetRefused(it) => vec![&it.because],
        Event::GlassAsked(it) => it.question.emergency.iter().map(String::as_str).collect(),
        Event::GlassRefused(it) => vec![&it.because],
        Event::PlanRefused(it) => vec![&it.because],
        Event::LinkPaused(it) => vec![&it.because],
        // The one fall-through: in what else there is, nobody says why.
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_and_digits_in_small_letters() {
        let long = "x".repeat(60);
        for (text, found) in [
            ("", vec![]),
            ("a b", vec![]),
            ("Rolled back: the POOL, the pool!", vec!["back", "pool", "rolled", "the"]),
            ("v2.10 on eu-west-1", vec!["10", "eu", "on", "v2", "west"]),
            ("Größe ΣΙΓΜΑ 東京", vec!["größe", "σιγμα", "東京"]),
            (long.as_str(), vec![&long[..40]]),
        ] {
            assert_eq!(words(text).iter().map(String::as_str).collect::<Vec<_>>(), found, "{text}");
        }
    }
}
