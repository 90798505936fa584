//! `[[witness]]` and `[witnessing]`: who cosigns the log.

use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use sluice_engine::{MOST_WITNESSES, Witness, Witnessing};
use sluice_ledger::CosignerKey;

use crate::failure::Failure;

const HELP: &str = "see `Witnesses` in docs/guides/ledger.md";

/// How often they are asked while the log grows, where the configuration does not say.
const EVERY: SignedDuration = SignedDuration::from_secs(10);

/// One witness.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessFile {
    /// Its public key, `name+id+base64`.
    key: String,
    /// Where it takes heads.
    url: String,
    /// Private networks that it may lie in.
    #[serde(default)]
    networks: Vec<String>,
    /// Whether it is spoken to without encryption.
    #[serde(default)]
    allow_http: bool,
}

/// `[witnessing]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessingFile {
    /// How many of them have to cosign; all of them where it is not said.
    quorum: Option<usize>,
    /// How often they are asked, such as `10s`.
    every: Option<String>,
    /// Whether only what they have cosigned is published as the head.
    strict: Option<bool>,
}

/// The witnesses, checked as far as that is possible without asking them; none where none is named.
pub(crate) fn witnessing(
    witnesses: &[WitnessFile],
    how: &WitnessingFile,
) -> Result<Option<Witnessing>, Failure> {
    if witnesses.is_empty() {
        if *how == WitnessingFile::default() {
            return Ok(None);
        }
        let message = "`[witnessing]` says how witnesses are asked, and there is no `[[witness]]`";
        return Err(Failure::usage(message, HELP));
    }
    if witnesses.len() > MOST_WITNESSES {
        let message = format!("there are {} witnesses", witnesses.len());
        return Err(Failure::usage(message, format!("name at most {MOST_WITNESSES}")));
    }
    let all = witnesses.iter().map(witness).collect::<Result<Vec<_>, _>>()?;
    let every = every(how.every.as_deref())?;
    let strict = how.strict.unwrap_or(false);
    let witnessing = Witnessing::new(all, how.quorum, every, strict);
    witnessing
        .map(Some)
        .map_err(|bad| Failure::usage(format!("the witnesses make no quorum: {bad}"), HELP))
}

fn witness(file: &WitnessFile) -> Result<Witness, Failure> {
    let key = CosignerKey::parse(file.key.trim()).map_err(|error| {
        Failure::usage(
            format!("`{}` is no key of a witness: {error}", shown(&file.key)),
            "give it as its operator publishes it, `name+id+base64`, an Ed25519 cosignature key (type 0x04)",
        )
    })?;
    let wrong = |why: &str| Failure::usage(format!("the witness `{}`: {why}", key.name()), HELP);
    let parsed = url::Url::parse(&file.url).map_err(|_| wrong("its `url` is no address"))?;
    if !(parsed.scheme() == "https" || file.allow_http && parsed.scheme() == "http") {
        return Err(wrong("its `url` does not begin with `https://`"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(wrong("its `url` must not hold a name or password"));
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(wrong("its `url` is what `add-checkpoint` is put after, without `?` and `#`"));
    }
    let (networks, plain) = (&file.networks, file.allow_http);
    Witness::new(key.clone(), &file.url, networks, plain).map_err(|bad| wrong(&bad.to_string()))
}

fn every(given: Option<&str>) -> Result<Duration, Failure> {
    let Some(text) = given else { return Ok(EVERY.unsigned_abs()) };
    let bounds = SignedDuration::from_secs(1)..=SignedDuration::from_hours(1);
    match text.parse::<SignedDuration>().ok().filter(|every| bounds.contains(every)) {
        Some(every) => Ok(every.unsigned_abs()),
        None => Err(Failure::usage(
            format!("`every` is `{text}` under `[witnessing]`"),
            "give a time from `1s` to `1h`, such as `10s`",
        )),
    }
}

/// The beginning of what was given: a file that was put there by mistake is not printed as a whole.
fn shown(text: &str) -> String {
    let start: String = text.chars().take(80).collect();
    crate::output::clean(&start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(witnesses: &[&str], how: &str) -> Result<Option<Witnessing>, Failure> {
        let files: Vec<WitnessFile> =
            witnesses.iter().map(|text| toml::from_str(text).unwrap()).collect();
        witnessing(&files, &toml::from_str(how).unwrap())
    }

    fn key(name: &str, seed: u8) -> String {
        let key = sluice_ledger::CosigningKey::from_seed(name, &[seed; 32]).unwrap();
        format!("key = '{}'", key.public())
    }

    #[test]
    fn witnesses_are_checked_when_the_server_starts() {
        assert_eq!(told(&[], "").unwrap(), None);
        let one = format!("{}\nurl = 'https://w.example/'", key("w.example", 1));
        let two = format!("{}\nurl = 'https://v.example/log'", key("v.example", 2));
        assert!(told(&[&one], "").unwrap().is_some());
        for how in ["quorum = 1", "quorum = 2\nevery = '1m'\nstrict = true", "every = '1h'"] {
            assert!(told(&[&one, &two], how).unwrap().is_some(), "{how}");
        }
        let local =
            "url = 'http://127.0.0.1:7380/'\nallow_http = true\nnetworks = ['127.0.0.1/32']";
        assert!(told(&[&format!("{}\n{local}", key("w.example", 1))], "").unwrap().is_some());
        for (witnesses, how) in [
            (vec![], "quorum = 1"),
            (vec![one.as_str()], "quorum = 0"),
            (vec![&one], "quorum = 2"),
            (vec![&one], "every = '10'"),
            (vec![&one], "every = '0s'"),
            (vec![&one], "every = '2h'"),
            (vec![&one, &one], ""),
        ] {
            assert!(told(&witnesses, how).is_err(), "{witnesses:?} {how}");
        }
    }

    #[test]
    fn what_is_no_witness_is_refused_with_what_to_do() {
        let log = sluice_ledger::SigningKey::from_seed("w.example", &[1; 32]).unwrap();
        let https = "url = 'https://w.example/'";
        let ours = key("w.example", 1);
        for (text, part) in [
            (format!("key = '{}'\n{https}", log.verifying_key()), "the key of a log"),
            (format!("key = 'nonsense'\n{https}"), "is no key of a witness"),
            (format!("{ours}\nurl = 'http://w.example/'"), "https://"),
            (format!("{ours}\nurl = 'w.example'"), "no address"),
            (format!("{ours}\nurl = 'https://a:b@w.example/'"), "name or password"),
            (format!("{ours}\nurl = 'https://w.example/?a=b'"), "add-checkpoint"),
            (format!("{ours}\n{https}\nnetworks = ['8.8.8.0/24']"), "8.8.8.0"),
        ] {
            let failure = told(&[&text], "").unwrap_err();
            assert!(failure.message.contains(part), "{text}: {}", failure.message);
        }
        assert!(toml::from_str::<WitnessFile>(&format!("{ours}\n{https}\nname = 'x'")).is_err());
        assert!(toml::from_str::<WitnessingFile>("needed = 1").is_err());
    }
}
