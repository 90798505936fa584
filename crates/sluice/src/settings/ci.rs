//! Which run this is, from the variables that pipeline systems set.
//!
//! The names agree with what the connectors make of the same systems' deliveries, so that a change
//! opened by a delivery and a question asked by its run find each other.

use url::Url;

/// What the environment says about the run. Flags go first; what is missing stays missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RunIdentity {
    /// `github:github.com`, `gitlab:gitlab.example.org`, `jenkins:ci.example.org`.
    pub(crate) system: Option<String>,
    /// Id of the run, stable over reruns.
    pub(crate) id: Option<String>,
    /// Attempt, from 1.
    pub(crate) attempt: Option<u32>,
    /// Web address of the run.
    pub(crate) url: Option<String>,
    /// Commit that is built.
    pub(crate) commit: Option<String>,
    /// Repository: host and path.
    pub(crate) repository: Option<String>,
}

impl RunIdentity {
    /// Reads the environment of this process.
    pub(crate) fn from_environment() -> Self {
        Self::from_variables(&super::variable)
    }

    /// Reads the variables that `get` gives.
    pub(crate) fn from_variables(get: &dyn Fn(&str) -> Option<String>) -> Self {
        if get("GITHUB_ACTIONS").is_some() {
            github(get)
        } else if get("GITLAB_CI").is_some() {
            gitlab(get)
        } else if get("JENKINS_URL").is_some() || get("BUILD_TAG").is_some() {
            jenkins(get)
        } else {
            Self::default()
        }
    }
}

/// GitHub Actions: the run id counts per repository and stays over reruns, the attempt counts them.
fn github(get: &dyn Fn(&str) -> Option<String>) -> RunIdentity {
    let server = get("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let host = host_of(&server);
    let repository = get("GITHUB_REPOSITORY");
    let id = get("GITHUB_RUN_ID");
    let attempt = get("GITHUB_RUN_ATTEMPT").and_then(|attempt| attempt.parse().ok());
    let url = repository.as_ref().zip(id.as_ref()).map(|(repository, id)| {
        let attempts = attempt.map(|n: u32| format!("/attempts/{n}")).unwrap_or_default();
        format!("{}/{repository}/actions/runs/{id}{attempts}", server.trim_end_matches('/'))
    });
    RunIdentity {
        system: host.as_ref().map(|host| format!("github:{host}")),
        id: repository.as_ref().zip(id).map(|(name, id)| format!("{}/{id}", name.to_lowercase())),
        attempt,
        url,
        commit: get("GITHUB_SHA"),
        repository: host.zip(repository).map(|(host, path)| repository_name(&host, &path)),
    }
}

/// GitLab CI: the pipeline id counts per instance; retried jobs keep it, so all is one attempt.
fn gitlab(get: &dyn Fn(&str) -> Option<String>) -> RunIdentity {
    let server = get("CI_SERVER_URL").unwrap_or_else(|| "https://gitlab.com".to_owned());
    let host = host_of(&server);
    RunIdentity {
        system: host.as_ref().map(|host| format!("gitlab:{host}")),
        id: get("CI_PIPELINE_ID"),
        attempt: Some(1),
        url: get("CI_PIPELINE_URL"),
        commit: get("CI_COMMIT_SHA"),
        repository: host
            .zip(get("CI_PROJECT_PATH"))
            .map(|(host, path)| repository_name(&host, &path)),
    }
}

/// Jenkins: a build is a run of its own, named by the job's full name and its number.
fn jenkins(get: &dyn Fn(&str) -> Option<String>) -> RunIdentity {
    let address = get("BUILD_URL").or_else(|| get("JENKINS_URL"));
    let host = address.as_deref().and_then(host_of);
    let job = get("JOB_NAME");
    RunIdentity {
        system: host.map(|host| format!("jenkins:{host}")),
        id: job.zip(get("BUILD_NUMBER")).map(|(job, number)| format!("{job}/{number}")),
        attempt: Some(1),
        url: get("BUILD_URL"),
        commit: get("GIT_COMMIT"),
        repository: get("GIT_URL").as_deref().and_then(repository_of_address),
    }
}

/// Host, and port where it is not the usual one.
fn host_of(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str()?.to_lowercase();
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

fn repository_name(host: &str, path: &str) -> String {
    let path = path.trim_matches('/');
    format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path)).to_lowercase()
}

/// Host and path of `https://host/path.git`, `ssh://git@host:22/path` or `git@host:path`.
fn repository_of_address(address: &str) -> Option<String> {
    if let Ok(url) = Url::parse(address)
        && url.has_host()
    {
        let host = if url.scheme().contains("ssh") {
            url.host_str()?.to_owned()
        } else {
            host_of(address)?
        };
        return Some(repository_name(&host, url.path()));
    }
    let (login, path) = address.split_once(':')?;
    let host = login.rsplit('@').next()?;
    (!host.is_empty() && !host.contains('/')).then(|| repository_name(host, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_github_run_is_named_as_its_deliveries_name_it() {
        check(
            &[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_SERVER_URL", "https://github.com"),
                ("GITHUB_REPOSITORY", "Acme/Payments"),
                ("GITHUB_RUN_ID", "77"),
                ("GITHUB_RUN_ATTEMPT", "2"),
                ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
            ],
            "github:github.com acme/payments/77 2 \
             https://github.com/Acme/Payments/actions/runs/77/attempts/2 \
             0123456789012345678901234567890123456789 github.com/acme/payments",
        );
    }

    #[test]
    fn a_gitlab_pipeline_is_one_attempt() {
        check(
            &[
                ("GITLAB_CI", "true"),
                ("CI_SERVER_URL", "https://git.example.org:8443"),
                ("CI_PIPELINE_ID", "1042"),
                ("CI_PIPELINE_URL", "https://git.example.org:8443/acme/payments/-/pipelines/1042"),
                ("CI_COMMIT_SHA", "abc"),
                ("CI_PROJECT_PATH", "acme/payments"),
            ],
            "gitlab:git.example.org:8443 1042 1 \
             https://git.example.org:8443/acme/payments/-/pipelines/1042 abc \
             git.example.org:8443/acme/payments",
        );
    }

    #[test]
    fn a_jenkins_build_is_named_by_job_and_number() {
        check(
            &[
                ("JENKINS_URL", "https://ci.example.org/"),
                ("BUILD_URL", "https://ci.example.org/job/acme/job/payments/42/"),
                ("JOB_NAME", "acme/payments"),
                ("BUILD_NUMBER", "42"),
                ("GIT_COMMIT", "abc"),
                ("GIT_URL", "git@github.com:Acme/Payments.git"),
            ],
            "jenkins:ci.example.org acme/payments/42 1 \
             https://ci.example.org/job/acme/job/payments/42/ abc github.com/acme/payments",
        );
    }

    #[test]
    fn elsewhere_nothing_is_assumed() {
        assert_eq!(RunIdentity::from_variables(&|_| None), RunIdentity::default());
    }

    fn check(variables: &[(&str, &str)], expected: &str) {
        let run = RunIdentity::from_variables(&|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        });
        let parts = [
            run.system,
            run.id,
            run.attempt.map(|attempt| attempt.to_string()),
            run.url,
            run.commit,
            run.repository,
        ];
        let text = parts.map(Option::unwrap_or_default).join(" ");
        assert_eq!(text, expected);
    }
}
