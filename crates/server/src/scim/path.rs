//! Paths of patches (RFC 7644, 3.5.2): `userName`, `name.familyName`, `emails[type eq "work"].value`.

use super::filter::{Attribute, Filter};
use crate::problem::Problem;
use crate::status;

/// The longest path, in bytes.
const LONGEST: usize = 1_024;

/// What a patch alters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    /// The attribute.
    pub(super) name: String,
    /// Those of its values that are meant; absent: all.
    pub(super) only: Option<Filter>,
    /// The part of it that is meant; absent: the whole.
    pub(super) sub: Option<String>,
}

impl Path {
    /// Reads a whole path.
    pub(super) fn read(text: &str) -> Result<Self, Problem> {
        let invalid = || Problem::of(&status::SCIM_PATH, "");
        let text = text.trim_matches(' ');
        if text.len() > LONGEST {
            return Err(invalid());
        }
        let Some((before, rest)) = text.split_once('[') else {
            let Attribute { name, sub } = Attribute::read(text).ok_or_else(invalid)?;
            return Ok(Self { name, only: None, sub });
        };
        let (inner, after) = rest.rsplit_once(']').ok_or_else(invalid)?;
        let attribute = Attribute::read(before).filter(|one| one.sub.is_none());
        let name = attribute.ok_or_else(invalid)?.name;
        let sub = match after.strip_prefix('.') {
            Some(sub) => {
                let sub = Attribute::read(sub).filter(|one| one.sub.is_none());
                Some(sub.ok_or_else(invalid)?.name)
            }
            None if after.is_empty() => None,
            None => return Err(invalid()),
        };
        Ok(Self { name, only: Some(Filter::read(inner)?), sub })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_read() {
        let plain = Path::read("name.familyName").expect("a path");
        assert_eq!((plain.name.as_str(), plain.sub.as_deref()), ("name", Some("familyname")));
        let member = Path::read("members[value eq \"u-1\"]").expect("a path");
        assert!(member.only.is_some() && member.sub.is_none());
        let work =
            Path::read("urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq \"a]b\"].value");
        assert_eq!(work.expect("a path").sub.as_deref(), Some("value"));
        for text in
            ["", "[", "a[", "a]", "a[b]", "a[b pr]x", "a[b pr].", "a.b[c pr]", "a[b pr].c.d", "a b"]
        {
            assert!(Path::read(text).is_err(), "`{text}`");
        }
    }

    proptest! {
        #[test]
        fn no_text_harms(text in "\\PC{0,200}") {
            let _ = Path::read(&text);
            let _ = Path::read(&format!("emails[{text}].value"));
        }
    }
}
