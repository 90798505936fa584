//! `[[login]]`: providers of identities that people can come in by.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use sluice_core::organisation::SecretRef;
use sluice_engine::outbound::Reach;
use sluice_engine::{GroupMap, LoginProvider, Secrets};

use crate::failure::Failure;

const HELP: &str = "see `Sign in with OIDC` in docs/guides/identity-oidc.md";

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoginFile {
    /// Its name in addresses.
    name: String,
    /// Its name for people.
    title: Option<String>,
    /// The issuer, exactly as its tokens say.
    issuer: String,
    /// Who we are there.
    client_id: String,
    /// The variable of the environment that holds the secret.
    client_secret_env: Option<String>,
    /// The file that holds the secret.
    client_secret_file: Option<PathBuf>,
    /// The first of the algorithms that it signs with.
    #[serde(default = "usual_algorithm")]
    algorithm: String,
    /// What is asked for beside `openid`.
    #[serde(default)]
    scopes: Vec<String>,
    /// Hosts beside the issuer's own.
    #[serde(default)]
    hosts: Vec<String>,
    /// Private networks that it may lie in.
    #[serde(default)]
    networks: Vec<String>,
    /// Whether it is spoken to without encryption.
    #[serde(default)]
    allow_http: bool,
    /// The claim that lists groups.
    groups_claim: Option<String>,
    /// Roles that each group confirms.
    #[serde(default)]
    groups: BTreeMap<String, BTreeSet<String>>,
}

fn usual_algorithm() -> String {
    "RS256".to_owned()
}

/// All providers, checked as far as that is possible without asking them.
pub(crate) fn providers(files: Vec<LoginFile>) -> Result<Vec<LoginProvider>, Failure> {
    let mut names = BTreeSet::new();
    for file in &files {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if file.name.is_empty() || file.name.len() > 64 || !file.name.bytes().all(word) {
            let message =
                format!("`{}` is not the name of a login: letters, digits, `-`", file.name);
            return Err(Failure::usage(message, HELP));
        }
        if !names.insert(file.name.clone()) {
            let message = format!("the login `{}` stands there twice", file.name);
            return Err(Failure::usage(message, HELP));
        }
    }
    files.into_iter().map(provider).collect()
}

fn provider(file: LoginFile) -> Result<LoginProvider, Failure> {
    let wrong = |why: &str| Failure::usage(format!("the login `{}`: {why}", file.name), HELP);
    let https = file.issuer.starts_with("https://");
    if !(https || file.allow_http && file.issuer.starts_with("http://")) {
        return Err(wrong("its issuer does not begin with `https://`"));
    }
    if !["RS256", "PS256", "ES256", "ES384", "EdDSA"].contains(&file.algorithm.as_str()) {
        return Err(wrong("its algorithm is none of RS256, PS256, ES256, ES384, EdDSA"));
    }
    let reach = Reach::of_url(&file.issuer, &file.networks);
    let reach =
        file.hosts.iter().try_fold(reach.map_err(|bad| wrong(&bad.to_string()))?, |reach, host| {
            reach.host(host).map_err(|bad| wrong(&bad.to_string()))
        });
    drop(reach?);
    let client_secret = match (&file.client_secret_env, &file.client_secret_file) {
        (None, None) => None,
        (Some(name), None) => Some(SecretRef::Env(name.clone())),
        (None, Some(path)) => Some(SecretRef::File(path.display().to_string())),
        (Some(_), Some(_)) => return Err(wrong("its secret is in two places")),
    };
    let groups = match (file.groups_claim.clone(), file.groups.is_empty()) {
        (Some(claim), _) => Some(GroupMap { claim, roles: file.groups.clone() }),
        (None, true) => None,
        (None, false) => return Err(wrong("`groups` needs `groups_claim`")),
    };
    Ok(LoginProvider {
        title: file.title.clone().unwrap_or_else(|| file.name.clone()),
        name: file.name,
        issuer: file.issuer,
        client_id: file.client_id,
        client_secret,
        algorithm: file.algorithm,
        scopes: file.scopes,
        hosts: file.hosts,
        networks: file.networks,
        plain: file.allow_http,
        groups,
    })
}

/// Refuses a provider whose secret is not where it is said to be: nobody could come in by it.
pub(crate) fn with_secrets(
    providers: &[LoginProvider],
    secrets: &dyn Secrets,
) -> Result<(), Failure> {
    for provider in providers {
        let Some(reference) = &provider.client_secret else { continue };
        if secrets.find(reference).is_none_or(|found| found.is_empty()) {
            let message = format!(
                "the login `{}`: its secret is not there: the variable is not set, or the file cannot be read",
                provider.name
            );
            return Err(Failure::usage(message, HELP));
        }
    }
    Ok(())
}

/// What may be meant, and is worth a second look.
pub(crate) fn odd(providers: &[LoginProvider], is_role: impl Fn(&str) -> bool) -> Vec<String> {
    let mut odd = Vec::new();
    for provider in providers {
        let name = &provider.name;
        if provider.issuer.ends_with('/') {
            odd.push(format!(
                "the login `{name}`: its issuer ends with `/`: it has to be exactly as in the provider's tokens"
            ));
        }
        let groups = provider.groups.iter().flat_map(|map| map.roles.values()).flatten();
        for role in groups.filter(|role| !is_role(role)).collect::<BTreeSet<_>>() {
            odd.push(format!("the login `{name}`: there is no role `{role}`"));
        }
    }
    odd
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(more: &str) -> Result<Vec<LoginProvider>, Failure> {
        let text = format!("name = 'corp'\nclient_id = 'sluice'\n{more}");
        providers(vec![toml::from_str(&text).unwrap()])
    }

    #[test]
    fn a_provider_is_checked_when_the_server_starts() {
        let sound = told(
            "issuer = 'https://login.example'\nclient_secret_env = 'OIDC'\ngroups_claim = 'groups'\n\
             [groups]\ncab = ['cab_approver']",
        );
        assert_eq!(sound.unwrap().first().unwrap().title, "corp");
        for more in [
            "issuer = 'http://login.example'",
            "issuer = 'https://a'\nalgorithm = 'HS256'",
            "issuer = 'https://a'\nalgorithm = 'none'",
            "issuer = 'https://a'\nclient_secret_env = 'A'\nclient_secret_file = 'b'",
            "issuer = 'https://a'\n[groups]\ncab = ['cab_approver']",
            "issuer = 'https://a'\nnetworks = ['abc']",
            "issuer = 'https://a'\nhosts = ['https://b/']",
        ] {
            assert!(told(more).is_err(), "{more}");
        }
    }

    #[test]
    fn what_would_fail_only_at_a_login_is_said_when_the_server_starts() {
        struct One;
        impl Secrets for One {
            fn find(&self, reference: &SecretRef) -> Option<Vec<u8>> {
                (*reference == SecretRef::Env("SET".into())).then(|| b"hush".to_vec())
            }
        }
        let with =
            |name: &str| told(&format!("issuer = 'https://a'\nclient_secret_env = '{name}'"));
        assert!(with_secrets(&with("SET").unwrap(), &One).is_ok());
        assert!(with_secrets(&with("UNSET").unwrap(), &One).is_err());
        let providers = told(
            "issuer = 'https://a/'\ngroups_claim = 'groups'\n[groups]\ncab = ['cab_approver', 'cab']",
        );
        let odd = odd(&providers.unwrap(), |role| role == "cab_approver");
        assert_eq!(odd.len(), 2, "{odd:?}");
        assert!(odd.iter().any(|one| one.contains("no role `cab`")), "{odd:?}");
    }
}
