//! Foreign texts: people, titles, trailers.

use sluice_core::signal::Who;

/// Characters kept of a title.
const TITLE_CHARACTERS: usize = 200;

/// Co-authors kept of one commit.
const CO_AUTHORS: usize = 20;

/// The first `count` characters.
pub(crate) fn cut(text: &str, count: usize) -> String {
    text.chars().take(count).collect()
}

/// A number as it stands in addresses over there: digits, and no more than an id has.
pub(crate) fn is_number(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The first line of a message, at most 200 characters.
pub(crate) fn title(message: &str) -> String {
    cut(message.trim_start().lines().next().unwrap_or_default().trim_end(), TITLE_CHARACTERS)
}

/// A text that says something.
pub(crate) fn filled(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Somebody, by what the sender says of them. Account names are compared without case, so they
/// are kept in lower case; what is no mail address is not kept as one.
pub(crate) fn who(
    realm: &str,
    login: Option<&str>,
    name: Option<&str>,
    email: Option<&str>,
) -> Who {
    Who {
        email: filled(email).filter(|email| email.contains('@')),
        name: filled(name),
        account: filled(login).map(|login| format!("{realm}:{}", login.to_lowercase())),
    }
}

/// Somebody, if the sender says anything of them.
pub(crate) fn some_who(who: Who) -> Option<Who> {
    (who != Who::default()).then_some(who)
}

/// The people named in `Co-authored-by:` trailers of a commit message.
pub(crate) fn co_authors(message: &str) -> impl Iterator<Item = (&str, &str)> {
    message
        .lines()
        .filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            if !key.trim().eq_ignore_ascii_case("co-authored-by") {
                return None;
            }
            let (name, rest) = value.split_once('<')?;
            let (email, _) = rest.split_once('>')?;
            Some((name.trim(), email.trim()))
        })
        .take(CO_AUTHORS)
}
