//! Keywords as names in references: `input.default` is read as `input["default"]`, which the parser knows.

/// Words that the parser does not take as names after a point.
const KEYWORDS: &[&str] = &["default", "else", "every", "false", "not", "null", "some", "true"];

/// The text with keywords after a point written as indices. Everything else stays as it is.
pub(crate) fn quoted(text: &str) -> String {
    if !KEYWORDS.iter().any(|word| text.contains(&format!(".{word}"))) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let taken = match char {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' => end_of_text(rest),
            '`' => {
                rest.get(1..).and_then(|inner| inner.find('`')).map_or(rest.len(), |end| end + 2)
            }
            '.' => match keyword(rest) {
                Some(word) => {
                    out.push_str("[\"");
                    out.push_str(word);
                    out.push_str("\"]");
                    rest = rest.get(word.len() + 1..).unwrap_or("");
                    continue;
                }
                None => 1,
            },
            other => other.len_utf8(),
        };
        out.push_str(rest.get(..taken).unwrap_or(rest));
        rest = rest.get(taken..).unwrap_or("");
    }
    out
}

fn keyword(rest: &str) -> Option<&str> {
    let name = rest.get(1..)?;
    let end = name
        .find(|char: char| !(char.is_ascii_alphanumeric() || char == '_'))
        .unwrap_or(name.len());
    // The parser does not know a call of an index.
    if name.get(end..)?.starts_with('(') {
        return None;
    }
    let name = name.get(..end)?;
    KEYWORDS.contains(&name).then_some(name)
}

fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, char) in rest.char_indices().skip(1) {
        match char {
            '\\' if !escaped => escaped = true,
            '"' | '\n' if !escaped => return at + 1,
            _ => escaped = false,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn keywords_after_a_point_become_indices() {
        assert_eq!(
            quoted("x := input.default.a # .else\ny := \".some \\\" .not\""),
            "x := input[\"default\"].a # .else\ny := \".some \\\" .not\""
        );
        assert_eq!(quoted("x := input.inner"), "x := input.inner");
    }
}
