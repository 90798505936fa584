//! All texts of the pages, by key, out of one catalogue that is ready to be translated.
//!
//! A line is `key = text`. `{}` stands for a value, `{1}` for a second one; texts that count have a form
//! for one and a form for many, divided by ` || `.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::LazyLock;

const ENGLISH: &str = include_str!("../../texts/en.txt");

static CATALOGUE: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| entries(ENGLISH).collect());

fn entries(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, text)| (key.trim(), text.trim()))
}

/// The text of a key; the key itself where there is none.
pub(crate) fn t(key: &'static str) -> &'static str {
    CATALOGUE.get(key).copied().unwrap_or(key)
}

/// The text of a key that was put together, such as that of a state.
pub(crate) fn named(group: &str, name: &str) -> String {
    let key = format!("{group}.{name}");
    CATALOGUE.get(key.as_str()).map_or_else(|| name.replace('_', " "), |text| (*text).to_owned())
}

/// The text of a key with a value in it.
pub(crate) fn f(key: &'static str, value: impl Display) -> String {
    t(key).replace("{}", &value.to_string())
}

/// The text of a key with two values in it.
pub(crate) fn ff(key: &'static str, value: impl Display, second: impl Display) -> String {
    // The second goes first, so that a value that looks like a place is not taken for one.
    t(key).replace("{1}", &second.to_string()).replacen("{}", &value.to_string(), 1)
}

/// A number of things; templates hand them over by reference.
pub(crate) trait Count {
    /// How many.
    fn count(self) -> u64;
}

macro_rules! counts {
    ($($number:ty),*) => {$(
        impl Count for $number {
            fn count(self) -> u64 {
                self.try_into().unwrap_or(u64::MAX)
            }
        }
    )*};
}

counts!(u32, u64, usize, i32, i64);

impl<T: Count + Copy> Count for &T {
    fn count(self) -> u64 {
        (*self).count()
    }
}

/// The text of a key for a number of things.
pub(crate) fn n(key: &'static str, count: impl Count) -> String {
    let count = count.count();
    let text = t(key);
    let (one, many) = text.split_once(" || ").unwrap_or((text, text));
    if count == 1 { one } else { many }.replace("{}", &thousands(count))
}

/// A number with its digits in groups of three.
pub(crate) fn thousands(count: impl Count) -> String {
    let digits = count.count().to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_text_has_a_key_and_every_key_is_used() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = String::new();
        gather(&root.join("src/web"), &mut sources);
        gather(&root.join("templates"), &mut sources);
        // A call may be broken over lines.
        let sources =
            sources.split_whitespace().collect::<Vec<_>>().join(" ").replace("( \"", "(\"");
        let keys: Vec<&str> = entries(ENGLISH).map(|(key, _)| key).collect();
        let known: BTreeSet<&str> = keys.iter().copied().collect();
        assert_eq!(known.len(), keys.len(), "a key stands twice");
        let asked = sources.split("w::").skip(1).filter_map(|rest| {
            let (call, rest) = rest.split_once("(\"")?;
            ["t", "f", "ff", "n"]
                .contains(&call)
                .then(|| rest.split_once('"').map(|(key, _)| key))?
        });
        let asked: BTreeSet<&str> = asked.collect();
        let missing: Vec<&&str> = asked.iter().filter(|key| !known.contains(**key)).collect();
        assert!(missing.is_empty(), "no texts for {missing:?}");
        let groups: BTreeSet<&str> = sources
            .split("w::named(\"")
            .skip(1)
            .filter_map(|rest| rest.split_once('"').map(|(group, _)| group))
            .collect();
        let unused: Vec<&&str> = known
            .iter()
            .filter(|key| !asked.contains(**key))
            .filter(|key| key.split_once('.').is_none_or(|(group, _)| !groups.contains(group)))
            .collect();
        assert!(unused.is_empty(), "nobody asks for {unused:?}");
    }

    fn gather(folder: &Path, sources: &mut String) {
        for file in std::fs::read_dir(folder).expect("the folder") {
            let path = file.expect("a file").path();
            if path.is_dir() {
                gather(&path, sources);
            } else {
                sources.push_str(&std::fs::read_to_string(path).expect("a text"));
            }
        }
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(thousands(1_u64), "1");
        assert_eq!(thousands(1_234_567_u64), "1\u{202f}234\u{202f}567");
    }
}
