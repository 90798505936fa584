//! Who we are over there: how it is said in settings, and how a session comes of it.

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::answers::{json as answer_of, not_understood};
use super::settings::Settings;
use crate::tell::{Ask, Because, Credentials, Exchange, Session, Step, Trouble, Verb};

/// A session ends so much before they say, in seconds.
const MARGIN_S: i64 = 60;
/// Where they do not say how long a token lives, in seconds.
const LIVES_S: i64 = 300;

/// Who we are. A credential is named here and never held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Account {
    /// A user and a credential, as `Authorization: Basic`.
    Basic { user: String, credential: &'static str },
    /// A credential in a header, after a word such as `Bearer `.
    Header { name: &'static str, word: &'static str, credential: [&'static str; 1] },
    /// Nobody: whoever reaches it may speak.
    Nobody,
    /// OAuth 2.0 client credentials; the credential is `client_secret`.
    Client { id: String, tokens: String, form: TokenForm },
}

/// How a token is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenForm {
    /// As RFC 6749 has it.
    Form,
    /// As JSON, for this audience.
    Json { audience: &'static str },
}

impl Account {
    /// `Authorization: Bearer` with a credential.
    pub(crate) fn bearer(credential: &'static str) -> Self {
        Self::Header { name: "authorization", word: "Bearer ", credential: [credential] }
    }

    /// A credential in a header of its own.
    pub(crate) fn header(name: &'static str, credential: &'static str) -> Self {
        Self::Header { name, word: "", credential: [credential] }
    }

    /// Names of the credentials.
    pub(crate) fn credentials(&self) -> &[&'static str] {
        match self {
            Self::Basic { credential, .. } => std::slice::from_ref(credential),
            Self::Header { credential, .. } => credential,
            Self::Client { .. } => &["client_secret"],
            Self::Nobody => &[],
        }
    }

    /// Where tokens are given out, where that is not the system itself.
    pub(crate) fn tokens(&self) -> Option<&str> {
        match self {
            Self::Client { tokens, .. } => Some(tokens),
            Self::Basic { .. } | Self::Header { .. } | Self::Nobody => None,
        }
    }

    /// The next step towards a session.
    pub(crate) fn authenticate(
        &self,
        so_far: &[Exchange],
        with: &Credentials,
        now: Timestamp,
    ) -> Step<Session> {
        let Some(name) = self.credentials().first() else {
            return Step::Done(Session::default());
        };
        let Some(secret) = with.text(name) else {
            return Step::Retry(Trouble::new(
                Because::Auth,
                "a credential of the link is not there",
            ));
        };
        let (name, value) = match self {
            Self::Basic { user, .. } => {
                let pair = BASE64.encode(format!("{user}:{secret}").as_bytes());
                ("authorization", format!("Basic {pair}"))
            }
            Self::Header { name, word, .. } => (*name, format!("{word}{secret}")),
            Self::Nobody => return Step::Done(Session::default()),
            Self::Client { id, tokens, form } => {
                return match so_far.last() {
                    None => Step::Send(token(id, secret, tokens, form)),
                    Some(exchange) => granted(exchange, now),
                };
            }
        };
        Step::Done(Session { headers: vec![(name, value)], until: None })
    }
}

fn token(id: &str, secret: &str, tokens: &str, form: &TokenForm) -> Ask {
    let ask = Ask::new("token", Verb::Post, tokens).header("accept", "application/json");
    match form {
        TokenForm::Json { audience } => ask.json(&json!({
            "grant_type": "client_credentials", "client_id": id, "client_secret": secret, "audience": audience,
        })),
        TokenForm::Form => ask.form(&[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", secret),
        ]),
    }
}

fn granted(exchange: &Exchange, now: Timestamp) -> Step<Session> {
    let answer = match answer_of(exchange) {
        Ok(answer) => answer,
        // A client that is not accepted may be mended over there, so that it is tried again.
        Err(Step::GiveUp(trouble)) => {
            return Step::Retry(Trouble { reason: Because::Auth, ..trouble });
        }
        Err(step) => return step,
    };
    let bearer = answer.get("token_type").and_then(Value::as_str);
    let token = answer.get("access_token").and_then(Value::as_str);
    let token = token.filter(|token| !token.is_empty());
    let (Some(token), true) =
        (token, bearer.is_some_and(|kind| kind.eq_ignore_ascii_case("bearer")))
    else {
        return not_understood("the answer holds no token");
    };
    let lives_s = answer.get("expires_in").and_then(Value::as_i64).unwrap_or(LIVES_S);
    let lives = SignedDuration::from_secs((lives_s - MARGIN_S).clamp(1, 86_400));
    let headers = vec![("authorization", format!("Bearer {token}"))];
    Step::Done(Session { headers, until: now.checked_add(lives).ok() })
}

/// `user`, where it is needed.
pub(crate) fn basic(settings: &mut Settings<'_>, credential: &'static str) -> Account {
    Account::Basic { user: settings.needed("user", "the name of the account"), credential }
}

/// `client_id`, where it is needed.
pub(crate) fn client(settings: &mut Settings<'_>, tokens: String, form: TokenForm) -> Account {
    Account::Client { id: settings.needed("client_id", "the client's id"), tokens, form }
}
