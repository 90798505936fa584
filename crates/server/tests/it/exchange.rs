//! Pipelines without secrets: whose token becomes a session, for what, and how often.

use std::time::Duration;

use axum::body::Body;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_engine::Clock;
use sluice_engine::outbound::Failure;
use sluice_testkit::{Answered, ORGANISATION, Signer, TestApp, request};

use crate::description::holds;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const KEYS: &str = "https://token.actions.githubusercontent.com/.well-known/jwks";
const GITLAB_KEYS: &str = "https://git.test.example/oauth/discovery/keys";
const JENKINS_KEYS: &str = "https://ci.test.example/oidc/jwks";
const COMMIT: &str = "0123456789012345678901234567890123456789";

const TRUST: &str = r#"
trust:
  - name: shop-production
    issuer: github
    claims:
      repository_id: 1234
      repository_owner_id: "42"
      environment: production
      job_workflow_ref: test/workflows/.github/workflows/deploy.yml@refs/heads/main
      event_name: [push, workflow_dispatch, pull_request]
      runner_environment: github-hosted
    scope: {services: [shop], environments: [production]}
  - name: shop-staging
    issuer: github
    claims: {repository_id: "1234", environment: staging}
    scope: {services: [shop], environments: [staging]}
    permissions: [gate.evaluate]
  - name: shop-gitlab
    issuer: {system: gitlab, url: "https://git.test.example"}
    claims: {project_id: "7", ref_protected: true}
    scope: {services: [shop]}
  - name: shop-jenkins
    issuer: {system: jenkins, url: "https://ci.test.example/oidc", max_age_minutes: 60}
    claims: {sub: "https://ci.test.example/job/acme/job/shop/"}
    scope: {services: [shop]}
"#;

struct World {
    app: TestApp,
    signer: Signer,
}

impl World {
    async fn start() -> Self {
        let app = TestApp::empty().await;
        app.apply(&[("sluice.yaml", ORGANISATION), ("trust.yaml", TRUST)]).await;
        let signer = Signer::new("k1");
        for url in [KEYS, GITLAB_KEYS, JENKINS_KEYS] {
            app.net.answer(url, 200, signer.jwks());
        }
        Self { app, signer }
    }

    fn now(&self) -> i64 {
        let now: Timestamp = self.app.clock.now();
        now.as_second()
    }

    /// The claims of a job that deploys to production.
    fn github(&self, jti: &str) -> Value {
        let now = self.now();
        json!({
            "iss": GITHUB, "aud": self.app.engine.audience(), "jti": jti,
            "sub": "repo:test@42/shop@1234:environment:production",
            "iat": now, "nbf": now - 5, "exp": now + 300,
            "repository": "Test/Shop", "repository_id": "1234", "repository_owner": "test",
            "repository_owner_id": "42", "environment": "production", "event_name": "push",
            "job_workflow_ref": "test/workflows/.github/workflows/deploy.yml@refs/heads/main",
            "runner_environment": "github-hosted", "run_id": "77", "run_attempt": "2",
            "actor": "carol-of-github", "ref": "refs/heads/main", "sha": COMMIT,
        })
    }

    async fn show(&self, claims: &Value) -> Answered {
        exchange(&self.app, &self.signer.token(claims)).await
    }
}

async fn exchange(app: &TestApp, token: &str) -> Answered {
    let form = format!(
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token={token}\
         &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aid_token"
    );
    post(app, &form).await
}

async fn post(app: &TestApp, form: &str) -> Answered {
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let body = Body::from(form.to_owned());
    app.send(request(Method::POST, "/api/v1/token/exchange", "", &headers, body)).await
}

fn question(id: &str, attempt: u32, environment: &str) -> Value {
    json!({
        "service": "shop", "environment": environment, "commit": COMMIT,
        "run": {"system": "github:github.com", "id": id, "attempt": attempt},
    })
}

fn told(answered: &Answered) -> (u16, String) {
    (answered.status, answered.code())
}

#[tokio::test]
async fn a_job_gets_a_session_for_its_own_run() {
    let world = World::start().await;
    let app = &world.app;
    let answered = world.show(&world.github("a")).await;
    assert_eq!(answered.status, 200, "{:?}", answered.json());
    let reply = answered.json();
    holds("ExchangeReply", &reply);
    assert_eq!(reply["rule"], "shop-production");
    assert_eq!(reply["expires_in"], 300);
    assert_eq!(reply["run"]["id"], "test/shop/77");
    let session = reply["access_token"].as_str().expect("a secret").to_owned();

    let ask = |key: &'static str, body: Value| {
        let session = session.clone();
        async move { app.post(&session, "/api/v1/gate", &[("idempotency-key", key)], &body).await }
    };
    let own = ask("1", question("test/shop/77", 2, "production")).await;
    assert_eq!(own.status, 200, "{:?}", own.json());
    for (key, body) in [
        ("2", question("test/shop/77", 1, "production")),
        ("3", question("test/shop/78", 2, "production")),
    ] {
        assert_eq!(told(&ask(key, body).await), (403, "session_of_other_run".into()));
    }
    let elsewhere = ask("4", question("test/shop/77", 2, "staging")).await;
    assert_ne!(elsewhere.json()["decision"], "allow", "the rule is for production only");
    assert_eq!(told(&app.get(&session, "/api/v1/changes").await).0, 403);

    // Who started the run is known from the token, and is a stranger here.
    let runs = app.engine.standing();
    let seen = runs.runs.values().next().expect("the run was seen");
    assert_eq!(seen.involved.len(), 1);

    app.clock.advance(Duration::from_secs(301));
    let late = ask("5", question("test/shop/77", 2, "production")).await;
    assert_eq!(told(&late), (401, "token_refused".into()));
}

#[tokio::test]
async fn a_token_is_taken_once() {
    let world = World::start().await;
    let token = world.signer.token(&world.github("a"));
    assert_eq!(exchange(&world.app, &token).await.status, 200);
    assert_eq!(told(&exchange(&world.app, &token).await), (403, "exchange_refused".into()));
    // Signed anew with the same id, it is the same token.
    let mut again = world.github("a");
    again["sub"] = json!("another");
    assert_eq!(world.show(&again).await.status, 403);
    assert_eq!(world.show(&world.github("b")).await.status, 200);
    // And once only, however many show it at the same time.
    let token = world.signer.token(&world.github("c"));
    let tries = (0..20).map(|_| exchange(&world.app, &token));
    let taken = futures_util::future::join_all(tries).await;
    assert_eq!(taken.iter().filter(|answered| answered.status == 200).count(), 1);
}

#[tokio::test]
async fn a_token_is_taken_once_whatever_the_rules_come_to_say_of_its_age() {
    let world = World::start().await;
    let mut claims = world.github("a");
    claims["exp"] = json!(world.now() + 3_000);
    let token = world.signer.token(&claims);
    assert_eq!(exchange(&world.app, &token).await.status, 200);
    world.app.clock.advance(Duration::from_secs(900));
    assert_eq!(told(&exchange(&world.app, &token).await), (403, "exchange_refused".into()));
    assert_eq!(world.show(&world.github("b")).await.status, 200, "what is over is forgotten");
    let older = TRUST.replace("issuer: github", "issuer: {system: github, max_age_minutes: 60}");
    world.app.apply(&[("sluice.yaml", ORGANISATION), ("trust.yaml", &older)]).await;
    let again = exchange(&world.app, &token).await;
    assert!(again.text().contains("the token was shown before"), "{again:?}");
    claims["jti"] = json!("c");
    assert_eq!(world.show(&claims).await.status, 200, "one as old that was not shown is taken");
}

#[tokio::test]
async fn whoever_is_not_remembered_of_a_run_is_nobody_who_could_approve() {
    let many = 200;
    let people: String = (0..many)
        .map(|one| {
            format!(
                "  - {{handle: dev-{one}, name: Dev {one}, accounts: [\"github:dev-{one}\"]}}\n"
            )
        })
        .collect();
    let world = World::start().await;
    let app = &world.app;
    let files = ORGANISATION.replacen("teams:", &format!("{people}teams:"), 1);
    app.apply(&[("sluice.yaml", &files), ("trust.yaml", TRUST)]).await;
    let started_by = async |actor: String| {
        let mut claims = world.github(&actor);
        claims["actor"] = json!(actor);
        assert_eq!(world.show(&claims).await.status, 200);
        app.engine.standing().runs.values().next().expect("the run was seen").clone()
    };
    crate::hooks::pushed(app, "shop", 1).await;
    let mut asks = crate::gate::question("shop", 1);
    asks["run"] = question("test/shop/77", 2, "production")["run"].clone();
    let answer = async |key: &str| crate::gate::ask(app, key, &asks).await.json();
    for one in 0..many {
        started_by(format!("dev-{one}")).await;
    }
    let asked = answer("before").await;
    let change = asked["change"].as_str().expect("a change").to_owned();
    let approve = async |who: &str| {
        let wish = json!({"revision": asked["revision"], "reason": "seen"});
        let path = format!("/api/v1/changes/{change}/approve");
        let approved = app.post(&app.logged_in(who).await, &path, &[], &wish).await;
        assert_eq!(approved.status, 200, "{approved:?}");
    };
    approve("bob").await;
    assert_eq!(answer("two").await["answer"], "allow", "all who started it are known");
    app.clock.advance(Duration::from_secs(301));

    // Bob starts it, too, and there is no room left for him: he is not forgotten, nobody is believed.
    let full = started_by("bob".into()).await;
    assert_eq!(full.involved.len(), many + 1);
    assert_eq!(started_by("alice".into()).await, full, "no more is kept");
    let reasons = answer("three").await;
    assert_eq!(reasons["answer"], "wait", "{reasons:#}");
    assert!(reasons.to_string().contains("belongs to nobody known"), "{reasons:#}");
}

#[tokio::test]
async fn a_claim_that_does_not_fit_is_a_refusal() {
    let world = World::start().await;
    for (claim, value) in [
        ("repository_id", json!("1235")),
        ("repository_id", json!("12345")),
        ("repository_id", json!("")),
        ("repository_id", json!(["1234"])),
        ("repository_id", Value::Null),
        ("repository_owner_id", json!("43")),
        ("environment", json!("Production")),
        ("environment", json!("production ")),
        ("environment", json!("dev")),
        ("job_workflow_ref", json!("test/workflows/.github/workflows/deploy.yml@refs/heads/x")),
        ("runner_environment", json!("self-hosted")),
        ("event_name", json!("issue_comment")),
        ("event_name", json!("pull_request")),
        ("event_name", json!("pull_request_target")),
        ("event_name", Value::Null),
        ("run_id", json!("77/../78")),
        ("run_id", json!(77)),
        ("run_attempt", json!("two")),
        ("aud", json!("sluice:another.example/log")),
        ("aud", json!([world.app.engine.audience()])),
        ("iss", json!("https://token.actions.githubusercontent.com/acme")),
        ("iss", json!("https://evil.example")),
        ("iat", json!(world.now() - 601)),
        ("exp", json!(world.now())),
        ("exp", json!((world.now() + 300).to_string())),
        ("jti", Value::Null),
        ("nbf", Value::Null),
    ] {
        let mut claims = world.github("x");
        claims[claim] = value.clone();
        let answered = world.show(&claims).await;
        assert_eq!(told(&answered), (403, "exchange_refused".into()), "{claim} = {value}");
    }
    // A repository that was renamed is still the same one, and one that took its name is not.
    let mut renamed = world.github("r");
    renamed["repository"] = json!("test/shop-renamed");
    assert_eq!(world.show(&renamed).await.status, 200);
}

#[tokio::test]
async fn what_is_not_merged_reaches_what_is_not_production() {
    let world = World::start().await;
    let mut claims = world.github("p");
    claims["event_name"] = json!("pull_request");
    claims["environment"] = json!("staging");
    let answered = world.show(&claims).await;
    assert_eq!(answered.status, 200);
    assert_eq!(answered.json()["rule"], "shop-staging");
    assert_eq!(answered.json()["scope"], "gate.evaluate");
}

#[tokio::test]
async fn gitlab_and_jenkins_are_understood() {
    let world = World::start().await;
    let now = world.now();
    let gitlab = json!({
        "iss": "https://git.test.example", "aud": world.app.engine.audience(), "jti": "g",
        "sub": "project_path:acme/shop:ref_type:branch:ref:main", "iat": now, "nbf": now,
        "exp": now + 3600, "project_id": "7", "ref_protected": "true", "pipeline_id": "1042",
        "pipeline_source": "push", "user_login": "alice", "runner_id": 3,
    });
    let answered = world.show(&gitlab).await;
    assert_eq!(answered.status, 200, "{:?}", answered.json());
    assert_eq!(answered.json()["run"]["system"], "gitlab:git.test.example");
    let mut proposal = gitlab.clone();
    (proposal["jti"], proposal["pipeline_source"]) = (json!("h"), json!("merge_request_event"));
    assert_eq!(world.show(&proposal).await.status, 403);

    // No `jti` and no `nbf`: the token itself is taken once.
    let jenkins = json!({
        "iss": "https://ci.test.example/oidc", "aud": world.app.engine.audience(),
        "sub": "https://ci.test.example/job/acme/job/shop/", "build_number": 42,
        "iat": now - 1800, "exp": now + 1800,
    });
    let token = world.signer.token(&jenkins);
    let answered = exchange(&world.app, &token).await;
    assert_eq!(answered.status, 200, "{:?}", answered.json());
    assert_eq!(answered.json()["run"]["id"], "acme/shop/42");
    assert_eq!(exchange(&world.app, &token).await.status, 403);
}

#[tokio::test]
async fn keys_are_kept_renewed_and_never_skipped() {
    let world = World::start().await;
    let app = &world.app;
    let fetched = || app.net.sent(KEYS).len();
    assert_eq!(world.show(&world.github("1")).await.status, 200);
    assert_eq!(world.show(&world.github("2")).await.status, 200);
    assert_eq!(fetched(), 1);

    // An unknown key makes them be fetched anew, but not at everybody's whim.
    let other = Signer::new("k2");
    app.clock.advance(Duration::from_secs(61));
    for _ in 0..20 {
        let answered = exchange(app, &other.token(&world.github("3"))).await;
        assert_eq!(told(&answered), (403, "exchange_refused".into()));
    }
    assert_eq!(fetched(), 2);
    app.net.answer(KEYS, 200, other.jwks());
    app.clock.advance(Duration::from_secs(61));
    assert_eq!(exchange(app, &other.token(&world.github("4"))).await.status, 200);
    assert_eq!(fetched(), 3);

    // Without keys nothing is believed, and nothing is called untrue either.
    app.net.fail(KEYS, Failure::Timeout { sent: true });
    app.clock.advance(Duration::from_secs(14 * 60));
    assert_eq!(exchange(app, &other.token(&world.github("5"))).await.status, 200);
    app.clock.advance(Duration::from_secs(120));
    for _ in 0..5 {
        let answered = exchange(app, &other.token(&world.github("6"))).await;
        assert_eq!(told(&answered), (503, "keys_unavailable".into()));
        assert_eq!(answered.header("retry-after"), "60");
    }
    assert_eq!(fetched(), 4);
    for (status, body) in
        [(500, other.jwks()), (200, "<html>".into()), (200, r#"{"keys":[]}"#.into())]
    {
        app.net.answer(KEYS, status, body);
        app.clock.advance(Duration::from_secs(61));
        let answered = exchange(app, &other.token(&world.github("7"))).await;
        assert_eq!(told(&answered), (503, "keys_unavailable".into()));
    }
}

#[tokio::test]
async fn a_clock_that_was_wrong_for_a_moment_leaves_nothing_behind() {
    // The keys are not at hand while the clock is a year ahead, or they are while it is two days ahead.
    for (wrong, at_hand) in [("2027-03-04T10:00:00Z", false), ("2026-03-06T10:00:00Z", true)] {
        let world = World::start().await;
        let app = &world.app;
        let right = app.clock.now();
        assert_eq!(world.show(&world.github("1")).await.status, 200);
        app.clock.jump_to(wrong);
        if !at_hand {
            app.net.fail(KEYS, Failure::Timeout { sent: false });
        }
        assert_ne!(world.show(&world.github("2")).await.status, 200, "{wrong}");
        app.clock.jump_to(&right.to_string());
        app.clock.advance(Duration::from_secs(15 * 60));
        let other = Signer::new("k2");
        app.net.answer(KEYS, 200, other.jwks());
        let answered = exchange(app, &other.token(&world.github("3"))).await;
        assert_eq!(answered.status, 200, "{wrong}: {:?}", answered.body);
        let withdrawn = world.show(&world.github("4")).await;
        assert_eq!(told(&withdrawn), (403, "exchange_refused".into()), "{wrong}");
    }
}

#[tokio::test]
async fn a_form_that_says_something_else_is_refused() {
    let world = World::start().await;
    let token = world.signer.token(&world.github("a"));
    let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    let kind = "subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
    for form in [
        String::new(),
        "{}".to_owned(),
        format!("{grant}&{kind}"),
        format!("{grant}&subject_token={token}"),
        format!("{kind}&subject_token={token}"),
        format!("grant_type=password&{kind}&subject_token={token}"),
        format!("{grant}&{grant}&{kind}&subject_token={token}"),
        format!("{grant}&{kind}&subject_token={token}&subject_token={token}"),
        format!("{grant}&{kind}&subject_token={token}&actor_token=x"),
        format!("{grant}&subject_token={token}&subject_token_type=x"),
    ] {
        let answered = post(&world.app, &form).await;
        assert_eq!(told(&answered), (400, "body_invalid".into()), "{form:.60}");
        assert!(!String::from_utf8_lossy(&answered.body).contains("eyJ"));
    }
    let large = format!("{grant}&{kind}&subject_token={}", "x".repeat(40 << 10));
    assert_eq!(told(&post(&world.app, &large).await).0, 413);
}
