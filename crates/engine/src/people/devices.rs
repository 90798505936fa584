//! Coming in by another device (the shape of RFC 8628): the command line shows a short code, and the person confirms it
//! where they are logged in already.
//!
//! What waits lives in memory only, for ten minutes: after a restart the command line asks again.

use std::time::Duration;

use serde::Serialize;
use sluice_core::ids::TokenId;
use sluice_core::refusal::Refusal;

use super::sessions::{NewSession, OpenedSession, Opening, hash, narrowing};
use crate::answer::Answer;
use crate::caller::{Caller, Client};
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};

/// How long a code waits to be confirmed.
const WAITS: Duration = Duration::from_secs(600);

/// How long the command line waits between two questions.
const INTERVAL: Duration = Duration::from_secs(3);

/// Codes that wait at the same time.
const MOST: usize = 1_000;

/// Letters of a code for people: none that reads like another, and none that makes words.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What a command line that wants to come in is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceStart {
    /// What it asks with; kept secret.
    pub device_code: String,
    /// What the person types or compares, `BCDF-GHJK`.
    pub user_code: String,
    /// Seconds for which both are good.
    pub expires_in: u64,
    /// Seconds between two questions.
    pub interval: u64,
}

/// A code that waits.
pub(super) struct Device {
    secret: [u8; 32],
    user_code: String,
    until: Duration,
    asked: Duration,
    answer: Option<Confirmed>,
}

/// What the person said.
enum Confirmed {
    No,
    /// With the session by which they said it.
    Yes(NewSession, TokenId),
}

impl Engine {
    /// A command line wants to come in.
    pub fn start_device(&self) -> Result<DeviceStart, EngineError> {
        let now = self.monotonic();
        let device_code = format!("{}{}", self.rng().opaque_id(), self.rng().opaque_id());
        let user_code = self.user_code();
        let mut devices = self.people().devices.lock();
        devices.retain(|device| device.until > now);
        if devices.len() >= MOST {
            return Err(Unavailable::overloaded());
        }
        devices.push(Device {
            secret: hash(&device_code),
            user_code: user_code.clone(),
            until: now + WAITS,
            asked: now,
            answer: None,
        });
        Ok(DeviceStart {
            device_code,
            user_code,
            expires_in: WAITS.as_secs(),
            interval: INTERVAL.as_secs(),
        })
    }

    /// A person who came in by a browser says whether the command line that shows this code is theirs. It gets no more
    /// than they have, and their proof is as old for it as it is for them.
    pub fn confirm_device(
        &self,
        caller: &Caller,
        user_code: &str,
        agreed: bool,
    ) -> Result<(), EngineError> {
        let (person, session) = caller.require_session()?;
        if session.client != Client::Browser {
            // What was confirmed could otherwise confirm the next, for ever.
            return Err(Refusal::forbidden(
                "browser_needed",
                "a command line is let in by a person in a browser",
                "open the page `/device` where you are logged in",
            )
            .into());
        }
        self.not_held_up(&person, None)?;
        let given: String = user_code
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_uppercase())
            .collect();
        let now = self.monotonic();
        let mut devices = self.people().devices.lock();
        let waiting = devices.iter_mut().find(|device| {
            device.until > now
                && device.answer.is_none()
                && device.user_code.replace('-', "") == given
        });
        let Some(device) = waiting else {
            drop(devices);
            // Guessing codes is held up like guessing passwords.
            let _ = self.failed_code(&person, None);
            return Err(Refusal::missing(
                "device_code_unknown",
                "no command line waits with this code",
                "compare it with what the command line shows; it is good for ten minutes",
            )
            .into());
        };
        let standing = self.standing();
        let own = standing.access.sessions.get(&caller.token);
        let mut methods = session.methods.clone();
        methods.insert("device".to_owned());
        device.answer = Some(if agreed {
            let new = NewSession {
                person,
                client: Client::Cli,
                methods,
                auth_time: Some(session.auth_time),
                // What the login said holds for the session that it confirms too.
                narrowed_to: own.and_then(|own| narrowing(&own.opened)),
                groups: own.and_then(|own| own.opened.groups.clone()),
            };
            Confirmed::Yes(new, caller.token.clone())
        } else {
            Confirmed::No
        });
        Ok(())
    }

    /// The command line asks whether it may come in.
    pub async fn device_session(
        &self,
        device_code: &str,
    ) -> Result<Answer<OpenedSession>, EngineError> {
        let (new, under) = self.confirmed(device_code)?;
        self.open_session_with(new, Opening { under: Some(under), ..Opening::default() }).await
    }

    fn confirmed(&self, device_code: &str) -> Result<(NewSession, TokenId), EngineError> {
        let (secret, now) = (hash(device_code), self.monotonic());
        let mut devices = self.people().devices.lock();
        devices.retain(|device| device.until > now);
        let expired = || {
            Refusal::conflict(
                "expired_token",
                "this code is over, was used, or never was",
                "run `sluice login` again",
            )
        };
        let at = devices.iter().position(|device| device.secret == secret).ok_or_else(expired)?;
        if let Some(device) = devices.get_mut(at)
            && device.answer.is_none()
        {
            let soon = now.saturating_sub(device.asked) < INTERVAL;
            device.asked = now;
            let (code, message) = if soon {
                ("slow_down", "you ask too often")
            } else {
                ("authorization_pending", "the person has not confirmed it yet")
            };
            return Err(
                Refusal::conflict(code, message, "ask again after `interval` seconds").into()
            );
        }
        // Whatever was said is said once.
        match devices.remove(at).answer {
            Some(Confirmed::Yes(new, under)) => Ok((new, under)),
            Some(Confirmed::No) => Err(Refusal::forbidden(
                "access_denied",
                "the person said no",
                "run `sluice login` again if that was a mistake",
            )
            .into()),
            None => Err(expired().into()),
        }
    }

    /// Eight letters: more than 34 bits, good for ten minutes, and guesses are held up.
    fn user_code(&self) -> String {
        let mut text = String::new();
        while text.len() < 9 {
            if text.len() == 4 {
                text.push('-');
            }
            let mut byte = [0_u8; 1];
            self.rng().fill(&mut byte);
            // 240 is the largest multiple of 20 in a byte: no letter is likelier than another.
            if let Some(letter) = (byte[0] < 240).then(|| LETTERS.get(usize::from(byte[0] % 20))) {
                text.extend(letter.map(|letter| char::from(*letter)));
            }
        }
        text
    }
}
