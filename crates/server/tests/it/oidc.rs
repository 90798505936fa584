//! Login by a provider of identities that tells the truth, and by one that lies in every way there is.

use std::time::Duration;

use axum::body::Body;
use data_encoding::BASE64URL_NOPAD;
use http::Method;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sluice_engine::outbound::Failure;
use sluice_engine::{Clock, GroupMap, LoginProvider};
use sluice_server::ServerOptions;
use sluice_testkit::{Answered, Signer, TestApp, request};

const ISSUER: &str = "https://login.test.example";
const PUBLIC: &str = "https://sluice.test.example";
const PEOPLE: &str = r#"
people:
  - handle: dora
    name: Dora Dell
    emails: [dora@test.example]
    logins: [{issuer: "https://login.test.example", subject: "00u1Ab"}]
    roles: [change_manager, auditor]
"#;

/// The provider, and what it says. A lie alters one part.
pub(crate) struct Idp {
    metadata: Value,
    token: Map<String, Value>,
    pub(crate) claims: Value,
    back: Vec<(String, String)>,
    jwks: String,
    token_status: u16,
    signed: Option<String>,
}

pub(crate) struct World {
    pub(crate) app: TestApp,
    signer: Signer,
}

impl World {
    pub(crate) async fn start(groups: Option<GroupMap>) -> Self {
        let provider = LoginProvider {
            name: "corp".into(),
            title: "Corporate login".into(),
            issuer: ISSUER.into(),
            client_id: "sluice".into(),
            client_secret: Some(sluice_core::organisation::SecretRef::Env("OIDC".into())),
            algorithm: "RS256".into(),
            scopes: vec!["groups".into()],
            hosts: Vec::new(),
            networks: Vec::new(),
            plain: false,
            groups,
        };
        let options = ServerOptions {
            public_url: Some(PUBLIC.into()),
            providers: vec![provider],
            ..ServerOptions::default()
        };
        let app = TestApp::with(options).await;
        app.apply(&[("sluice.yaml", PEOPLE)]).await;
        Self { app, signer: Signer::new("k1") }
    }

    fn idp(&self) -> Idp {
        let at = |path: &str| format!("{ISSUER}{path}");
        let metadata = json!({
            "issuer": ISSUER, "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"), "jwks_uri": at("/jwks"),
            "authorization_response_iss_parameter_supported": true,
        });
        let token = json!({"access_token": "at", "token_type": "Bearer", "expires_in": 60});
        let Value::Object(token) = token else { unreachable!("an object") };
        let now = self.app.clock.now().as_second();
        let half = Sha256::digest(b"at");
        let claims = json!({
            "iss": ISSUER, "sub": "00u1Ab", "aud": "sluice", "iat": now, "exp": now + 300,
            "auth_time": now - 5, "at_hash": BASE64URL_NOPAD.encode(&half[..16]),
            "email": "carol@test.example", "groups": ["cab", "everybody"],
        });
        Idp {
            metadata,
            token,
            claims,
            back: vec![("code".into(), "c".into()), ("iss".into(), ISSUER.into())],
            jwks: self.signer.jwks(),
            token_status: 200,
            signed: None,
        }
    }

    /// A whole login by a browser, with what the provider says altered by `lie`.
    pub(crate) async fn login(&self, query: &str, lie: impl Fn(&mut Idp)) -> Answered {
        let mut idp = self.idp();
        // What the provider learns when the person comes: only then can it lie about it.
        let early = {
            let mut early = self.idp();
            lie(&mut early);
            early.metadata
        };
        let net = &self.app.net;
        net.answer(&format!("{ISSUER}/.well-known/openid-configuration"), 200, early.to_string());
        let begun = self.get("", &format!("/auth/oidc/start?provider=corp{query}")).await;
        if begun.status != 303 {
            return begun;
        }
        let sent = begun.header("location").to_owned();
        assert!(sent.starts_with("https://login.test.example/authorize?"), "{sent}");
        let asked = |name: &str| {
            let found = sent.split(['?', '&']).find_map(|pair| pair.strip_prefix(name));
            found.and_then(|rest| rest.strip_prefix('=')).unwrap_or_default().to_owned()
        };
        assert_eq!(asked("code_challenge_method"), "S256");
        idp.claims["nonce"] = json!(asked("nonce"));
        idp.back.push(("state".into(), asked("state")));
        lie(&mut idp);
        if !idp.token.contains_key("id_token") {
            let token = idp.signed.clone().unwrap_or_else(|| self.signer.token(&idp.claims));
            idp.token.insert("id_token".into(), json!(token));
        }
        let token = Value::Object(idp.token).to_string();
        net.answer(&format!("{ISSUER}/token"), idp.token_status, token);
        net.answer(&format!("{ISSUER}/jwks"), 200, idp.jwks);
        let pairs: Vec<String> =
            idp.back.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookie = begun.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
        let back = self.get(&cookie, &format!("/auth/oidc/callback?{}", pairs.join("&"))).await;
        if back.status == 303 {
            self.proved_the_code(&asked("code_challenge"));
        }
        back
    }

    /// The verifier that was sent is the one whose hash was shown before.
    fn proved_the_code(&self, challenge: &str) {
        let sent = self.app.net.sent(&format!("{ISSUER}/token"));
        let request = sent.last().expect("the code was exchanged");
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let verifier = body.split('&').find_map(|pair| pair.strip_prefix("code_verifier="));
        let hash = Sha256::digest(verifier.expect("a verifier").as_bytes());
        assert_eq!(BASE64URL_NOPAD.encode(&hash), challenge);
        let basic = request.headers.iter().find(|field| field.name == "authorization");
        assert!(basic.expect("the client's secret").secret);
        assert!(!body.contains("secret-of"));
    }

    pub(crate) async fn get(&self, cookie: &str, path: &str) -> Answered {
        let headers = [("host", "sluice.test.example"), ("cookie", cookie)];
        let headers = if cookie.is_empty() { &headers[..1] } else { &headers[..] };
        self.app.send(request(Method::GET, path, "", headers, Body::empty())).await
    }
}

/// The session's cookie, without its attributes.
pub(crate) fn session(answered: &Answered) -> String {
    let all = answered.headers.get_all("set-cookie").iter();
    let all = all.filter_map(|value| value.to_str().ok());
    let own = all.filter(|text| text.starts_with("__Host-sluice="));
    own.map(|text| text.split(';').next().unwrap_or_default().to_owned()).collect()
}

fn told(answered: &Answered) -> (u16, String) {
    (answered.status, answered.code())
}

#[tokio::test]
async fn a_person_comes_in_by_issuer_and_subject() {
    let world = World::start(None).await;
    let listed = world.get("", "/api/v1/login/providers").await.json();
    crate::description::holds("ProviderList", &listed);
    let back = world.login("&then=/changes", |_| {}).await;
    assert_eq!((back.status, back.header("location")), (303, "/changes"), "{}", back.code());
    let cookie = session(&back);
    let seen = world.get(&cookie, "/api/v1/session").await;
    assert_eq!(seen.status, 200, "{}", seen.code());
    let text = String::from_utf8_lossy(&seen.body).into_owned();
    assert!(text.contains("dora") && text.contains("oidc"), "{text}");
    assert!(world.get(&cookie, "/api/v1/changes").await.status == 200);
}

#[tokio::test]
async fn groups_confirm_roles_and_give_none() {
    let roles = [("cab".to_owned(), ["auditor".to_owned(), "administrator".to_owned()].into())];
    let map = GroupMap { claim: "groups".into(), roles: roles.into() };
    let world = World::start(Some(map)).await;
    let cookie = session(&world.login("", |_| {}).await);
    let text = world.get(&cookie, "/api/v1/session").await;
    let text = String::from_utf8_lossy(&text.body).into_owned();
    assert!(text.contains("ledger.read"), "the auditor is confirmed: {text}");
    assert!(!text.contains("change.approve"), "the change manager is not: {text}");
    assert!(!text.contains("account.manage"), "nobody made her administrator: {text}");
    // Groups that are no list of texts confirm nothing.
    for groups in
        [json!("cab"), json!(["CAB"]), json!({"cab": true}), json!([["cab"]]), Value::Null]
    {
        let back = world.login("", |idp| idp.claims["groups"] = groups.clone()).await;
        let text = world.get(&session(&back), "/api/v1/session").await;
        assert!(!String::from_utf8_lossy(&text.body).contains("ledger.read"), "{groups}");
    }
}

#[tokio::test]
async fn a_token_has_no_more_than_the_last_login_confirmed() {
    let roles = [
        ("cab".to_owned(), ["auditor".to_owned()].into()),
        ("change".to_owned(), ["change_manager".to_owned()].into()),
    ];
    let map = GroupMap { claim: "groups".into(), roles: roles.into() };
    let world = World::start(Some(map)).await;
    let groups = async |said: Value| {
        let back = world.login("", |idp| idp.claims["groups"] = said.clone()).await;
        session(&back)
    };
    let cookie = groups(json!(["cab", "change"])).await;
    let csrf = world.get(&cookie, "/api/v1/session").await.json()["csrf_token"].clone();
    let headers = [
        ("host", "sluice.test.example"),
        ("origin", PUBLIC),
        ("cookie", &cookie),
        ("x-csrf-token", csrf.as_str().unwrap_or_default()),
        ("content-type", "application/json"),
    ];
    let person = world.app.engine.person_by_handle("dora");
    let wish = json!({"label": "laptop", "kind": "person", "person": person, "expires_in_hours": 24,
        "permissions": ["change.edit", "ledger.read"]});
    let wish = Body::from(wish.to_string());
    let made = world.app.send(request(Method::POST, "/api/v1/tokens", "", &headers, wish)).await;
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["secret"].as_str().expect("a secret").to_owned();
    let may = async || world.app.get(&token, "/api/v1/whoami").await.json()["permissions"].clone();
    assert_eq!(may().await, json!(["change.edit", "ledger.read"]));
    groups(json!(["cab"])).await;
    assert_eq!(may().await, json!(["ledger.read"]), "she left the group");
    groups(json!([])).await;
    assert_eq!(may().await, json!([]));
    groups(json!(["cab", "change"])).await;
    assert_eq!(may().await, json!(["change.edit", "ledger.read"]));
}

#[expect(clippy::too_many_lines, reason = "a list, one lie a line")]
#[tokio::test]
async fn a_provider_that_lies_lets_nobody_in() {
    type Lie = (&'static str, Box<dyn Fn(&mut Idp)>);
    let claim = |name: &'static str, value: Value| -> Lie {
        (name, Box::new(move |idp| idp.claims[name] = value.clone()))
    };
    let metadata = |name: &'static str, value: Value| -> Lie {
        (name, Box::new(move |idp| idp.metadata[name] = value.clone()))
    };
    let token = |name: &'static str, value: Value| -> Lie {
        (name, Box::new(move |idp| drop(idp.token.insert(name.into(), value.clone()))))
    };
    let back = |name: &'static str, value: Option<&'static str>| -> Lie {
        let alter = move |idp: &mut Idp| {
            idp.back.retain(|(known, _)| known != name);
            idp.back.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        };
        (name, Box::new(alter))
    };
    let world = World::start(None).await;
    let now = world.app.clock.now().as_second();
    let other = Signer::new("k1");
    let stranger = Signer::new("k9");
    let lies: Vec<Lie> = vec![
        claim("iss", json!("https://evil.example")),
        claim("iss", json!("https://login.test.example/")),
        claim("aud", json!("another")),
        claim("aud", json!(["sluice", "another"])),
        claim("aud", json!([])),
        claim("aud", Value::Null),
        claim("azp", json!("another")),
        claim("azp", json!(["sluice"])),
        claim("nonce", json!("another")),
        claim("nonce", json!(["another"])),
        claim("nonce", Value::Null),
        claim("sub", json!("00u1AB")),
        claim("sub", json!("dora@test.example")),
        claim("sub", json!("")),
        claim("sub", json!(7)),
        claim("sub", Value::Null),
        claim("exp", json!(now)),
        claim("exp", json!("soon")),
        claim("iat", json!(now - 301)),
        claim("iat", json!(now + 600)),
        claim("nbf", json!(now + 600)),
        claim("at_hash", json!("another")),
        claim("at_hash", json!(7)),
        metadata("issuer", json!("https://evil.example")),
        metadata("issuer", Value::Null),
        metadata("authorization_endpoint", json!("https://evil.example/authorize")),
        metadata("authorization_endpoint", json!("javascript:alert(1)")),
        metadata("token_endpoint", json!("https://169.254.169.254/token")),
        metadata("token_endpoint", json!("http://login.test.example/token")),
        metadata("token_endpoint", json!("https://login.test.example@evil.example/")),
        metadata("jwks_uri", json!("https://evil.example/jwks")),
        metadata("jwks_uri", Value::Null),
        token("token_type", json!("mac")),
        token("token_type", Value::Null),
        token("id_token", Value::Null),
        token("id_token", json!("a.b.c")),
        token("id_token", json!(["a.b.c"])),
        token("access_token", json!("another")),
        back("state", Some("another")),
        back("state", None),
        back("iss", Some("https://evil.example")),
        back("iss", None),
        back("code", None),
        back("code", Some("")),
        back("error", Some("access_denied")),
        ("status", Box::new(|idp| idp.token_status = 400)),
        ("status", Box::new(|idp| idp.token_status = 302)),
        ("none", Box::new(|idp| idp.signed = Some(unsigned(&idp.claims)))),
        ("another key", Box::new(move |idp| idp.signed = Some(other.token(&idp.claims)))),
        ("unknown key", Box::new(move |idp| idp.signed = Some(stranger.token(&idp.claims)))),
    ];
    assert!(lies.len() >= 30);
    assert_eq!(world.login("", |_| {}).await.status, 303);
    for (name, lie) in lies {
        let answered = world.login("", &lie).await;
        let code = answered.code();
        let named = ["oidc_refused", "login_not_declared"].contains(&code.as_str());
        assert!(answered.status == 401 && named, "{name}: {} {code}", answered.status);
        assert!(session(&answered).is_empty(), "{name}");
    }
}

fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    format!("{}.{}.", part(&json!({"alg": "none"})), part(claims))
}

#[tokio::test]
async fn keys_that_the_provider_takes_back_are_no_keys() {
    let world = World::start(None).await;
    let answered = world.login("", |idp| idp.jwks = r#"{"keys":[]}"#.into()).await;
    assert_eq!(told(&answered), (503, "keys_unavailable".into()));
    for failure in [Failure::Tls, Failure::TooLarge, Failure::Timeout { sent: true }] {
        world.app.net.fail(&format!("{ISSUER}/.well-known/openid-configuration"), failure);
        let begun = world.get("", "/auth/oidc/start?provider=corp").await;
        assert_eq!(told(&begun), (503, "provider_unavailable".into()));
    }
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_for_ten_minutes() {
    let world = World::start(None).await;
    let metadata = world.idp().metadata.to_string();
    let url = format!("{ISSUER}/.well-known/openid-configuration");
    world.app.net.answer(&url, 200, metadata);
    let begin = async || {
        let begun = world.get("", "/auth/oidc/start?provider=corp").await;
        let cookie = begun.header("set-cookie").to_owned();
        assert!(cookie.contains("HttpOnly; SameSite=Lax; Secure"), "{cookie}");
        let state = begun.header("location").split("state=").nth(1).unwrap_or_default();
        let state = state.split('&').next().unwrap_or_default().to_owned();
        (cookie.split(';').next().unwrap_or_default().to_owned(), state)
    };
    let back = |state: &str| format!("/auth/oidc/callback?code=c&iss={ISSUER}&state={state}");
    let (cookie, state) = begin().await;
    let (other, _) = begin().await;
    assert_eq!(told(&world.get("", &back(&state)).await), (400, "login_not_begun".into()));
    assert_eq!(told(&world.get(&other, &back(&state)).await), (401, "oidc_refused".into()));
    // In a browser it is a page, and no way round to the login.
    let headers = [("host", "sluice.test.example"), ("accept", "text/html,*/*;q=0.8")];
    let seen = request(Method::GET, &back(&state), "", &headers, Body::empty());
    let seen = world.app.send(seen).await;
    assert_eq!((seen.status, seen.header("content-type")), (400, "text/html; charset=utf-8"));
    assert!(seen.text().contains("begin again"), "{}", seen.text());
    let _ = world.get(&cookie, &back("another")).await;
    assert_eq!(told(&world.get(&cookie, &back(&state)).await), (400, "login_not_begun".into()));
    let (cookie, state) = begin().await;
    world.app.clock.advance(Duration::from_secs(601));
    assert_eq!(told(&world.get(&cookie, &back(&state)).await), (400, "login_not_begun".into()));
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_afterwards() {
    let world = World::start(None).await;
    for then in
        ["//evil.example", "https://evil.example", "/%5cevil.example\\", "evil", "/\\evil", ""]
    {
        let then = then.replace('\\', "%5C").replace("//", "%2F%2F");
        let begun = world.get("", &format!("/auth/oidc/start?provider=corp&then={then}")).await;
        let code = begun.code();
        assert!(begun.status == 400 && code == "query_invalid", "{then}: {} {code}", begun.status);
    }
    assert_eq!(world.get("", "/auth/oidc/start?provider=other").await.status, 404);
}

#[tokio::test]
async fn a_new_proof_is_one_that_was_given_now() {
    let world = World::start(None).await;
    let old = world.login("&fresh=true", |idp| {
        idp.claims["auth_time"] = json!(idp.claims["iat"].as_i64().unwrap_or_default() - 3600);
    });
    assert_eq!(told(&old.await), (401, "oidc_refused".into()));
    let silent = world.login("&fresh=true", |idp| idp.claims["auth_time"] = Value::Null).await;
    assert_eq!(told(&silent), (401, "oidc_refused".into()));
    assert_eq!(world.login("&fresh=true", |_| {}).await.status, 303);
}
