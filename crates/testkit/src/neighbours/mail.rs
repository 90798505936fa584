//! A mail server: who may come in, and what it took.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sluice_engine::outbound::Mail;

use super::{Neighbour, Said, Seen};

/// A message that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// When.
    pub at: Timestamp,
    /// Who gets it.
    pub to: Vec<String>,
    /// All of it, without soft line breaks and folds.
    pub text: String,
}

impl Letter {
    /// A header of the message.
    pub fn header(&self, name: &str) -> Option<&str> {
        let head = self.text.split("\r\n\r\n").next().unwrap_or_default();
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A mail server.
#[derive(Debug, Default)]
pub struct MailServer {
    /// What it took, in order.
    pub letters: Vec<Letter>,
    /// The code that every message ends in.
    pub code: Option<u16>,
    /// How many of those who should get a message it does not know.
    pub refused: usize,
    /// For whom it does not take one now.
    pub deferred: BTreeSet<String>,
    /// For whom it never takes one.
    pub unknown: BTreeSet<String>,
}

impl Neighbour for MailServer {
    fn answer(&mut self, seen: &Seen, now: Timestamp) -> Said {
        let said = |status| Said { status, headers: Vec::new(), body: Vec::new() };
        if !seen.headers.get("password").is_some_and(|shown| shown.starts_with("secret-of-")) {
            return said(535);
        }
        if let Some(code) = self.code {
            return said(code);
        }
        let mut deferred = Vec::new();
        if seen.method != "GET" {
            let to = seen.headers.get("rcpt-to").map(String::as_str).unwrap_or_default();
            let text =
                String::from_utf8_lossy(&seen.body).replace("=\r\n", "").replace("\r\n ", " ");
            let (later, to): (Vec<_>, Vec<_>) =
                to.split(',').enumerate().partition(|(_, to)| self.deferred.contains(*to));
            if to.is_empty() {
                return said(450);
            }
            let to = to.into_iter().map(|(_, to)| to.to_owned());
            let to: Vec<String> = to.filter(|to| !self.unknown.contains(to)).collect();
            if to.is_empty() {
                return said(550);
            }
            self.letters.push(Letter { at: now, to, text });
            deferred = later.into_iter().map(|(place, _)| place.to_string()).collect();
        }
        let said_of = [("refused", self.refused.to_string()), ("deferred", deferred.join(","))];
        let headers = said_of.map(|(name, value)| (name.to_owned(), value)).into();
        Said { headers, ..said(250) }
    }
}

/// What a mail server sees of a message.
pub(super) fn seen(mail: &Mail) -> Seen {
    let mut headers = BTreeMap::from([
        ("mail-from".to_owned(), mail.from.clone()),
        ("rcpt-to".to_owned(), mail.to.join(",")),
    ]);
    if let Some(login) = &mail.login {
        headers.insert("user".to_owned(), login.user.clone());
        headers.insert("password".to_owned(), login.secret.clone());
    }
    Seen {
        method: if mail.message.is_some() { "POST" } else { "GET" }.to_owned(),
        path: "/".to_owned(),
        query: BTreeMap::new(),
        headers,
        body: mail.message.clone().unwrap_or_default(),
    }
}
