//! Guesses at what somebody meant to write.

/// The nearest of `known` to `given`, when it is near enough to be a slip of the pen, or when one is
/// the beginning of the other.
pub(crate) fn nearest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = match given.chars().count() {
        0..=2 => 1,
        letters @ 3..=64 => (letters / 3).max(1),
        _ => return None,
    };
    let lower = given.to_lowercase();
    let shortened = |word: &str| {
        let (short, long) =
            if word.len() < lower.len() { (word, lower.as_str()) } else { (lower.as_str(), word) };
        short.len() >= 3 && long.starts_with(short)
    };
    let distances = known.into_iter().map(|word| match distance(given, word) {
        far if far > allowed && shortened(word) => (allowed, word),
        distance => (distance, word),
    });
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, word)| word)
}

/// The few of `known` that are nearest to `given`, the nearest first; however far they are.
pub fn nearest_few<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
    few: usize,
) -> Vec<&'a str> {
    let mut all: Vec<(usize, &str)> =
        known.into_iter().map(|word| (distance(given, word), word)).collect();
    all.sort_unstable();
    all.into_iter().take(few).map(|(_, word)| word).collect()
}

/// `did you mean `x`?`, or `otherwise`.
pub(crate) fn suggest<'a>(
    given: &str,
    known: impl IntoIterator<Item = &'a str>,
    otherwise: impl FnOnce() -> String,
) -> String {
    match nearest(given, known) {
        Some(word) => format!("did you mean `{word}`?"),
        None => otherwise(),
    }
}

/// `a`, `b` and `c` in back-ticks with commas.
pub(crate) fn quoted<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// Letters to add, leave out, exchange or swap with their neighbour (optimal string alignment).
fn distance(given: &str, word: &str) -> usize {
    let given: Vec<char> = given.to_lowercase().chars().collect();
    let word: Vec<char> = word.to_lowercase().chars().take(128).collect();
    let width = word.len() + 1;
    let mut older: Vec<usize> = vec![0; width];
    let mut old: Vec<usize> = (0..width).collect();
    for (row, letter) in given.iter().enumerate() {
        let mut new = vec![row + 1];
        for (column, other) in word.iter().enumerate() {
            let kept = old[column] + usize::from(letter != other);
            let mut best = kept.min(old[column + 1] + 1).min(new[column] + 1);
            let swapped = row > 0
                && column > 0
                && given.get(row - 1) == Some(other)
                && word.get(column - 1) == Some(letter);
            if swapped {
                best = best.min(older[column - 1] + 1);
            }
            new.push(best);
        }
        older = std::mem::replace(&mut old, new);
    }
    old.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["owner", "depends_on", "environments", "tier"];
        for (given, meant) in [
            ("ownr", Some("owner")),
            ("onwer", Some("owner")),
            ("dependson", Some("depends_on")),
            ("Environment", Some("environments")),
            ("depends", Some("depends_on")),
            ("environments_and_more", Some("environments")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known), meant, "{given}");
        }
    }
}
