//! Paths have one form. Everything that two readers may take for two different paths is refused
//! before a route is looked for: nobody passes a guard by writing a path in an odd way.

use http::Uri;

use crate::problem::Problem;
use crate::status;

/// The longest URL, in bytes.
pub(crate) const URL_BYTES: usize = 4 * 1024;

/// Refuses a URL that is too long or whose path is not in its normal form (RFC 3986, 6.2.2).
pub(crate) fn check(uri: &Uri) -> Result<(), Problem> {
    let length = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    if length > URL_BYTES {
        return Err(Problem::of(&status::URL_TOO_LONG, format!("it has {length} bytes")));
    }
    match oddity(uri.path()) {
        Some(what) => Err(Problem::of(&status::PATH_NOT_NORMAL, what)),
        None => Ok(()),
    }
}

fn oddity(path: &str) -> Option<&'static str> {
    let rest = match path.strip_prefix('/') {
        Some("") => return None,
        Some(rest) => rest,
        None => return Some("it does not begin with `/`"),
    };
    for segment in rest.split('/') {
        if segment.is_empty() {
            return Some("it has an empty segment");
        }
        if segment == "." || segment == ".." {
            return Some("it has a `.` segment");
        }
    }
    let bytes = rest.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'%' => match decoded(bytes.get(at + 1..at + 3)) {
                None => return Some("it has a `%` that encodes nothing"),
                Some(letter) if needs_no_encoding(letter) => {
                    return Some("it encodes what needs no encoding, or what a path never holds");
                }
                Some(_) => at += 3,
            },
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'/'
            | b':'
            | b'@'
            | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b'=' => {
                at += 1;
            }
            _ => return Some("it has a character that must be encoded"),
        }
    }
    None
}

fn decoded(digits: Option<&[u8]>) -> Option<u8> {
    let digits = std::str::from_utf8(digits?).ok()?;
    let proper = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    proper.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// Unreserved characters, the separators of paths, and what no path of ours holds.
fn needs_no_encoding(letter: u8) -> bool {
    letter.is_ascii_alphanumeric()
        || letter.is_ascii_control()
        || matches!(letter, b'-' | b'.' | b'_' | b'~' | b'/' | b'\\' | b';' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_path_has_one_form() {
        for path in
            ["/", "/api/v1/changes", "/log/tile/0/x001/234.p/5", "/a/Black%20Friday", "/a/%C3%A9"]
        {
            assert_eq!(oddity(path), None, "{path}");
        }
        for path in [
            "",
            "*",
            "//",
            "/a//b",
            "/a/",
            "/a/./b",
            "/a/../b",
            "/a;x=1",
            "/a%2e",
            "/a%2E%2e/b",
            "/a%2fb",
            "/a%5cb",
            "/a\\b",
            "/a%00",
            "/a%3bx",
            "/a%zz",
            "/a%2",
            "/%61pi",
            "/a%25",
            "/a\"b",
            "/a%+1",
        ] {
            assert!(oddity(path).is_some(), "{path}");
        }
    }
}
