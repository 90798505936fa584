//! Escaping: text stays text, and what is invisible becomes visible.
//!
//! Control characters and those that turn the direction of writing can make a commit message read as
//! something it is not. They are shown by their code point, in square brackets.

use std::fmt::{self, Write};

use askama::filters::Escaper;

/// Escapes for HTML text and quoted attributes, and shows what is invisible.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Visible;

impl Escaper for Visible {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut plain = 0;
        for (at, found) in text.char_indices() {
            let Some(written) = replacement(found) else { continue };
            dest.write_str(text.get(plain..at).unwrap_or_default())?;
            match written {
                Some(entity) => dest.write_str(entity)?,
                None => write!(dest, "[U+{:04X}]", u32::from(found))?,
            }
            plain = at + found.len_utf8();
        }
        dest.write_str(text.get(plain..).unwrap_or_default())
    }
}

/// The text as it stands in a page.
pub(crate) fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    // Writing to a string does not fail.
    let _ = Visible.write_escaped_str(&mut written, text);
    written
}

/// What stands for a character: itself, an entity, or (inner `None`) its code point.
fn replacement(found: char) -> Option<Option<&'static str>> {
    match found {
        '&' => Some(Some("&amp;")),
        '<' => Some(Some("&lt;")),
        '>' => Some(Some("&gt;")),
        '"' => Some(Some("&quot;")),
        '\'' => Some(Some("&#39;")),
        '\n' | '\t' => None,
        found if is_hidden(found) => Some(None),
        _ => None,
    }
}

/// Controls, marks of direction, and characters without a shape (Unicode categories Cc, Cf in part, Zl, Zp).
fn is_hidden(found: char) -> bool {
    found.is_control()
        || matches!(u32::from(found),
            0xAD | 0x61C | 0x180E | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF
            | 0xFFF9..=0xFFFB | 0xE0000..=0xE007F)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_hidden_characters_are_shown() {
        for (text, written) in [
            ("plain ünïcode 漢字", "plain ünïcode 漢字"),
            ("<b x='1'>&\"", "&lt;b x=&#39;1&#39;&gt;&amp;&quot;"),
            ("a\u{202e}cod.exe", "a[U+202E]cod.exe"),
            ("bell\u{7}\u{1b}[31m", "bell[U+0007][U+001B][31m"),
            ("two\nlines\tand", "two\nlines\tand"),
            ("\u{200b}\u{feff}", "[U+200B][U+FEFF]"),
        ] {
            assert_eq!(escaped(text), written);
        }
    }
}
