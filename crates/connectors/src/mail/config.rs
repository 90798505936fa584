//! Settings of a mail link.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use lettre::Address;
use serde_json::Value;

use crate::connector::Problem;
use crate::kit::settings::Settings;
use crate::tell::{Audience, Outlet, Pace};

/// The most selectors of recipients.
const MOST_TO: usize = 50;

/// Checked settings.
pub(super) struct Config {
    /// Address of the mail server: `smtps://`, `smtp://` (STARTTLS) or `smtp-plain://`, with its port.
    pub(super) url: String,
    /// The account, where the server wants one.
    pub(super) user: Option<String>,
    /// Whether the credential is an access token (XOAUTH2).
    pub(super) is_token: bool,
    /// Who sends.
    pub(super) from: Address,
    /// Who gets it.
    pub(super) to: Vec<Audience>,
    pub(super) quiet: Option<Quiet>,
    /// How long messages are gathered into one.
    pub(super) digest: Option<SignedDuration>,
    pub(super) outlet: Outlet,
    pub(super) pace: Pace,
}

/// Hours in which only what cannot wait is sent.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quiet {
    from: Time,
    to: Time,
    zone: TimeZone,
}

impl Quiet {
    /// When the quiet hours end in which a moment lies; nothing outside of them.
    pub(super) fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let local = now.to_zoned(self.zone.clone());
        let time = local.time();
        let is_quiet = match self.from <= self.to {
            true => self.from <= time && time < self.to,
            false => self.from <= time || time < self.to,
        };
        if !is_quiet {
            return None;
        }
        let day = if time < self.to { local.date() } else { local.date().tomorrow().ok()? };
        day.to_datetime(self.to).to_zoned(self.zone.clone()).ok().map(|end| end.timestamp())
    }
}

impl Config {
    pub(super) fn read(value: &Value) -> Result<Self, Vec<Problem>> {
        let mut settings = Settings::of(value, "");
        let plain = settings.flag("plain", false);
        let url = url(&mut settings, plain);
        let user = settings.text("user", "the account at the mail server");
        let ways = [("password", false), ("token", true)];
        let is_token = settings.choice("login", &ways).unwrap_or_default();
        if is_token && user.is_none() {
            settings.problem("user", "`user` is missing", "the account that the token is for");
        }
        let help = "an address such as `sluice@acme.example`";
        let from = settings.text("from", help).and_then(|text| text.parse::<Address>().ok());
        if from.is_none() {
            settings.problem("from", "`from` is not a mail address", help);
        }
        let to = to(&mut settings);
        let quiet = quiet(&mut settings);
        let digest = settings.number("digest_minutes", 0, (0, 24 * 60));
        let digest = (digest > 0).then(|| SignedDuration::from_mins(i64::from(digest)));
        let outlet = Outlet { urls: vec![url.clone()], networks: settings.networks() };
        let per_minute = settings.number("per_minute", 60, (1, 600));
        let problems = settings.finish();
        let pace = Pace { per_minute, settle_s: 30 };
        match from {
            Some(from) if problems.is_empty() => {
                Ok(Self { url, user, is_token, from, to, quiet, digest, outlet, pace })
            }
            _ => Err(problems),
        }
    }
}

fn url(settings: &mut Settings<'_>, plain: bool) -> String {
    let help = "an address such as `smtps://mail.acme.example:465`, or `smtp://mail.acme.example:587` for STARTTLS";
    let text = settings.text("url", help).unwrap_or_default();
    let read = url::Url::parse(&text).ok().and_then(|url| {
        let (scheme, usual) = match url.scheme() {
            "smtps" => ("smtps", 465),
            "smtp" if plain => ("smtp-plain", 25),
            "smtp" => ("smtp", 587),
            _ => return None,
        };
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && matches!(url.path(), "" | "/");
        let host = url.host_str().filter(|host| bare && !host.is_empty())?;
        Some(format!("{scheme}://{host}:{}", url.port().unwrap_or(usual)))
    });
    if read.is_none() {
        settings.problem("url", "`url` is not the address of a mail server", help);
    }
    read.unwrap_or_default()
}

fn to(settings: &mut Settings<'_>) -> Vec<Audience> {
    let help =
        "a list of `owners`, `approvers`, `team:NAME`, `role:NAME`, `person:HANDLE` and addresses";
    let words: Vec<&str> = match settings.value("to") {
        Some(Value::Array(words))
            if words.iter().all(Value::is_string) && words.len() <= MOST_TO =>
        {
            words.iter().filter_map(Value::as_str).collect()
        }
        _ => Vec::new(),
    };
    let read: Vec<Audience> = words.iter().filter_map(|word| audience(word)).collect();
    if read.is_empty() || read.len() != words.len() {
        settings.problem("to", "`to` does not say who gets it", help);
    }
    read
}

fn audience(word: &str) -> Option<Audience> {
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    match word.split_once(':') {
        Some(("team", name)) => named(name).map(Audience::Team),
        Some(("role", name)) => named(name).map(Audience::Role),
        Some(("person", name)) => named(name).map(Audience::Person),
        Some(_) => None,
        None if word == "owners" => Some(Audience::Owners),
        None if word == "approvers" => Some(Audience::Approvers),
        None => word.parse::<Address>().ok().map(|address| Audience::Address(address.to_string())),
    }
}

fn quiet(settings: &mut Settings<'_>) -> Option<Quiet> {
    let value = settings.value("quiet")?;
    let mut inner = Settings::of(value, "/quiet");
    let mut time = |member: &'static str| {
        let help = "a time such as `20:00`";
        let time = inner.text(member, help).and_then(|text| text.parse::<Time>().ok());
        if time.is_none() {
            inner.problem(member, format!("`{member}` is not a time of day"), help);
        }
        time
    };
    let (from, to) = (time("from"), time("to"));
    let help = "a zone such as `Europe/Berlin`";
    let zone = inner.text("zone", help).and_then(|name| TimeZone::get(&name).ok());
    if zone.is_none() {
        inner.problem("zone", "`zone` is not the name of a time zone", help);
    }
    if from.is_some() && from == to {
        inner.problem("to", "quiet hours that never end", "another time than `from`");
    }
    settings.absorb(inner.finish());
    Some(Quiet { from: from?, to: to?, zone: zone? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: &str, to: &str) -> Quiet {
        let zone = TimeZone::get("Europe/Berlin").expect("a zone");
        Quiet { from: from.parse().expect("a time"), to: to.parse().expect("a time"), zone }
    }

    #[test]
    fn quiet_hours_go_over_midnight_and_over_the_change_of_clocks() {
        for (from, to, now, ends) in [
            ("20:00", "07:00", "2026-03-04T18:59:59Z", None),
            ("20:00", "07:00", "2026-03-04T19:00:00Z", Some("2026-03-05T06:00:00Z")),
            ("20:00", "07:00", "2026-03-05T05:59:59Z", Some("2026-03-05T06:00:00Z")),
            ("20:00", "07:00", "2026-03-05T06:00:00Z", None),
            // The clocks go forward in the night: seven o'clock comes an hour sooner.
            ("20:00", "07:00", "2026-03-28T20:00:00Z", Some("2026-03-29T05:00:00Z")),
            ("12:00", "13:00", "2026-03-04T11:30:00Z", Some("2026-03-04T12:00:00Z")),
            ("12:00", "13:00", "2026-03-04T12:00:00Z", None),
        ] {
            let now: Timestamp = now.parse().expect("a time");
            let ends: Option<Timestamp> = ends.map(|ends| ends.parse().expect("a time"));
            assert_eq!(quiet(from, to).ends(now), ends, "{from} {to} {now}");
        }
    }

    #[test]
    fn each_wrong_setting_is_named_at_its_place() {
        let good = serde_json::json!({
            "url": "smtps://mail.acme.example", "from": "sluice@acme.example", "to": ["owners"]
        });
        let read = Config::read(&good).unwrap_or_else(|problems| panic!("{problems:?}"));
        assert_eq!(read.url, "smtps://mail.acme.example:465");
        for (member, wrong, at) in [
            ("url", serde_json::json!("https://mail.acme.example"), "/url"),
            ("url", serde_json::json!("smtps://sluice:secret@mail.acme.example"), "/url"),
            ("url", serde_json::json!("smtp-plain://mail.acme.example:25"), "/url"),
            ("from", serde_json::json!("Sluice"), "/from"),
            ("to", serde_json::json!([]), "/to"),
            ("to", serde_json::json!(["everybody"]), "/to"),
            ("to", serde_json::json!(["group:x"]), "/to"),
            ("to", serde_json::json!(["team:"]), "/to"),
            ("login", serde_json::json!("token"), "/user"),
            (
                "quiet",
                serde_json::json!({"from": "20:00", "to": "25:00", "zone": "UTC"}),
                "/quiet/to",
            ),
            (
                "quiet",
                serde_json::json!({"from": "20:00", "to": "07:00", "zone": "Mars"}),
                "/quiet/zone",
            ),
            (
                "quiet",
                serde_json::json!({"from": "20:00", "to": "20:00", "zone": "UTC"}),
                "/quiet/to",
            ),
            ("digest_minutes", serde_json::json!(100_000), "/digest_minutes"),
        ] {
            let mut settings = good.clone();
            settings[member] = wrong.clone();
            let problems = Config::read(&settings).err().unwrap_or_default();
            let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
            assert!(paths.contains(&at), "{member} {wrong}: {paths:?}");
        }
    }
}
