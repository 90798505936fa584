//! A whole server without a socket: real engine, real store in a folder of its own, real router.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::organisation_files::Folder;
use sluice_engine::{
    Caller, CallerKind, Client, Engine, EngineOptions, NewSession, NewToken, OpenedSession,
};
use sluice_server::ServerOptions;
use tempfile::TempDir;
use tower::ServiceExt;

use crate::{FakeClock, FakeNet, NamedSecrets, SeededRng};

/// A small organisation: `shop` and `docs` of team `web`, `staging` and `production`, three people,
/// one approval rule for everything in production from medium risk on, a GitHub and a CDEvents link.
pub const ORGANISATION: &str = r#"
settings: {title: Test, production_environment: production}
environments:
  - {name: staging, tier: staging, controlled: false}
  - {name: production, tier: production, aliases: [prod]}
people:
  - {handle: alice, name: Alice Archer, emails: [alice@test.example], accounts: ["github:alice"], roles: [change_manager, security_officer, break_glass]}
  - {handle: bob, name: Bob Baker, emails: [bob@test.example], accounts: ["github:bob"], roles: [change_manager, security_officer, break_glass]}
  - {handle: carol, name: Carol Cruz, emails: [carol@test.example], accounts: ["github:Codertocat"], roles: [change_manager, security_officer, break_glass]}
teams:
  - {name: web, title: Web, members: [alice, bob]}
services:
  - {name: shop, title: Shop, owner: web, class: api, tier: tier-1, repositories: [github.com/test/shop, github.com/Codertocat/Hello-World]}
  - {name: docs, title: Documentation, owner: web, class: docs, tier: tier-3, repositories: [github.com/test/docs]}
approval_rules:
  - {name: owner-approval, reason: Four eyes, scope: {services: [shop], environment_tiers: [production]}, min_risk: low, approvers: {teams: ["@owner"]}}
links:
  - {name: github, connector: github, secrets: [{env: GITHUB}]}
  - {name: pipeline, connector: cdevents, secrets: [{env: CDEVENTS}], settings: {verification: token, system: "tekton:test.example"}}
"#;

/// A running server, as tests see it.
pub struct TestApp {
    /// The engine behind it.
    pub engine: Engine,
    /// The whole service.
    pub router: Router,
    /// Its clock.
    pub clock: Arc<FakeClock>,
    /// The systems that it can reach.
    pub net: Arc<FakeNet>,
    /// Secret of a token with every permission that a machine may have.
    pub admin: String,
    /// Secret of the token that the console showed; good for 15 minutes.
    pub console: String,
    dir: TempDir,
}

/// One answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answered {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answered {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("not JSON ({error}): {}", String::from_utf8_lossy(&self.body))
        })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The `code` of a problem; empty where it is none.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        // The form of SCIM has no place for it.
        body["code"].as_str().unwrap_or_else(|| self.header("x-problem-code")).to_owned()
    }

    /// A header as text; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl TestApp {
    /// A server with the usual options, an empty ledger, and nothing declared.
    pub async fn empty() -> Self {
        Self::with(ServerOptions::default()).await
    }

    /// A server with [`ORGANISATION`] applied.
    pub async fn start() -> Self {
        let app = Self::empty().await;
        app.apply(&[("sluice.yaml", ORGANISATION)]).await;
        app
    }

    /// A server with these options, an empty ledger, and nothing declared.
    pub async fn with(options: ServerOptions) -> Self {
        Self::made(options, |_, _| {}).await
    }

    /// The same with an engine that is made otherwise: its clock, and its options as they are usually.
    pub async fn made(
        options: ServerOptions,
        alter: impl FnOnce(&Arc<FakeClock>, &mut EngineOptions),
    ) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the data");
        let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00Z"));
        let net = Arc::new(FakeNet::default());
        let mut how = EngineOptions {
            net: Arc::clone(&net) as _,
            vault: sluice_engine::Vault::new(&[7; 32], None),
            origin: Some("test.example/log".to_owned()),
            clock: Arc::clone(&clock) as _,
            rng: Arc::new(SeededRng::new(1)),
            secrets: Arc::new(NamedSecrets),
            ..EngineOptions::new(dir.path())
        };
        alter(&clock, &mut how);
        let engine = Engine::open(how);
        let engine = engine.expect("an empty folder opens");
        let router = sluice_server::app(engine.clone(), options);
        let first = engine.bootstrap_token().await.expect("a first token").expect("none before");
        let mut app =
            Self { engine, router, clock, net, admin: first.clone(), console: first, dir };
        let all = Permission::ALL.iter().copied();
        let all: Vec<_> = all.filter(|permission| !permission.is_for_people()).collect();
        app.admin = app.token(&all).await;
        app
    }

    /// Stops the server, and leaves its folder.
    pub fn close(self) -> TempDir {
        drop(self.router);
        self.engine.shutdown();
        self.dir
    }

    /// The data folder.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Who the administrator's token is.
    pub fn administrator(&self) -> Caller {
        self.engine.authenticate(&self.admin).expect("the administrator's token is good")
    }

    /// A machine's token with these permissions.
    pub async fn token(&self, permissions: &[Permission]) -> String {
        self.scoped_token(permissions, Scope::default()).await
    }

    /// A machine's token with these permissions in this scope.
    pub async fn scoped_token(&self, permissions: &[Permission], scope: Scope) -> String {
        self.make(permissions, scope).await
    }

    /// What a person sends who may just this, of what their roles give: the secret of a session of the command line.
    pub async fn person(&self, handle: &str, permissions: &[Permission]) -> String {
        let narrowed_to = Some(permissions.iter().copied().collect());
        self.session(handle, Client::Cli, narrowed_to).await.secret
    }

    /// A session of a person, as if they had just proved who they are.
    pub async fn session(
        &self,
        handle: &str,
        client: Client,
        narrowed_to: Option<BTreeSet<Permission>>,
    ) -> OpenedSession {
        let person = self.engine.person_by_handle(handle);
        let new = NewSession {
            person: person.expect("the organisation declares the person"),
            client,
            methods: ["password".to_owned()].into(),
            auth_time: None,
            narrowed_to,
            groups: None,
        };
        self.engine.open_session(new).await.expect("a session is opened").value
    }

    /// What a person sends who logged in at the command line, and may all that they may.
    pub async fn logged_in(&self, handle: &str) -> String {
        self.session(handle, Client::Cli, None).await.secret
    }

    async fn make(&self, permissions: &[Permission], scope: Scope) -> String {
        let new = NewToken {
            label: "test".to_owned(),
            kind: CallerKind::Pipeline,
            person: None,
            permissions: permissions.iter().copied().collect::<BTreeSet<_>>(),
            scope,
            expires_in_hours: 24 * 90,
        };
        let created = self.engine.create_token(&self.administrator(), new).await;
        created.expect("a token is made").value.secret
    }

    /// Applies files.
    pub async fn apply(&self, files: &[(&str, &str)]) {
        let folder: Folder = files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
        let check = self.engine.check(&folder);
        assert!(check.is_sound(), "the folder has problems: {:#?}", check.problems);
        let applied = self.engine.apply(&self.administrator(), &folder, "test", None).await;
        applied.expect("the folder is applied");
    }

    /// The path at which a link is heard.
    pub fn hook(&self, link: &str) -> String {
        let standing = self.engine.standing();
        let link = standing.organisation.links.get(link).expect("the link is declared");
        format!("/hooks/{}", self.engine.hook_of(&link.name))
    }

    /// Sends a request, and leaves the body of the answer to be read.
    pub async fn open(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("a router never fails")
    }

    /// Sends a request and reads the answer to its end.
    pub async fn send(&self, request: Request<Body>) -> Answered {
        let (parts, body) = self.open(request).await.into_parts();
        let body = body.collect().await.expect("the body is read to its end").to_bytes();
        Answered { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// A `GET` with a token.
    pub async fn get(&self, token: &str, path: &str) -> Answered {
        self.send(request(Method::GET, path, token, &[], Body::empty())).await
    }

    /// A `POST` of JSON with a token and further headers.
    pub async fn post(
        &self,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answered {
        let json = [("content-type", "application/json")];
        let headers: Vec<_> = json.iter().chain(headers).copied().collect();
        let body = Body::from(body.to_string());
        self.send(request(Method::POST, path, token, &headers, body)).await
    }

    /// A form, sent as a page sends it.
    pub async fn form(&self, token: &str, path: &str, body: &str) -> Answered {
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(request(Method::POST, path, token, &headers, Body::from(body.to_owned()))).await
    }
}

/// A request with a token (none where it is empty) and headers.
pub fn request(
    method: Method,
    path: &str,
    token: &str,
    headers: &[(&str, &str)],
    body: Body,
) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body).expect("a request")
}
