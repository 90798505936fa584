//! An engine with the example company, its people and its pipeline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_core::change::{ApprovalVerdict, Change};
use sluice_core::gate::{Observed, Question};
use sluice_core::ids::{ChangeNumber, CommitId, DeploymentNumber, Digest};
use sluice_core::organisation::SecretRef;
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_engine::organisation_files::Folder;
use sluice_engine::{
    ApprovalInput, Caller, CallerKind, Client, Delivery, Engine, EngineError, EngineOptions,
    GateAnswer, NewSession, NewToken, Received, Redeemed, Secrets, StartDetails,
};
use sluice_testkit::{FakeClock, NamedSecrets, SeededRng};

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<FakeClock>,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) admin: Caller,
    pub(crate) pipeline: Caller,
    keys: std::cell::Cell<u64>,
}

pub(crate) fn open(dir: &std::path::Path, clock: &Arc<FakeClock>, seed: u64) -> Engine {
    open_among(dir, clock, seed, Arc::new(sluice_engine::outbound::Nowhere))
}

/// The same among neighbours.
pub(crate) fn open_among(
    dir: &std::path::Path,
    clock: &Arc<FakeClock>,
    seed: u64,
    net: Arc<dyn sluice_engine::outbound::Net>,
) -> Engine {
    Engine::open(EngineOptions {
        net,
        public_url: Some("https://sluice.acme.example".to_owned()),
        origin: Some("acme.example/sluice".to_owned()),
        clock: Arc::clone(clock) as _,
        rng: Arc::new(SeededRng::new(seed)),
        secrets: Arc::new(NamedSecrets),
        ..EngineOptions::new(dir)
    })
    .unwrap()
}

pub(crate) fn acme() -> Folder {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/acme"));
    let mut folder = Folder::default();
    let mut pending = vec![root.to_path_buf()];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                folder.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    folder
}

impl World {
    /// The example company on a Wednesday morning.
    pub(crate) async fn start() -> Self {
        let clock = Arc::new(FakeClock::at("2026-03-04T10:00:00Z"));
        Self::among(&clock, Arc::new(sluice_engine::outbound::Nowhere), &acme()).await
    }

    /// A company among neighbours.
    pub(crate) async fn among(
        clock: &Arc<FakeClock>,
        net: Arc<dyn sluice_engine::outbound::Net>,
        folder: &Folder,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::clone(clock);
        let engine = open_among(dir.path(), &clock, 1, net);
        let first = engine.bootstrap_token().await.unwrap().unwrap();
        let admin = engine.authenticate(&first).unwrap();
        engine.apply(&admin, folder, "test", None).await.unwrap();
        let mut world = Self {
            engine,
            clock,
            dir,
            pipeline: admin.clone(),
            admin,
            keys: std::cell::Cell::new(0),
        };
        world.pipeline = world
            .token(
                CallerKind::Pipeline,
                None,
                &[Permission::GateEvaluate, Permission::GateRedeem, Permission::DeploymentReport],
            )
            .await;
        world
    }

    pub(crate) async fn token(
        &self,
        kind: CallerKind,
        person: Option<&str>,
        permissions: &[Permission],
    ) -> Caller {
        let new = NewToken {
            label: "test".into(),
            kind,
            person: person.map(|handle| self.engine.person_by_handle(handle).unwrap()),
            permissions: permissions.iter().copied().collect(),
            scope: Scope::default(),
            expires_in_hours: 24 * 90,
        };
        let made = self.engine.create_token(&self.admin, new).await.unwrap();
        self.engine.authenticate(&made.value.secret).unwrap()
    }

    /// A person who has just logged in.
    pub(crate) async fn person(&self, handle: &str) -> Caller {
        let new = NewSession {
            person: self.engine.person_by_handle(handle).unwrap(),
            client: Client::Cli,
            methods: ["password".to_owned()].into(),
            auth_time: None,
            narrowed_to: None,
            groups: None,
        };
        let opened = self.engine.open_session(new).await.unwrap();
        self.engine.authenticate(&opened.value.secret).unwrap()
    }

    pub(crate) fn key(&self) -> String {
        self.keys.set(self.keys.get() + 1);
        format!("key-{}", self.keys.get())
    }

    /// Asks; a push to a side branch has told before who wrote the commit.
    pub(crate) async fn ask(&self, question: Question) -> GateAnswer {
        if !self.engine.standing().sources.contains_key(&question.commit) {
            self.pushed("refs/heads/topic", &[(&question.commit, "chidi-acme")]).await;
        }
        self.ask_unheard(question).await
    }

    /// A push of commits with their authors' accounts, oldest first.
    pub(crate) async fn pushed(&self, branch: &str, commits: &[(&CommitId, &str)]) {
        self.pushed_onto(branch, &commit_id(99), commits).await;
    }

    /// The same onto a commit; onto no commit where the branch begins.
    pub(crate) async fn pushed_onto(
        &self,
        branch: &str,
        before: &CommitId,
        commits: &[(&CommitId, &str)],
    ) {
        let listed: Vec<_> = commits
            .iter()
            .map(|(commit, author)| {
                serde_json::json!({"id": commit.as_str(), "message": "Round amounts", "timestamp": "2026-03-04T09:00:00Z",
                    "author": {"name": author, "username": author},
                    "committer": {"name": "GitHub", "email": "noreply@github.com", "username": "web-flow"},
                    "added": [], "removed": [], "modified": ["src/amounts.rs"], "distinct": true, "url": "https://x", "tree_id": "x"})
            })
            .collect();
        let (tip, pusher) = commits.last().unwrap();
        let body = serde_json::json!({
            "ref": branch, "before": before.as_str(), "after": tip.as_str(), "created": false,
            "deleted": false, "forced": false, "compare": "https://github.com/acme/payments/compare/a...b",
            "repository": {"id": 1, "full_name": "acme/payments", "default_branch": "main", "html_url": "https://github.com/acme/payments"},
            "sender": {"login": pusher, "id": 2, "type": "User"}, "pusher": {"name": pusher},
            "head_commit": null, "commits": listed,
        });
        self.github("push", &format!("pushed-{}-{}", branch.replace('/', "-"), tip), &body).await;
    }

    /// Takes it from pipelines who wrote a commit.
    pub(crate) async fn believe_pipelines(&self) {
        let mut folder = acme();
        let text = std::str::from_utf8(folder.get("sluice.yaml").unwrap()).unwrap();
        let text = text.replace("settings:\n", "settings:\n  authorship: reported\n");
        folder.insert("sluice.yaml", text.into_bytes());
        self.engine.apply(&self.admin, &folder, "test", None).await.unwrap();
    }

    /// Asks, whatever was heard of the commit.
    pub(crate) async fn ask_unheard(&self, question: Question) -> GateAnswer {
        self.engine.ask(&self.pipeline, &self.key(), [0; 32], question, None).await.unwrap()
    }

    pub(crate) async fn redeem(
        &self,
        answer: &GateAnswer,
        artifacts: BTreeSet<Digest>,
    ) -> Result<Redeemed, EngineError> {
        let pass = answer.pass.as_ref().unwrap().id.clone();
        let observed = Observed { artifacts, ..Observed::default() };
        let redeemed = self
            .engine
            .redeem(&self.pipeline, &self.key(), [0; 32], &pass, observed, StartDetails::default())
            .await?;
        Ok(redeemed.value)
    }

    pub(crate) async fn report(&self, number: DeploymentNumber, report: serde_json::Value) {
        let report = serde_json::from_value(report).unwrap();
        self.engine
            .deployment_outcome(&self.pipeline, &self.key(), [0; 32], number, report)
            .await
            .unwrap();
    }

    pub(crate) fn change(&self, number: ChangeNumber) -> Change {
        self.engine.change(number).unwrap().unwrap()
    }

    pub(crate) async fn approve(
        &self,
        who: &Caller,
        number: ChangeNumber,
    ) -> Result<(), EngineError> {
        let revision = self.change(number).revision.digest;
        let input = ApprovalInput {
            verdict: ApprovalVerdict::Approve,
            revision,
            reason: "looked at it".into(),
            on_behalf_of: None,
        };
        self.engine.approve(who, number, None, input).await.map(|_| ())
    }

    /// A signed GitHub delivery, taken in and interpreted.
    pub(crate) async fn github(&self, event: &str, id: &str, body: &serde_json::Value) {
        let bytes = serde_json::to_vec(body).unwrap();
        let secret = NamedSecrets.find(&SecretRef::Env("ACME_GITHUB_SECRET".into())).unwrap();
        let mac = sluice_connectors::kit::signature::hmac_sha256(&secret, &bytes);
        let delivery = Delivery::of_body(bytes, self.engine.now())
            .with_header("content-type", "application/json")
            .with_header("x-github-event", event)
            .with_header("x-github-delivery", id)
            .with_header(
                "x-hub-signature-256",
                &format!("sha256={}", data_encoding::HEXLOWER.encode(&mac)),
            );
        self.hear("github", delivery).await;
    }

    /// A delivery by a link, taken in and interpreted.
    pub(crate) async fn hear(&self, link: &str, delivery: Delivery) {
        let hook = self.engine.hook_of(&sluice_core::ids::LinkName::parse(link).unwrap());
        match self.engine.receive(&hook, delivery).await {
            Received::Stored { .. } => {}
            other => panic!("the delivery was not stored: {other:?}"),
        }
        while self.engine.interpret_inbox().await.unwrap() > 0 {}
    }
}

/// A question about a service, with evidence that passed.
pub(crate) fn question(service: &str, commit: u8, run: u32) -> Question {
    serde_json::from_value(serde_json::json!({
        "service": service,
        "environment": "production",
        "version": format!("1.{commit}.0"),
        "commit": commit_id(commit).as_str(),
        "artifacts": [digest(commit).as_str()],
        "run": {"system": "github:github.com", "id": format!("acme/{service}/{run}"), "attempt": 1},
        "evidence": [
            {"type": "test_report", "name": "unit tests", "status": "passed"},
            {"type": "scan", "name": "dependency scan", "status": "passed"},
            {"type": "rollback_plan", "name": "plan", "status": "neutral"},
        ],
        "lines_changed": 20,
    }))
    .unwrap()
}

pub(crate) fn commit_id(seed: u8) -> CommitId {
    CommitId::parse(&format!("{seed:02x}").repeat(20)).unwrap()
}

pub(crate) fn digest(seed: u8) -> Digest {
    Digest::of(&[seed])
}

/// The rules of the reasons that are against.
pub(crate) fn against(answer: &GateAnswer) -> Vec<String> {
    let mut rules: BTreeMap<usize, String> = BTreeMap::new();
    for (index, reason) in answer.reasons.iter().enumerate() {
        if reason.effect != sluice_core::verdict::Effect::Note {
            rules.insert(index, reason.rule.clone());
        }
    }
    rules.into_values().collect()
}
