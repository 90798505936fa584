//! Verifying what Jenkins sends and telling its two bodies apart.

use jiff::Timestamp;
use sluice_core::run::RunRef;
use sluice_core::signal::{Heard, Outcome, Signal};
use url::Url;

use crate::connector::{Hear, Unreadable};
use crate::jenkins::config::Config;
use crate::jenkins::wire::{Either, Waiting};
use crate::jenkins::{notification, report};
use crate::kit::delivery::Delivery;
use crate::kit::halt::{Halt, heard, ignored, unreadable};
use crate::kit::limits::Limits;
use crate::kit::reading::{check, need, read};
use crate::kit::secret::Secret;
use crate::kit::signature::{SignatureProblem, Verified, verify_token};
use crate::kit::text::is_number;
use crate::kit::{percent, repository};

/// A configured Jenkins link.
pub(crate) struct JenkinsLink {
    pub(crate) config: Config,
}

impl Hear for JenkinsLink {
    fn secrets_needed(&self) -> &[String] {
        &self.config.secrets
    }

    /// The notification plugin can send no header, so its token stands in the query.
    fn verify(
        &self,
        delivery: &Delivery,
        secrets: &[Secret],
    ) -> Result<Verified, SignatureProblem> {
        let in_query = delivery.query_parameter("token");
        verify_token(secrets, delivery.header("x-sluice-token").or(in_query.as_deref()))
    }

    fn delivery_id(&self, _delivery: &Delivery) -> Option<String> {
        None
    }

    /// A build may come to the gate again, for its next stage or after a restart, and say the same of itself. One that says
    /// when it came there says another time then.
    fn asks(&self, delivery: &Delivery) -> bool {
        let waiting = read::<Waiting>(&delivery.body);
        waiting.is_ok_and(|waiting| {
            report::is_waiting(&waiting) && report::waited_since(&waiting).is_none()
        })
    }

    fn asks_unread(&self, delivery: &Delivery) -> Option<(RunRef, Option<Timestamp>)> {
        report::waits(&self.config, &delivery.body)
    }

    fn hear(&self, delivery: &Delivery) -> Result<Heard, Unreadable> {
        heard(self.read(delivery))
    }
}

impl JenkinsLink {
    fn read(&self, delivery: &Delivery) -> Result<Vec<Signal>, Halt> {
        check(&delivery.body, &Limits::HOOK)?;
        let either: Either = read(&delivery.body)?;
        match (either.event, either.build) {
            (Some(_), _) => report::read(&self.config, &delivery.body),
            (None, Some(_)) => notification::read(&self.config, &delivery.body),
            (None, None) => Err(unreadable(
                "event_missing",
                "it is neither a body of the notification plugin (`build`) nor a report (`event`)",
            )),
        }
    }
}

/// A build by its job's full name and number: `acme/payments/42`.
pub(crate) fn run(
    config: &Config,
    job: &str,
    number: &str,
    url: Option<String>,
) -> Result<RunRef, Halt> {
    let told = url.as_deref().and_then(repository::host_of);
    let host = match (config.host.as_ref(), told) {
        (Some(ours), Some(told)) if *ours != told => {
            let reason = format!("the build is on another controller than `{ours}`");
            return Err(ignored("other_host", reason));
        }
        (Some(host), _) => host.clone(),
        (None, told) => need(told, "url")?,
    };
    if !is_number(number) {
        return Err(unreadable("unexpected_shape", "the build's number is not a number"));
    }
    Ok(RunRef { system: format!("jenkins:{host}"), id: format!("{job}/{number}"), attempt: 1, url })
}

/// The job's full name in an address such as `https://ci.example.org/job/acme/job/payments/42/`;
/// it is what a build sees as `JOB_NAME`.
pub(crate) fn job_of_address(address: &str) -> Option<String> {
    let path = match Url::parse(address) {
        Ok(url) => url.path().to_owned(),
        Err(_) => address.to_owned(),
    };
    let mut parts =
        path.split('/').filter(|part| !part.is_empty()).skip_while(|part| *part != "job");
    let mut names = Vec::new();
    while parts.next() == Some("job") {
        names.push(percent::decode(parts.next()?.as_bytes())?);
    }
    (!names.is_empty()).then(|| names.join("/"))
}

/// A branch without the remote that Jenkins' Git plugin puts before it.
pub(crate) fn branch(name: Option<String>) -> Option<String> {
    let name = name?;
    let bare = ["refs/remotes/origin/", "refs/heads/", "origin/", "*/"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(&name);
    (!bare.is_empty()).then(|| bare.to_owned())
}

/// How a build ended. An unstable build has failing tests: it did not do what it should.
pub(crate) fn outcome(result: Option<&str>, path: &str) -> Result<Outcome, Unreadable> {
    match need(result, path)?.to_ascii_uppercase().as_str() {
        "SUCCESS" => Ok(Outcome::Succeeded),
        "FAILURE" | "UNSTABLE" => Ok(Outcome::Failed),
        "ABORTED" => Ok(Outcome::Canceled),
        "NOT_BUILT" => Ok(Outcome::Skipped),
        _ => Err(Unreadable::new("unknown_word", format!("the word in `{path}` is not known"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_named_as_its_builds_see_it() {
        for (address, job) in [
            ("job/payments/", Some("payments")),
            ("https://ci.example.org/jenkins/job/acme/job/payments/42/", Some("acme/payments")),
            (
                "https://ci.example.org/job/payments/job/feature%252Fx/7/",
                Some("payments/feature%2Fx"),
            ),
            ("job/job/job/job/", Some("job/job")),
            ("https://ci.example.org/view/all/", None),
            ("job", None),
            ("", None),
        ] {
            assert_eq!(job_of_address(address).as_deref(), job, "{address}");
        }
    }
}
