//! A world of other systems: addresses, and what they answer.

use std::collections::BTreeMap;
use std::sync::Mutex;

use sluice_engine::outbound::{Answer, Failure, Net, Reach, Request, Sending};

/// Status and body, or why there are none.
type Said = Result<(u16, Vec<u8>), Failure>;

/// Answers by address. What is not listed is unreachable.
#[derive(Default)]
pub struct FakeNet {
    answers: Mutex<BTreeMap<String, Said>>,
    sent: Mutex<Vec<Request>>,
}

impl FakeNet {
    /// Lets an address answer with a status and a body.
    pub fn answer(&self, url: &str, status: u16, body: impl Into<Vec<u8>>) {
        let mut answers = self.answers.lock().expect("no test panics with it");
        answers.insert(url.to_owned(), Ok((status, body.into())));
    }

    /// Lets an address fail.
    pub fn fail(&self, url: &str, failure: Failure) {
        self.answers.lock().expect("no test panics with it").insert(url.to_owned(), Err(failure));
    }

    /// The address that was asked last.
    pub fn last_asked(&self) -> Option<String> {
        let sent = self.sent.lock().expect("no test panics with it");
        sent.last().map(|request| request.url.clone())
    }

    /// What was sent to an address.
    pub fn sent(&self, url: &str) -> Vec<Request> {
        let sent = self.sent.lock().expect("no test panics with it");
        sent.iter().filter(|request| request.url == url).cloned().collect()
    }
}

impl Net for FakeNet {
    fn send<'a>(&'a self, reach: &'a Reach, request: Request) -> Sending<'a> {
        let allowed = sluice_engine::outbound::Target::read(&request.url, reach);
        let known = self.answers.lock().expect("no test panics with it").get(&request.url).cloned();
        self.sent.lock().expect("no test panics with it").push(request);
        Box::pin(async move {
            allowed.map_err(Failure::Blocked)?;
            let (status, body) = known.unwrap_or(Err(Failure::Unreachable { sent: false }))?;
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Ok(Answer { status, headers, body })
        })
    }
}
