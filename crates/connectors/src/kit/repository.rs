//! Names of repositories and hosts, one way of writing them.

use url::Url;

/// Host, port where it is not the usual one, and path in lower case, without scheme, user and
/// `.git`: `github.com/acme/payments`. Takes web addresses and the `git@host:path` form.
pub(crate) fn from_address(address: &str) -> Option<String> {
    let address = address.trim();
    let scp = || {
        let (login, path) = address.split_once(':')?;
        let host = login.rsplit('@').next()?;
        let plain = !host.is_empty() && !host.contains('/') && !path.starts_with("//");
        plain.then(|| join(host, path))
    };
    match Url::parse(address) {
        Ok(url) if url.has_host() => {
            // The port of SSH says nothing about which host this is.
            let host = if url.scheme().contains("ssh") {
                url.host_str()?.to_owned()
            } else {
                authority(&url)?
            };
            Some(join(&host, url.path()))
        }
        _ => scp(),
    }
    .filter(|name| name.split('/').filter(|part| !part.is_empty()).count() >= 2)
}

/// Joins a host and a path into a repository's name.
pub(crate) fn join(host: &str, path: &str) -> String {
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    format!("{host}/{path}").to_lowercase()
}

/// Host and, where it is not the usual one of its scheme, port of a web address.
pub(crate) fn host_of(address: &str) -> Option<String> {
    authority(&Url::parse(address.trim()).ok()?)
}

fn authority(url: &Url) -> Option<String> {
    let host = url.host_str().filter(|host| !host.is_empty())?.to_lowercase();
    Some(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_one_name_however_it_is_written() {
        for (address, name) in [
            ("https://github.com/Acme/Payments", Some("github.com/acme/payments")),
            ("https://github.com/Acme/Payments.git", Some("github.com/acme/payments")),
            ("https://user:token@github.com/Acme/Payments/", Some("github.com/acme/payments")),
            ("git@github.com:Acme/Payments.git", Some("github.com/acme/payments")),
            ("ssh://git@github.com/Acme/Payments.git", Some("github.com/acme/payments")),
            ("ssh://git@git.example.org:2222/a/b/c.git", Some("git.example.org/a/b/c")),
            ("http://git.example.org:3000/a/b", Some("git.example.org:3000/a/b")),
            ("https://git.example.org:443/a/b", Some("git.example.org/a/b")),
            ("https://github.com/", None),
            ("payments", None),
            ("", None),
            ("file:///srv/git/payments", None),
        ] {
            assert_eq!(from_address(address).as_deref(), name, "{address}");
        }
    }
}
