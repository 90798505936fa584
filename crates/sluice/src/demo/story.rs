//! The story, step by step.

use std::net::SocketAddr;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_engine::Engine;

use super::telling::{done, expect, good, says, step};
use super::wire::{Answered, Wire};
use super::{company, forge};
use crate::failure::{Failure, chain};

/// Tells it all, and gives the token of its administrator.
pub(super) async fn tell(
    engine: &Engine,
    address: SocketAddr,
    data: &Path,
) -> Result<String, Failure> {
    let story = Story::begin(engine, address, data).await?;
    story.routine().await?;
    story.risky().await?;
    story.frozen().await?;
    story.failing().await?;
    story.urgent().await?;
    story.stopped().await?;
    story.forged().await?;
    story.proven().await?;
    done();
    Ok(story.admin_token)
}

struct Story<'a> {
    engine: &'a Engine,
    admin_token: String,
    pipeline: String,
    hook: String,
    wire: Wire,
}

impl<'a> Story<'a> {
    async fn begin(engine: &'a Engine, address: SocketAddr, data: &Path) -> Result<Self, Failure> {
        step(&format!("A server on http://{address}, its ledger in `{}`", data.display()));
        says(&format!("log key   {}", engine.keys().log_key));
        let unexpected =
            || Failure::new("the folder has an administrator already", "choose an empty folder");
        let made = engine
            .bootstrap_token()
            .await
            .map_err(|error| Failure::new(chain(&error), "look at the disk"))?;
        let admin_token = made.ok_or_else(unexpected)?;
        let admin = engine.authenticate(&admin_token).ok_or_else(unexpected)?;
        let wire = Wire::to(address)?;
        step("Acme Pay declares itself: `sluice apply examples/acme`");
        let applied =
            wire.post(&admin_token, "/api/v1/organisation/apply", &company::folder(None)).await?;
        expect(
            applied.status == 200,
            "services, people, rules, windows and links became events",
            &applied,
        )?;
        let again =
            wire.post(&admin_token, "/api/v1/organisation/apply", &company::folder(None)).await?;
        expect(again.body["declared"] == 0, "applying it twice changes nothing", &again)?;
        let hooks = applied.body["hooks"].as_array().cloned().unwrap_or_default();
        let hook = hooks
            .iter()
            .find(|hook| hook["link"] == "github")
            .and_then(|hook| hook["path"].as_str());
        let hook = hook.unwrap_or_default().to_owned();
        let pipeline = company::pipeline(engine, &admin).await?;
        Ok(Self { engine, admin_token, pipeline, hook, wire })
    }

    async fn routine(&self) -> Result<(), Failure> {
        step("A merge of documentation becomes a change by itself, and flows through");
        let author = ("dana-acme", "dana.lindqvist@acme.example");
        self.hear(
            "push",
            "d-1",
            &forge::push(
                &self.engine.standing(),
                "acme/docs",
                0x11,
                author,
                "Explain refunds",
                "content/refunds.md",
            ),
        )
        .await?;
        self.hear(
            "pull_request",
            "d-2",
            &forge::merge("acme/docs", 0x11, "dana-acme", "emre-acme", "Explain refunds", 12),
        )
        .await?;
        let change = self.change_of_commit(0x11).await?;
        good(&format!("{change} is there before any pipeline has asked"));
        let asked = self.ask("docs", 0x11, 1, json!({})).await?;
        self.tell_answer(&asked);
        expect(
            asked.text("/answer") == "allow",
            "the gate allows it at once, under its change model",
            &asked,
        )?;
        expect(asked.text("/change") == change, "merge and pipeline meet in one change", &asked)?;
        let deployment = self.redeem(&asked, 0x11).await?;
        self.report(&deployment, json!({"state": "succeeded", "health": "healthy"})).await?;
        let closed = self.change(&change).await?;
        expect(
            closed.text("/state") == "closed",
            "the deployment succeeded and the change closed by itself",
            &closed,
        )
    }

    async fn risky(&self) -> Result<(), Failure> {
        step("A database migration of payments is high risk, and waits for people");
        let author = ("alice-acme", "alice@users.noreply.github.com");
        let push = forge::push(
            &self.engine.standing(),
            "acme/payments",
            0x22,
            author,
            "Split the ledger table",
            "db/migrations/0042_split.sql",
        );
        self.hear("push", "d-3", &push).await?;
        let more = json!({"lines_changed": 600, "paths": ["db/migrations/0042_split.sql"]});
        let asked = self.ask("payments", 0x22, 2, more.clone()).await?;
        self.tell_answer(&asked);
        expect(asked.text("/answer") == "wait", "the gate says wait, for whom, and why", &asked)?;
        let change = asked.text("/change").to_owned();
        let alice = company::person(self.engine, "alice").await?;
        let own = self.say(&alice, &change, "approve").await?;
        says(&format!("alice wrote it (from another address): {}", own.text("/detail")));
        expect(
            own.text("/code") == "own_change",
            "her own approval is refused, and that is on record",
            &own,
        )?;
        for handle in ["bob", "grace", "ines"] {
            let token = company::person(self.engine, handle).await?;
            let said = self.say(&token, &change, "approve").await?;
            expect(
                said.status == 200,
                &format!("{handle} approves exactly what is shown, by its digest"),
                &said,
            )?;
        }
        let asked = self.ask("payments", 0x22, 2, more).await?;
        expect(
            asked.text("/answer") == "allow",
            "each rule has found a person of its own: it may go",
            &asked,
        )?;
        let deployment = self.redeem(&asked, 0x22).await?;
        self.report(&deployment, json!({"state": "succeeded", "health": "healthy"})).await
    }

    async fn frozen(&self) -> Result<(), Failure> {
        step("A freeze begins; the very next question is held");
        let now = self.engine.now();
        let ends = now.saturating_add(SignedDuration::from_hours(2)).unwrap_or(now);
        let text = format!(
            "windows:\n  - name: demo-freeze\n    title: Financial close\n    kind: freeze\n    scope: {{services: [docs]}}\n    \
             zone: UTC\n    start: {}\n    end: {}\n    grants: [\"role:change_manager\"]\n    reason: The books are being closed.\n",
            local(now.saturating_sub(SignedDuration::from_hours(1)).unwrap_or(now)),
            local(ends)
        );
        let files = company::folder(Some(("calendar/demo-freeze.yaml", text)));
        let applied =
            self.wire.post(&self.admin_token, "/api/v1/organisation/apply", &files).await?;
        expect(applied.status == 200, "the freeze is declared as code", &applied)?;
        let asked = self.ask("docs", 0x33, 3, json!({})).await?;
        self.tell_answer(&asked);
        expect(
            asked.text("/answer") != "allow" && !asked.text("/until").is_empty(),
            "it is held, and told until when",
            &asked,
        )?;
        let grace = company::person(self.engine, "grace").await?;
        let until = now.saturating_add(SignedDuration::from_mins(30)).unwrap_or(now).to_string();
        let exception = json!({"lifts": "freeze:demo-freeze", "scope": {"services": ["docs"], "environment_tiers": ["production"]}, "reason": "prices are wrong", "until": until});
        let granted = self.wire.post(&grace, "/api/v1/exceptions", &exception).await?;
        expect(
            granted.status < 300,
            "the change manager grants an exception with a reason and an end",
            &granted,
        )?;
        let asked = self.ask("docs", 0x33, 3, json!({})).await?;
        expect(asked.text("/answer") == "allow", "now it may go", &asked)?;
        let change = self.change(asked.text("/change")).await?;
        let deployment = self.redeem(&asked, 0x33).await?;
        self.report(&deployment, json!({"state": "succeeded", "health": "healthy"})).await?;
        let owed = change.body["debts"].as_array().map_or(0, Vec::len);
        let ended = self
            .wire
            .post(&self.admin_token, "/api/v1/organisation/apply", &company::folder(None))
            .await?;
        expect(
            ended.body["withdrawn"] == 1,
            "without its file the freeze is withdrawn again",
            &ended,
        )?;
        expect(owed == 1, "and a review is owed for it", &change)
    }

    async fn failing(&self) -> Result<(), Failure> {
        step("A deployment of the web shop fails and is rolled back");
        let asked = self.ask("web-shop", 0x44, 4, json!({})).await?;
        self.tell_answer(&asked);
        expect(asked.text("/answer") == "allow", "it was allowed", &asked)?;
        let deployment = self.redeem(&asked, 0x44).await?;
        let rollback = json!({"reason": "5xx rate above 2 % after four minutes", "to_version": "1.67.0", "automatic": true});
        self.report(
            &deployment,
            json!({"state": "rolled_back", "health": "unhealthy", "rollback": rollback}),
        )
        .await?;
        let asked = self.ask("web-shop", 0x44, 5, json!({})).await?;
        self.tell_answer(&asked);
        expect(asked.text("/answer") == "deny", "the same digest is refused from now on", &asked)
    }

    async fn urgent(&self) -> Result<(), Failure> {
        step("Sign-in is down: an emergency goes first and owes its approval and a review");
        let author = ("dana-acme", "dana@users.noreply.github.com");
        let push = forge::push(
            &self.engine.standing(),
            "acme/identity",
            0x55,
            author,
            "Renew the certificate",
            "src/tls.rs",
        );
        self.hear("push", "d-10", &push).await?;
        let asked = self
            .ask(
                "identity",
                0x55,
                6,
                json!({"emergency": "nobody can sign in", "lines_changed": 8}),
            )
            .await?;
        self.tell_answer(&asked);
        expect(asked.text("/answer") == "allow", "it may go at once", &asked)?;
        let change = asked.text("/change").to_owned();
        let deployment = self.redeem(&asked, 0x55).await?;
        self.report(&deployment, json!({"state": "succeeded", "health": "healthy"})).await?;
        let record = self.change(&change).await?;
        expect(owed(&record) >= 1, "what is owed is counted and shown", &record)?;
        let grace = company::person(self.engine, "grace").await?;
        self.say(&grace, &change, "approve").await?;
        let henrik = company::person(self.engine, "henrik").await?;
        self.say(&henrik, &change, "approve").await?;
        let version = self.change(&change).await?.body["version_of_record"].to_string();
        let finding = json!({"finding": "a certificate had expired; its renewal is now watched"});
        let path = format!("/api/v1/changes/{change}/review");
        let reviewed =
            self.wire.post_if(&henrik, &path, &finding, Some(&format!("\"{version}\""))).await?;
        expect(
            reviewed.status == 200 && owed(&reviewed) == 0,
            "approval and review were given: nothing is owed",
            &reviewed,
        )
    }

    async fn stopped(&self) -> Result<(), Failure> {
        step("Stop the line: one action for everything in production");
        let stop = json!({"scope": {"environment_tiers": ["production"]}, "reason": "card network is degraded"});
        let pulled = self.wire.post(&self.admin_token, "/api/v1/stops", &stop).await?;
        expect(pulled.status < 300, "the line is stopped", &pulled)?;
        let asked = self.ask("docs", 0x66, 7, json!({})).await?;
        self.tell_answer(&asked);
        expect(asked.text("/answer") != "allow", "the next question is held", &asked)?;
        let id = if pulled.text("/id").is_empty() {
            pulled.text("/stop/id")
        } else {
            pulled.text("/id")
        };
        let path = format!("/api/v1/stops/{id}/lift");
        let lifted =
            self.wire.post(&self.admin_token, &path, &json!({"reason": "it works again"})).await?;
        expect(lifted.status < 300, "the stop is lifted", &lifted)?;
        let asked = self.ask("docs", 0x66, 7, json!({})).await?;
        expect(asked.text("/answer") == "allow", "and the same question is allowed", &asked)
    }

    async fn forged(&self) -> Result<(), Failure> {
        step("Somebody forges a delivery, and replays a real one");
        let body = forge::push(
            &self.engine.standing(),
            "acme/docs",
            0x77,
            ("mallory", "m@evil.example"),
            "Free money",
            "content/x.md",
        );
        let (mut headers, bytes) = forge::signed("push", "d-9", &body);
        for (name, value) in &mut headers {
            if *name == "x-hub-signature-256" {
                *value = format!("sha256={}", "0".repeat(64));
            }
        }
        let refused = self.wire.deliver(&self.hook, &headers, bytes).await?;
        expect(
            refused.status == 401,
            "a wrong signature is refused before anything is read",
            &refused,
        )?;
        let author = ("dana-acme", "dana.lindqvist@acme.example");
        let body = forge::push(
            &self.engine.standing(),
            "acme/docs",
            0x11,
            author,
            "Explain refunds",
            "content/refunds.md",
        );
        let (headers, bytes) = forge::signed("push", "d-1", &body);
        let again = self.wire.deliver(&self.hook, &headers, bytes).await?;
        expect(again.status == 200, "a replayed delivery is known and has no effect", &again)
    }

    /// The ledger verified as an outsider does: over HTTP, with nothing but the public key.
    async fn proven(&self) -> Result<(), Failure> {
        step("An outsider verifies everything, with nothing but the public key");
        let base = self.wire.base().to_owned();
        let key = self.engine.keys().log_key.clone();
        let verified =
            tokio::task::spawn_blocking(move || super::verify(&["--server", &base, "--key", &key]))
                .await;
        verified.map_err(|_| Failure::new("the verifier panicked", "report this"))??;
        good("every entry, every tile and the signed head agree");
        Ok(())
    }

    async fn hear(&self, event: &str, id: &str, body: &Value) -> Result<(), Failure> {
        let (headers, bytes) = forge::signed(event, id, body);
        let heard = self.wire.deliver(&self.hook, &headers, bytes).await?;
        if heard.status != 202 {
            return expect(false, "a signed delivery is taken", &heard);
        }
        says(&format!("GitHub delivers a signed `{event}`: stored, answered {}", heard.status));
        Ok(())
    }

    /// Waits until the delivery has been understood: what is waited for is the change itself.
    async fn change_of_commit(&self, seed: u8) -> Result<String, Failure> {
        let commit = sluice_core::ids::CommitId::parse(&forge::commit(seed));
        let commit = commit.map_err(|error| Failure::new(error.to_string(), ""))?;
        let mut size = self.engine.watch_size();
        let found = async {
            loop {
                let standing = self.engine.standing();
                let numbers = standing.changes_of_commit.get(&commit);
                if let Some(number) = numbers.and_then(|numbers| numbers.iter().next()) {
                    return number.to_string();
                }
                if size.changed().await.is_err() {
                    return String::new();
                }
            }
        };
        let found = tokio::time::timeout(std::time::Duration::from_secs(20), found).await;
        found
            .map_err(|_| Failure::new("no change came of the merge", "look at `sluice inbox list`"))
    }

    async fn ask(
        &self,
        service: &str,
        seed: u8,
        run: u32,
        more: Value,
    ) -> Result<Answered, Failure> {
        let mut question = json!({
            "service": service, "environment": "production", "version": format!("1.{seed}.0"),
            "commit": forge::commit(seed), "artifacts": [forge::digest(seed)],
            "run": {"system": "github:github.com", "id": format!("acme/{service}/{run}"), "attempt": 1,
                    "url": format!("https://github.com/acme/{service}/actions/runs/{run}")},
            "evidence": [
                {"type": "test_report", "name": "unit and integration tests", "status": "passed"},
                {"type": "scan", "name": "image scan", "status": "passed"},
                {"type": "rollback_plan", "name": "rollback plan", "status": "neutral"},
            ],
            "lines_changed": 20,
        });
        if let (Some(question), Some(more)) = (question.as_object_mut(), more.as_object()) {
            question.extend(more.clone());
        }
        says(&format!(
            "the pipeline of {service} asks: may {} go to production now?",
            &forge::commit(seed)[..8]
        ));
        let asked = self.wire.post(&self.pipeline, "/api/v1/gate", &question).await?;
        if asked.status != 200 {
            expect(false, "the gate answers", &asked)?;
        }
        Ok(asked)
    }

    fn tell_answer(&self, asked: &Answered) {
        let risk = asked.text("/risk/level");
        let index =
            asked.body.pointer("/receipt/index").and_then(Value::as_u64).unwrap_or_default();
        says(&format!(
            "→ {} (risk {risk}), ledger entry {index}, proof in the same answer",
            asked.text("/answer")
        ));
        for reason in asked.body["reasons"].as_array().into_iter().flatten() {
            let text = |name: &str| reason[name].as_str().unwrap_or_default().to_owned();
            let who: Vec<&str> =
                reason["who"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let who = if who.is_empty() { String::new() } else { format!(" [{}]", who.join(", ")) };
            says(&format!("    {} {}: {}{who}", text("effect"), text("rule"), text("message")));
        }
        for condition in
            asked.body["would_pass_if"].as_array().into_iter().flatten().filter_map(Value::as_str)
        {
            says(&format!("    would pass if {condition}"));
        }
    }

    async fn redeem(&self, asked: &Answered, seed: u8) -> Result<String, Failure> {
        let path = format!("/api/v1/passes/{}/redeem", asked.text("/pass/id"));
        let body = json!({"artifacts": [forge::digest(seed)], "commit": forge::commit(seed), "version": format!("1.{seed}.0")});
        let redeemed = self.wire.post(&self.pipeline, &path, &body).await?;
        expect(
            redeemed.status == 200,
            "the pass is redeemed with the digest that is deployed",
            &redeemed,
        )?;
        Ok(redeemed.text("/deployment").to_owned())
    }

    async fn report(&self, deployment: &str, report: Value) -> Result<(), Failure> {
        let path = format!("/api/v1/deployments/{deployment}/outcome");
        let reported = self.wire.post(&self.pipeline, &path, &report).await?;
        let state = report["state"].as_str().unwrap_or_default().to_owned();
        expect(reported.status == 200, &format!("{deployment} is reported as {state}"), &reported)
    }

    async fn change(&self, number: &str) -> Result<Answered, Failure> {
        self.wire.get(&self.admin_token, &format!("/api/v1/changes/{number}")).await
    }

    async fn say(&self, token: &str, change: &str, verdict: &str) -> Result<Answered, Failure> {
        let record = self.change(change).await?;
        let body = json!({"revision": record.text("/revision/digest"), "reason": "looked at the difference and the plan"});
        let version = format!("\"{}\"", record.body["version_of_record"]);
        self.wire
            .post_if(token, &format!("/api/v1/changes/{change}/{verdict}"), &body, Some(&version))
            .await
    }
}

/// Debts of a change that are not settled.
fn owed(record: &Answered) -> usize {
    let debts = record.body["debts"].as_array().cloned().unwrap_or_default();
    debts.iter().filter(|debt| debt["settled_at"].is_null()).count()
}

/// A time as local text of UTC.
fn local(time: Timestamp) -> String {
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
