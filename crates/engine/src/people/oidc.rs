//! Coming in by a provider of identities: OpenID Connect, the code flow with PKCE, `state` and `nonce`.
//!
//! A person is whoever their provider and its subject say, and the organisation's files name both: never a mail address
//! or a name, which others can come to have. What a provider says of groups can take permissions away from a session, and
//! gives it those roles that a mapping in the organisation's files names for exactly that group of exactly that provider.
//!
//! Sources: OpenID Connect Core 1.0 (3.1), RFC 7636, RFC 9207, RFC 9700.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sluice_core::access::event::LoginGroups;
use sluice_core::access::{self, Reach as RoleReach};
use sluice_core::ids::PersonId;
use sluice_core::organisation::{SecretRef, login_of};
use sluice_core::permission::Permission;
use sluice_core::refusal::{Refusal, RefusalNature};
use sluice_core::standing::Standing;
use sluice_identity::{Audience, Claims, Expected, Family, Reject, verify};
use sluice_organisation::Keys as _;
use sluice_outbound::{Answer as Response, Method, Reach, Request, Target};

use super::sessions::{NewSession, OpenedSession};
use crate::answer::Answer;
use crate::caller::Client;
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};

/// How long a person may take at their provider.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);
/// How old an ID token may be when it comes.
const MAX_AGE_S: i64 = 300;
/// Bytes of what a provider answers.
const MAX_BYTES: usize = 64 << 10;

/// A provider, as the server's configuration has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginProvider {
    /// Its name in addresses.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// The issuer, exactly as its tokens say.
    pub issuer: String,
    /// Who we are there.
    pub client_id: String,
    /// What proves it, where the provider wants that.
    pub client_secret: Option<SecretRef>,
    /// The first algorithm of the family that it signs with: `RS256`, `PS256`, `ES256`, `ES384`, `EdDSA`.
    pub algorithm: String,
    /// What is asked for beside `openid`.
    pub scopes: Vec<String>,
    /// Hosts beside the issuer's own that its addresses may lie on.
    pub hosts: Vec<String>,
    /// Private networks that it may lie in.
    pub networks: Vec<String>,
    /// Whether it is spoken to without encryption. For a provider on the same machine.
    pub plain: bool,
    /// The claim that lists groups, and the roles that each group confirms. Where it names roles, a session has only the
    /// permissions of those that a group confirms.
    pub groups: Option<GroupMap>,
}

/// Which groups confirm which roles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupMap {
    /// The claim that lists them.
    pub claim: String,
    /// Roles by group, each by its exact name. None: groups confirm nothing, and are read for mappings only.
    pub roles: BTreeMap<String, BTreeSet<String>>,
}

/// A login that was begun. Kept by the server until the person comes back, and used once.
#[derive(Clone, PartialEq, Eq)]
pub struct StartedLogin {
    /// Where the person is sent.
    pub url: String,
    /// What comes back unaltered, and ties the answer to this browser.
    pub state: String,
    /// Name of the provider.
    pub provider: String,
    /// When it began.
    pub at: Timestamp,
    nonce: String,
    verifier: String,
    redirect_uri: String,
    token_endpoint: String,
    jwks_uri: String,
    names_issuer: bool,
    fresh: bool,
}

/// What the provider sends a person back with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoginReturn {
    /// The code.
    pub code: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// Who sends it (RFC 9207).
    pub iss: Option<String>,
    /// What went wrong there.
    pub error: Option<String>,
}

impl Engine {
    /// Begins a login: asks the provider where its doors are, and says where to send the person. `fresh` asks for a new
    /// proof of who they are.
    pub async fn start_login(
        &self,
        provider: &LoginProvider,
        redirect_uri: &str,
        fresh: bool,
    ) -> Result<StartedLogin, EngineError> {
        let reach = reach(provider)?;
        let metadata = self.metadata(provider, &reach).await?;
        let door = |name: &str| {
            let url = metadata.get(name).and_then(Value::as_str).unwrap_or_default();
            Target::read(url, &reach)
                .map(|_| url.to_owned())
                .map_err(|why| refused(&format!("`{name}` of the provider cannot be used: {why}")))
        };
        let (state, nonce, verifier) = (self.chance(), self.chance(), self.chance());
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes()));
        let mut scopes = vec!["openid"];
        scopes.extend(provider.scopes.iter().map(String::as_str).filter(|one| *one != "openid"));
        let scopes = scopes.join(" ");
        let mut query = vec![
            ("response_type", "code"),
            ("client_id", &provider.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", &scopes),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        if fresh {
            query.extend([("prompt", "login"), ("max_age", "0")]);
        }
        let address = door("authorization_endpoint")?;
        let joint = if address.contains('?') { '&' } else { '?' };
        let names_issuer = metadata.get("authorization_response_iss_parameter_supported");
        Ok(StartedLogin {
            url: format!("{address}{joint}{}", form(&query)),
            provider: provider.name.clone(),
            at: self.now(),
            redirect_uri: redirect_uri.to_owned(),
            token_endpoint: door("token_endpoint")?,
            jwks_uri: door("jwks_uri")?,
            names_issuer: names_issuer == Some(&Value::Bool(true)),
            state,
            nonce,
            verifier,
            fresh,
        })
    }

    /// Ends a login: everything that came back is compared, the code is exchanged, the ID token verified, and the session
    /// of the person whom it means is opened.
    pub async fn finish_login(
        &self,
        provider: &LoginProvider,
        started: StartedLogin,
        back: LoginReturn,
    ) -> Result<Answer<OpenedSession>, EngineError> {
        let code = self.returned(provider, &started, back)?;
        let reach = reach(provider)?;
        let answer = self.exchange_code(provider, &reach, &started, &code).await?;
        let id_token = answer.get("id_token").and_then(Value::as_str);
        let id_token = id_token.ok_or_else(|| refused("the provider gave no ID token"))?;
        let claims = self.id_token(provider, &reach, &started, id_token).await?;
        self.compare(provider, &started, &claims, &answer)?;
        let standing = self.standing();
        let person = self.person_of_login(&standing, &claims)?;
        let auth_time = self.auth_time(&started, &claims)?;
        let groups = said_groups(&standing, provider, &claims);
        let narrowed_to = narrowing(&standing, provider, &claims, groups.as_ref());
        let methods = BTreeSet::from(["oidc".to_owned()]);
        let client = Client::Browser;
        self.open_session(NewSession { person, client, methods, auth_time, narrowed_to, groups })
            .await
    }

    fn returned(
        &self,
        provider: &LoginProvider,
        started: &StartedLogin,
        back: LoginReturn,
    ) -> Result<String, EngineError> {
        if started.provider != provider.name
            || self.now().duration_since(started.at) > PATIENCE
            || !same(back.state.as_deref().unwrap_or_default(), &started.state)
        {
            return Err(refused("it is not the answer to a login that was begun here"));
        }
        match &back.iss {
            Some(issuer) if *issuer != provider.issuer => {
                return Err(refused("the answer comes from another provider"));
            }
            None if started.names_issuer => {
                return Err(refused("the answer does not say which provider it comes from"));
            }
            Some(_) | None => {}
        }
        if back.error.is_some() {
            return Err(refused("the provider did not let the person in"));
        }
        let code = back.code.filter(|code| !code.is_empty() && code.len() <= 4096);
        code.ok_or_else(|| refused("the answer has no code"))
    }

    async fn metadata(
        &self,
        provider: &LoginProvider,
        reach: &Reach,
    ) -> Result<Value, EngineError> {
        let issuer = provider.issuer.trim_end_matches('/');
        let url = format!("{issuer}/.well-known/openid-configuration");
        let mut request = Request::new(Method::Get, url).header("accept", "application/json");
        request.most_bytes = Some(MAX_BYTES);
        let metadata = json(self.net().send(reach, request).await)?;
        let named = metadata.get("issuer").and_then(Value::as_str);
        if named != Some(provider.issuer.as_str()) {
            return Err(refused("the provider says that it is another issuer"));
        }
        Ok(metadata)
    }

    async fn exchange_code(
        &self,
        provider: &LoginProvider,
        reach: &Reach,
        started: &StartedLogin,
        code: &str,
    ) -> Result<Value, EngineError> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &started.redirect_uri),
            ("code_verifier", &started.verifier),
        ];
        let mut request = Request::new(Method::Post, &started.token_endpoint);
        request = request.header("accept", "application/json");
        match &provider.client_secret {
            None => fields.push(("client_id", &provider.client_id)),
            Some(reference) => {
                let secret = self.secrets().find(reference).ok_or_else(|| {
                    unavailable("the secret for the provider cannot be found on this server")
                })?;
                let secret = String::from_utf8_lossy(&secret).into_owned();
                // RFC 6749, 2.3.1: each part as in a form first.
                let pair = format!("{}:{}", encoded(&provider.client_id), encoded(&secret));
                let basic = data_encoding::BASE64.encode(pair.as_bytes());
                request = request.secret_header("authorization", format!("Basic {basic}"));
            }
        }
        let mut request = request.body("application/x-www-form-urlencoded", form(&fields));
        request.most_bytes = Some(MAX_BYTES);
        let answer = json(self.net().send(reach, request).await)?;
        let kind = answer.get("token_type").and_then(Value::as_str).unwrap_or_default();
        if !kind.eq_ignore_ascii_case("bearer") {
            return Err(refused("the provider gave tokens of another type"));
        }
        Ok(answer)
    }

    async fn id_token(
        &self,
        provider: &LoginProvider,
        reach: &Reach,
        started: &StartedLogin,
        token: &str,
    ) -> Result<Claims, EngineError> {
        let family = Family::parse(&provider.algorithm)
            .ok_or_else(|| unavailable("the provider's algorithm is not one that is verified"))?;
        let expected = Expected {
            issuer: &provider.issuer,
            audience: &provider.client_id,
            audience_form: Audience::TextOrListOfOne,
            family,
            demands_nbf: false,
            demands_jti: false,
            max_age_s: MAX_AGE_S,
        };
        let mut anew = false;
        loop {
            let (now, at) = (self.latest(), self.monotonic());
            let keys =
                self.issuer_keys().get(self.net(), reach, &started.jwks_uri, anew, at).await?;
            match verify(token, &expected, &keys, now.as_second()) {
                Ok(claims) => return Ok(claims),
                Err(Reject::UnknownKey) if !anew => anew = true,
                Err(reject) => return Err(refused(&reject.to_string())),
            }
        }
    }

    fn compare(
        &self,
        provider: &LoginProvider,
        started: &StartedLogin,
        claims: &Claims,
        answer: &Value,
    ) -> Result<(), EngineError> {
        if !same(claims.text("nonce").unwrap_or_default(), &started.nonce) {
            return Err(refused("the ID token is not of this login"));
        }
        let authorized = claims.others.contains_key("azp") || claims.lists.contains_key("azp");
        if authorized && claims.text("azp") != Some(&provider.client_id) {
            return Err(refused("the ID token was made for another client"));
        }
        let Some(at_hash) = claims.others.get("at_hash") else { return Ok(()) };
        let access = answer.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let half = Sha256::digest(access.as_bytes());
        let half = half.get(..16).map(|half| BASE64URL_NOPAD.encode(half)).unwrap_or_default();
        let short = provider.algorithm.ends_with("256");
        if short && *at_hash != sluice_identity::Scalar::Text(half) {
            return Err(refused("the ID token belongs to another access token"));
        }
        Ok(())
    }

    fn person_of_login(
        &self,
        standing: &Standing,
        claims: &Claims,
    ) -> Result<PersonId, EngineError> {
        let login = login_of(&claims.issuer, &claims.subject);
        let identity = self.signing().identity("login", &login);
        let declared = standing.organisation.declared_with(&identity).cloned();
        let provisioned = || self.provisioned_login(standing, &claims.issuer, &claims.subject);
        declared.or_else(provisioned).ok_or_else(|| {
            let message = format!(
                "nobody is declared with the login `{}` of `{}`",
                claims.subject, claims.issuer
            );
            let help = "let an administrator add it to `logins` of the person, and apply that";
            Refusal::new(RefusalNature::Unproven, "login_not_declared", message, help).into()
        })
    }

    /// When the person proved who they are. Where a new proof was asked for, an old one is none.
    fn auth_time(
        &self,
        started: &StartedLogin,
        claims: &Claims,
    ) -> Result<Option<Timestamp>, EngineError> {
        let told = match claims.others.get("auth_time") {
            Some(sluice_identity::Scalar::Number(seconds)) => Timestamp::from_second(*seconds).ok(),
            _ => None,
        };
        let begun = started.at.saturating_sub(SignedDuration::from_secs(30));
        let begun = begun.unwrap_or(Timestamp::MIN);
        if started.fresh && told.is_none_or(|at| at < begun) {
            return Err(refused("the provider did not ask the person again"));
        }
        // Without its word, the proof may be as old as the provider's own session: it is taken for old.
        Ok(told.or(Some(Timestamp::UNIX_EPOCH)))
    }

    /// 256 bits of chance in letters and digits.
    pub fn chance(&self) -> String {
        let mut bytes = [0_u8; 32];
        self.rng().fill(&mut bytes);
        BASE64URL_NOPAD.encode(&bytes)
    }
}

/// The groups that a login says, of those that a mapping names: nothing else of them is kept.
fn said_groups(
    standing: &Standing,
    provider: &LoginProvider,
    claims: &Claims,
) -> Option<LoginGroups> {
    let map = provider.groups.as_ref()?;
    if claims.others.contains_key(&map.claim) {
        let (provider, claim) = (&provider.name, &map.claim);
        tracing::warn!(%provider, %claim, "the claim of groups is no list of texts: no group of this login counts");
    }
    let said = claims.lists.get(&map.claim)?;
    let mappings = standing.organisation.mappings.values();
    let named = mappings.filter(|one| one.provider == provider.name && said.contains(&one.group));
    let names: BTreeSet<String> = named.map(|one| one.group.clone()).collect();
    (!names.is_empty()).then(|| LoginGroups { provider: provider.name.clone(), names })
}

/// The permissions of all roles that a person's groups confirm or give, where groups have to confirm roles.
fn narrowing(
    standing: &Standing,
    provider: &LoginProvider,
    claims: &Claims,
    given: Option<&LoginGroups>,
) -> Option<BTreeSet<Permission>> {
    let map = provider.groups.as_ref().filter(|map| !map.roles.is_empty())?;
    let groups = claims.lists.get(&map.claim).map(Vec::as_slice).unwrap_or_default();
    let mapped = given.into_iter().flat_map(|given| {
        standing.organisation.mapped(&given.provider, given.names()).map(|(_, grant)| &grant.role)
    });
    let roles: BTreeSet<&String> =
        groups.iter().filter_map(|group| map.roles.get(group)).flatten().chain(mapped).collect();
    let table = &standing.access.table;
    let known = roles.into_iter().filter_map(|role| table.role(role));
    let permissions = known.flat_map(access::Role::permissions);
    Some(permissions.map(|(permission, _): (_, RoleReach)| permission).collect())
}

fn reach(provider: &LoginProvider) -> Result<Reach, EngineError> {
    let bad = |bad: sluice_outbound::BadReach| unavailable(&bad.to_string());
    let mut reach = Reach::of_url(&provider.issuer, &provider.networks).map_err(bad)?;
    if provider.plain {
        reach = reach.and_plain();
    }
    for host in &provider.hosts {
        reach = reach.host(host).map_err(bad)?;
    }
    Ok(reach)
}

fn json(answer: Result<Response, sluice_outbound::Failure>) -> Result<Value, EngineError> {
    let answer = answer.map_err(|failure| unavailable(&failure.to_string()))?;
    if answer.status >= 500 {
        return Err(unavailable("it answers with an error of its own"));
    }
    let is_json = answer.media_type().as_deref() == Some("application/json");
    if answer.status != 200 || !is_json {
        return Err(refused("the provider does not give what it was asked for"));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|_| refused("the answer of the provider is not understood"))
}

/// Fields as a form has them.
fn form(fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Compares in constant time, by hashes of one length.
fn same(given: &str, expected: &str) -> bool {
    let (given, expected) = (Sha256::digest(given), Sha256::digest(expected));
    bool::from(subtle::ConstantTimeEq::ct_eq(given.as_slice(), expected.as_slice()))
}

fn refused(message: &str) -> EngineError {
    let help = "begin again; if it stays so, an administrator finds the cause in the server's log";
    Refusal::new(RefusalNature::Unproven, "oidc_refused", message, help).into()
}

fn unavailable(message: &str) -> EngineError {
    EngineError::Unavailable(Unavailable {
        code: "provider_unavailable",
        message: format!("the provider cannot be asked: {message}"),
        retry_after_s: Some(30),
    })
}
