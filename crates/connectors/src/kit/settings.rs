//! Reading a link's configuration: every problem is named at once, and no value is quoted, since
//! a secret may stand where its name should.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::connector::Problem;
use crate::kit::limits::SECRETS_AT_ONCE;

/// Reads one object of a configuration.
pub(crate) struct Settings<'a> {
    members: Option<&'a Map<String, Value>>,
    path: String,
    known: BTreeSet<&'static str>,
    problems: Vec<Problem>,
}

impl<'a> Settings<'a> {
    pub(crate) fn of(value: &'a Value, path: impl Into<String>) -> Self {
        let members = value.as_object();
        let mut settings =
            Self { members, path: path.into(), known: BTreeSet::new(), problems: Vec::new() };
        if members.is_none() {
            settings.problem("", "a mapping is expected here", "write `name: value` lines");
        }
        settings
    }

    /// Notes a problem at a member (`""` for the object itself).
    pub(crate) fn problem(
        &mut self,
        member: &str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        let path = match member {
            "" => self.path.clone(),
            member => format!("{}/{}", self.path, member.replace('~', "~0").replace('/', "~1")),
        };
        self.problems.push(Problem { path, message: message.into(), help: help.into() });
    }

    /// The value of a member; `null` counts as absent.
    pub(crate) fn value(&mut self, member: &'static str) -> Option<&'a Value> {
        self.known.insert(member);
        self.members?.get(member).filter(|value| !value.is_null())
    }

    /// The text of a member.
    pub(crate) fn text(&mut self, member: &'static str, help: &str) -> Option<String> {
        match self.value(member)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => {
                self.problem(member, format!("`{member}` must be a text"), help);
                None
            }
        }
    }

    /// The text of a member that has to be there.
    pub(crate) fn needed(&mut self, member: &'static str, help: &str) -> String {
        if self.value(member).is_none() {
            self.problem(member, format!("`{member}` is missing"), help);
        }
        self.text(member, help).unwrap_or_default()
    }

    /// Yes or no, or the default.
    pub(crate) fn flag(&mut self, member: &'static str, default: bool) -> bool {
        match self.value(member) {
            None => default,
            Some(Value::Bool(given)) => *given,
            Some(_) => {
                let message = format!("`{member}` is yes or no");
                self.problem(member, message, "write `true` or `false`");
                default
            }
        }
    }

    /// Names with texts.
    pub(crate) fn texts(&mut self, member: &'static str, help: &str) -> BTreeMap<String, String> {
        match self.value(member) {
            None => BTreeMap::new(),
            Some(Value::Object(members)) if members.values().all(Value::is_string) => members
                .iter()
                .filter_map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())))
                .collect(),
            Some(_) => {
                let message = format!("`{member}` must be a mapping of names to texts");
                self.problem(member, message, help);
                BTreeMap::new()
            }
        }
    }

    /// A short word that stands in ids over there, or the default.
    pub(crate) fn short_word(&mut self, member: &'static str, default: &str) -> String {
        let help = "letters, digits, `-`, `_` and `.`, at most 60";
        let word = self.text(member, help).unwrap_or_else(|| default.to_owned());
        let sound = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if word.len() > 60 || !word.bytes().all(sound) {
            self.problem(member, format!("`{member}` is not a short word"), help);
        }
        word
    }

    /// One word of a closed list, or the first of it.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        member: &'static str,
        words: &[(&str, T)],
    ) -> Option<T> {
        let names: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
        let help = format!("one of {}", names.join(", "));
        match self.text(member, &help) {
            None => words.first().map(|(_, value)| *value),
            Some(given) => {
                let found = words.iter().find(|(word, _)| *word == given).map(|(_, value)| *value);
                if found.is_none() {
                    self.problem(member, format!("`{member}` is none of the known words"), help);
                }
                found
            }
        }
    }

    /// A member that somebody else reads.
    pub(crate) fn leave(&mut self, member: &'static str) {
        self.known.insert(member);
    }

    /// A base address, `https` unless plain HTTP is allowed by `plain_http: true`, without a slash at its end.
    pub(crate) fn base_url(&mut self, member: &'static str, default: Option<&str>) -> String {
        let help =
            "an address such as `https://acme.example.org`, without name, password and query";
        let plain = self.value("plain_http").is_some_and(|value| value == &Value::Bool(true));
        let Some(text) = self.text(member, help).or_else(|| default.map(str::to_owned)) else {
            if self.value(member).is_none() {
                self.problem(member, format!("`{member}` is missing"), help);
            }
            return String::new();
        };
        let sound = url::Url::parse(&text).is_ok_and(|url| {
            (url.scheme() == "https" || (plain && url.scheme() == "http"))
                && url.host_str().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if !sound {
            self.problem(member, format!("`{member}` is not a base address"), help);
        }
        text.trim_end_matches('/').to_owned()
    }

    /// Private networks that are opened for the link.
    pub(crate) fn networks(&mut self) -> Vec<String> {
        let help = "a list such as `[10.20.0.0/16]`: private networks in which the host lies";
        match self.value("networks") {
            None => Vec::new(),
            Some(Value::Array(ranges)) if ranges.iter().all(Value::is_string) => {
                ranges.iter().filter_map(Value::as_str).map(str::to_owned).collect()
            }
            Some(_) => {
                self.problem("networks", "`networks` must be a list of texts", help);
                Vec::new()
            }
        }
    }

    /// A whole number between bounds, or the default.
    pub(crate) fn number(
        &mut self,
        member: &'static str,
        default: u32,
        (least, most): (u32, u32),
    ) -> u32 {
        let Some(value) = self.value(member) else { return default };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => number,
            None => {
                let message = format!("`{member}` is not a number that fits");
                self.problem(member, message, format!("a whole number from {least} to {most}"));
                default
            }
        }
    }

    /// A host with an optional port, in lower case.
    pub(crate) fn host(&mut self, member: &'static str) -> Option<String> {
        let help =
            "a host such as `git.example.org` or `git.example.org:8443`, without scheme and path";
        let host = self.text(member, help)?.to_lowercase();
        let well_formed = host.len() <= 255
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        if !well_formed {
            self.problem(member, format!("`{member}` is not a host"), help);
            return None;
        }
        Some(host)
    }

    /// The realm of account names, such as `github` in `github:octocat`.
    pub(crate) fn realm(&mut self, default: &str) -> String {
        let help =
            "a short word such as `github`; the same word stands before `:` in people's accounts";
        let Some(realm) = self.text("accounts", help) else { return default.to_owned() };
        let word =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
        if realm.len() > 64 || !realm.bytes().all(word) {
            self.problem("accounts", "`accounts` is not a short word", help);
        }
        realm
    }

    /// The names of the link's secrets, newest first. There is no link without one.
    pub(crate) fn secrets(&mut self) -> Vec<String> {
        let help = "the name of a secret (not the secret itself), or a list of two names, the new one first, while it is being changed";
        let Some(value) = self.value("secret") else {
            self.problem(
                "secret",
                "`secret` is missing: a link without a secret would believe anybody",
                help,
            );
            return Vec::new();
        };
        let names: Vec<&Value> = match value {
            Value::Array(names) => names.iter().collect(),
            name => vec![name],
        };
        if names.is_empty() || names.len() > SECRETS_AT_ONCE {
            self.problem("secret", "`secret` must be one name or two", help);
            return Vec::new();
        }
        let named: Vec<String> = names
            .iter()
            .filter_map(|name| name.as_str())
            .filter(|name| is_secret_name(name))
            .map(str::to_owned)
            .collect();
        if named.len() != names.len() {
            self.problem("secret", "`secret` is not the name of a secret", help);
        }
        named
    }

    /// Takes over the problems of a part that was read on its own.
    pub(crate) fn absorb(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// All problems, members that nobody asked for included.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        let unknown: Vec<&'a String> = self
            .members
            .into_iter()
            .flat_map(Map::keys)
            .filter(|member| !self.known.contains(member.as_str()))
            .collect();
        let known: Vec<String> = self.known.iter().map(|member| format!("`{member}`")).collect();
        for member in unknown {
            let message = format!("`{}` is unknown here", member.escape_debug());
            self.problem(member, message, format!("known are {}", known.join(", ")));
        }
        self.problems
    }
}

fn is_secret_name(name: &str) -> bool {
    let looks_like_a_secret =
        ["whsec_", "ghs_", "glpat-", "sha256="].iter().any(|prefix| name.starts_with(prefix));
    (1..=128).contains(&name.len())
        && !looks_like_a_secret
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
}
