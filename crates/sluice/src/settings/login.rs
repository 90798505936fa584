//! `[[login]]`: providers of identities that people can come in by.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::Deserialize;
use sluice_core::organisation::SecretRef;
use sluice_engine::{GroupMap, LoginProvider};

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
        ] {
            assert!(told(more).is_err(), "{more}");
        }
    }
}
