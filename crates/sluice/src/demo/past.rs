//! Three weeks of ordinary work before the story begins, and what is under way when it ends: so that every page has
//! something to say. Played through the same door as the story.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_core::approvals::{VoterStanding, electorate};
use sluice_core::ids::{ChangeNumber, PersonId};
use sluice_engine::{Caller, Clock as _, Engine};

use super::clock::StoryClock;
use super::telling::{good, step};
use super::wire::{Answered, Wire};
use super::{company, disturbed, forge};
use crate::failure::{Failure, chain};

/// One change of the past: day (working days only), hour of the day in UTC, and what it was.
struct Work {
    day: i64,
    hour: i64,
    service: &'static str,
    title: &'static str,
    path: &'static str,
    lines: u32,
    end: End,
}

/// How a change of the past ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Good,
    Failed,
    RolledBack,
    /// It is being deployed still.
    Running,
    /// It waits for people still.
    Waiting,
}

const fn work(
    day: i64,
    hour: i64,
    service: &'static str,
    title: &'static str,
    path: &'static str,
    lines: u32,
    end: End,
) -> Work {
    Work { day, hour, service, title, path, lines, end }
}

/// The three weeks.
const PAST: [Work; 34] = [
    work(0, 8, "web-shop", "Show delivery dates in the basket", "src/basket.tsx", 84, End::Good),
    work(0, 10, "docs", "Describe partial refunds", "content/refunds.md", 22, End::Good),
    work(0, 13, "search", "Rank exact matches first", "src/rank.rs", 61, End::Good),
    work(1, 9, "payments", "Retry captures after a timeout", "src/capture.rs", 48, End::Good),
    work(1, 14, "docs", "Correct the list of test cards", "content/test-cards.md", 9, End::Good),
    work(2, 8, "web-shop", "Load pictures lazily", "src/gallery.tsx", 133, End::Good),
    work(2, 11, "identity", "Renew the signing keys by the month", "src/keys.rs", 77, End::Good),
    work(3, 9, "search", "Understand plurals", "src/stem.rs", 210, End::RolledBack),
    work(3, 12, "docs", "Explain settlement times", "content/settlement.md", 31, End::Good),
    work(3, 15, "search", "Understand plurals, with a limit", "src/stem.rs", 214, End::Good),
    work(4, 9, "web-shop", "Say why a voucher is refused", "src/voucher.tsx", 39, End::Good),
    work(7, 8, "web-shop", "Remember the last address", "src/address.tsx", 71, End::Good),
    work(7, 10, "payments", "Name the bank in receipts", "src/receipt.rs", 35, End::Good),
    work(7, 14, "docs", "Add a page about webhooks", "content/webhooks.md", 118, End::Good),
    work(8, 9, "identity", "Limit attempts by address", "src/limits.rs", 92, End::Good),
    work(8, 13, "search", "Cache the common queries", "src/cache.rs", 156, End::Good),
    work(9, 8, "web-shop", "Move the cookie banner", "src/banner.tsx", 24, End::Failed),
    work(9, 10, "web-shop", "Move the cookie banner, with a test", "src/banner.tsx", 41, End::Good),
    work(9, 13, "docs", "Translate the glossary", "content/glossary.md", 64, End::Good),
    work(10, 9, "payments", "Round fees as the contract says", "src/fees.rs", 29, End::Good),
    work(10, 12, "search", "Suggest brands", "src/suggest.rs", 88, End::Good),
    work(11, 8, "docs", "Mend broken links", "content/index.md", 12, End::Good),
    work(11, 10, "web-shop", "Fold long product texts", "src/product.tsx", 57, End::Good),
    work(14, 8, "web-shop", "Offer pick-up points", "src/pickup.tsx", 240, End::Good),
    work(14, 11, "search", "Index the new help pages", "src/sources.rs", 45, End::Good),
    work(15, 9, "identity", "Sign in with passkeys", "src/passkey.rs", 410, End::Good),
    work(15, 13, "docs", "Describe passkeys", "content/passkeys.md", 73, End::Good),
    work(16, 9, "payments", "Tell apart soft and hard declines", "src/decline.rs", 66, End::Good),
    work(16, 11, "web-shop", "Show the price per unit", "src/price.tsx", 38, End::Good),
    work(
        17,
        8,
        "docs",
        "Renew the pictures of the dashboard",
        "content/dashboard.md",
        18,
        End::Good,
    ),
    work(17, 10, "search", "Drop stop words by language", "src/stop.rs", 99, End::RolledBack),
    work(17, 14, "search", "Drop stop words, English only", "src/stop.rs", 102, End::Good),
    work(18, 9, "web-shop", "Keep the basket for thirty days", "src/basket.tsx", 52, End::Good),
    work(18, 12, "docs", "Answer questions of the month", "content/faq.md", 40, End::Good),
];

/// What is under way when the story has been told. The risk of each is of the same level within business hours and outside
/// of them, so that the demonstration says the same at every hour.
const PRESENT: [Work; 6] = [
    work(
        0,
        0,
        "payments",
        "Charge by instalments",
        "src/payments/instalments.rs",
        380,
        End::Waiting,
    ),
    work(
        0,
        0,
        "identity",
        "Ask again before the mail address is changed",
        "src/mail.rs",
        120,
        End::Waiting,
    ),
    work(0, 0, "web-shop", "Show stock by shop", "src/stock.tsx", 297, End::Waiting),
    work(
        0,
        0,
        "settlement-batch",
        "Write the files of the new bank",
        "src/bank.rs",
        266,
        End::Waiting,
    ),
    work(0, 0, "search", "Group results by kind", "src/group.rs", 74, End::Running),
    work(0, 0, "search-index", "Index by shards", "databases/search/shards.sql", 26, End::Running),
];

/// Who writes and who merges, by turns.
const AUTHORS: [(&str, &str); 5] = [
    ("dana-acme", "dana.lindqvist@acme.example"),
    ("emre-acme", "emre.yildiz@acme.example"),
    ("alice-acme", "alice.archer@acme.example"),
    ("chidi-acme", "chidi.okafor@acme.example"),
    ("fatima-acme", "fatima.haddad@acme.example"),
];
/// The most approvals that one change needs.
const APPROVALS: i64 = 4;

/// Plays the past, and leads the clock to the present.
pub(super) async fn play(
    engine: &Engine,
    wire: &Wire,
    clock: &Arc<StoryClock>,
) -> Result<(), Failure> {
    step("Three weeks of ordinary work at Acme Pay");
    let first = engine.bootstrap_token().await;
    let first = first.map_err(|error| Failure::new(chain(&error), "look at the disk"))?;
    let unexpected =
        || Failure::new("the folder has an administrator already", "choose an empty folder");
    let token = first.ok_or_else(unexpected)?;
    let admin = engine.authenticate(&token).ok_or_else(unexpected)?;
    let applied = wire.post(&token, "/api/v1/organisation/apply", &company::folder(None)).await?;
    let scene = Scene::begin(engine, wire, clock, &admin, &applied).await?;
    let begin = monday_after(clock.now());
    for (number, work) in (0_u32..).zip(&PAST) {
        let at = begin.saturating_add(SignedDuration::from_hours(24 * work.day + work.hour));
        clock.lead_to(at.unwrap_or(Timestamp::MAX));
        scene.play(number, work).await?;
    }
    disturbed::past(engine, wire, clock).await?;
    clock.arrive();
    good(&format!("{} changes went through the gates", PAST.len()));
    Ok(())
}

/// Plays what is under way at present.
pub(super) async fn leave_open(
    engine: &Engine,
    wire: &Wire,
    clock: &Arc<StoryClock>,
) -> Result<(), Failure> {
    step("Work goes on: some of it moves, some of it waits");
    let token = company::visitor(engine).await?;
    let unexpected = || Failure::new("the visitor's token is not good", "report this");
    let admin = engine.authenticate(&token).ok_or_else(unexpected)?;
    let ends = clock.now().saturating_add(SignedDuration::from_hours(20)).unwrap_or(clock.now());
    let begun = clock.now().saturating_sub(SignedDuration::from_hours(3)).unwrap_or(clock.now());
    let freeze = format!(
        "windows:\n  - name: month-end-close\n    title: Month-end close\n    kind: freeze\n    scope: {{services: \
         [settlement-batch, ledger], environment_tiers: [production]}}\n    zone: UTC\n    start: {}\n    end: {}\n    grants: \
         [\"role:change_manager\"]\n    reason: The books of the month are being closed.\n",
        local(begun),
        local(ends)
    );
    let files = company::folder(Some(("calendar/month-end.yaml", freeze)));
    let applied = wire.post(&token, "/api/v1/organisation/apply", &files).await?;
    let scene = Scene::begin(engine, wire, clock, &admin, &applied).await?;
    for (number, work) in (900_u32..).zip(&PRESENT) {
        scene.play(number, work).await?;
    }
    good(&format!("{} changes are open", PRESENT.len()));
    disturbed::begin(engine, wire).await
}

struct Scene<'a> {
    engine: &'a Engine,
    wire: &'a Wire,
    clock: &'a StoryClock,
    hook: String,
    pipeline: String,
}

impl<'a> Scene<'a> {
    async fn begin(
        engine: &'a Engine,
        wire: &'a Wire,
        clock: &'a StoryClock,
        admin: &Caller,
        applied: &Answered,
    ) -> Result<Self, Failure> {
        let hooks = applied.body["hooks"].as_array().cloned().unwrap_or_default();
        let github = hooks.iter().find(|hook| hook["link"] == "github");
        let hook = github.and_then(|hook| hook["path"].as_str()).unwrap_or_default().to_owned();
        let pipeline = company::pipeline(engine, admin).await?;
        Ok(Self { engine, wire, clock, hook, pipeline })
    }

    /// From the merge to the end.
    async fn play(&self, number: u32, work: &Work) -> Result<(), Failure> {
        let turn = usize::try_from(number).unwrap_or(0);
        let author = AUTHORS.get(turn % AUTHORS.len()).copied().unwrap_or(("dana-acme", ""));
        let merger = AUTHORS.get((turn + 1) % AUTHORS.len()).map_or("emre-acme", |it| it.0);
        let (commit, repository) = (id_of(number), format!("acme/{}", work.service));
        let push = forge::push_of(
            &self.engine.standing(),
            &repository,
            &commit,
            author,
            work.title,
            work.path,
        );
        self.hear("push", number, &push).await?;
        let merge = forge::merge_of(
            &repository,
            &commit,
            (author.0, merger),
            work.title,
            work.lines.into(),
        );
        self.hear("pull_request", number, &merge).await?;
        self.clock.pass_minutes(9);
        self.through("staging", number, work, &commit, End::Good).await?;
        self.clock.pass_minutes(25 + i64::from(number * 7 % 40));
        self.through("production", number, work, &commit, work.end).await
    }

    async fn through(
        &self,
        environment: &str,
        number: u32,
        work: &Work,
        commit: &str,
        end: End,
    ) -> Result<(), Failure> {
        let question = question(environment, number, work, commit);
        let mut asked = self.wire.post(&self.pipeline, "/api/v1/gate", &question).await?;
        if end == End::Waiting {
            return Ok(());
        }
        for turn in 0..APPROVALS {
            if asked.text("/answer") == "allow" {
                break;
            }
            let Some(person) = self.who_could(asked.text("/change")) else { break };
            self.clock.pass_minutes(4 + i64::from(number * 13 % 50) + turn);
            self.approve(person, asked.text("/change")).await?;
            asked = self.wire.post(&self.pipeline, "/api/v1/gate", &question).await?;
        }
        let path = format!("/api/v1/passes/{}/redeem", asked.text("/pass/id"));
        let body = json!({"artifacts": [digest_of(number)], "commit": commit, "version": version_of(number)});
        let redeemed = self.wire.post(&self.pipeline, &path, &body).await?;
        let report = match end {
            End::Good => json!({"state": "succeeded", "health": "healthy"}),
            End::Failed => {
                json!({"state": "failed", "health": "unhealthy", "note": "the new instances did not become healthy"})
            }
            End::RolledBack => json!({"state": "rolled_back", "health": "unhealthy", "rollback": {
                "reason": "latency of the 99th percentile doubled", "automatic": true}}),
            End::Running | End::Waiting => return Ok(()),
        };
        self.clock.pass_minutes(3 + i64::from(number * 5 % 9));
        let path = format!("/api/v1/deployments/{}/outcome", redeemed.text("/deployment"));
        self.wire.post(&self.pipeline, &path, &report).await?;
        Ok(())
    }

    /// The first person whom a rule of an open change still waits for.
    fn who_could(&self, change: &str) -> Option<PersonId> {
        let standing = self.engine.standing();
        let number = ChangeNumber::parse(change).ok()?;
        let change = standing.changes.get(&number)?;
        let rules = electorate(&standing, change, self.clock.now());
        let open = rules.iter().find(|rule| rule.missing() > 0)?;
        let could = open.voters.iter().find(|it| it.standing == VoterStanding::Could)?;
        Some(could.person.clone())
    }

    /// A person logs in and says yes to what is shown.
    async fn approve(&self, person: PersonId, change: &str) -> Result<(), Failure> {
        let token = company::session(self.engine, person).await?;
        let record = self.wire.get(&token, &format!("/api/v1/changes/{change}")).await?;
        let body = json!({"revision": record.text("/revision/digest"), "reason": "read the difference, the tests pass"});
        let path = format!("/api/v1/changes/{change}/approve");
        self.wire.post(&token, &path, &body).await?;
        Ok(())
    }

    async fn hear(&self, event: &str, number: u32, body: &Value) -> Result<(), Failure> {
        let (headers, bytes) = forge::signed(event, &format!("past-{event}-{number}"), body);
        self.wire.deliver(&self.hook, &headers, bytes).await?;
        Ok(())
    }
}

fn question(environment: &str, number: u32, work: &Work, commit: &str) -> Value {
    let service = work.service;
    json!({
        "service": service, "environment": environment, "version": version_of(number),
        "commit": commit, "artifacts": [digest_of(number)],
        "run": {"system": "github:github.com", "id": format!("acme/{service}/{environment}-{number}"), "attempt": 1,
                "url": format!("https://github.com/acme/{service}/actions/runs/{number}")},
        "evidence": [
            {"type": "test_report", "name": "unit and integration tests", "status": "passed"},
            {"type": "scan", "name": "image scan", "status": "passed"},
            {"type": "rollback_plan", "name": "rollback plan", "status": "neutral"},
        ],
        "lines_changed": work.lines, "paths": [work.path],
    })
}

/// A commit id for a change of the past.
fn id_of(number: u32) -> String {
    let digest = sluice_core::ids::Digest::of(format!("commit {number}").as_bytes());
    digest.as_str().chars().skip("sha256:".len()).take(40).collect()
}

fn version_of(number: u32) -> String {
    format!("2.{}.{}", number / 10, number % 10)
}

fn digest_of(number: u32) -> String {
    sluice_core::ids::Digest::of(format!("image {number}").as_bytes()).to_string()
}

/// Midnight of the first Monday after a time, in UTC.
fn monday_after(time: Timestamp) -> Timestamp {
    let day = time.to_zoned(TimeZone::UTC).date();
    let ahead = 7 - i64::from(day.weekday().to_monday_zero_offset());
    let monday = day.saturating_add(SignedDuration::from_hours(24 * ahead));
    monday.to_zoned(TimeZone::UTC).map_or(time, |it| it.timestamp())
}

/// A time as local text of UTC.
fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
