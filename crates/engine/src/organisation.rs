//! The organisation as code: check, plan, apply.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;
use sluice_core::event::Event;
use sluice_core::ids::{Digest, LinkName};
use sluice_core::organisation::event::OrganisationApplied;
use sluice_core::organisation::{Item, Link, PlanStep};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::{Actor, Standing};
use sluice_organisation::{Folder, Keys as _, OfflineKeys, Problem, Reading};
use sluice_store::Row;
use sluice_store::rows::{BlobRow, IdentityRow, PersonRow};

use crate::answer::Answer;
use crate::caller::Caller;
use crate::checked::{Checked, check};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::governed::{Governed, confirmable};
use crate::kept_plans::event_of;
use crate::policy::Candidate;
use crate::sequencer::{Commit, Step};
use crate::told_plan::ToldStep;

/// Events in one transaction of an apply; larger plans take several.
const CHUNK: usize = 1_000;

/// Everything that is wrong with a folder.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CheckReport {
    /// Problems, by place.
    pub problems: Vec<Problem>,
}

impl CheckReport {
    /// Whether the folder can be applied.
    pub fn is_sound(&self) -> bool {
        !self.problems.iter().any(Problem::is_error)
    }
}

/// What an apply would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The steps, in order; none when there is nothing to do.
    pub steps: Vec<PlanStep>,
    /// Digest over the steps: what is applied is what was shown.
    pub digest: Digest,
    /// The policy bundle that would take effect, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// What it would sweep out whole, in words: everything, all people, all services. Such a plan is mostly a wrong folder.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sweeps_out: Vec<&'static str>,
    /// The steps in words, and who gets another name; only where the plan is shown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<ToldStep>,
    /// Everything that is wrong; with an error in it there are no steps.
    pub problems: Vec<Problem>,
}

/// What an apply did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Items declared.
    pub declared: u64,
    /// Items withdrawn.
    pub withdrawn: u64,
    /// The policy bundle that took effect, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// Where the declared links are heard.
    pub hooks: Vec<HookAddress>,
    /// What waits for a second person; nothing was done then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// A plan that waits for a second person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Digest of the plan.
    pub plan: Digest,
    /// What it touches.
    pub touches: BTreeSet<String>,
    /// When it can be confirmed at the earliest.
    pub from: Timestamp,
}

/// Where a link is heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookAddress {
    /// The link.
    pub link: String,
    /// The path of its hook, `/hooks/<id>`.
    pub path: String,
}

/// Checks a folder without a server.
pub fn offline_check(folder: &Folder) -> CheckReport {
    CheckReport { problems: check(folder, &OfflineKeys).problems }
}

impl Engine {
    /// Checks a folder.
    pub fn check(&self, folder: &Folder) -> CheckReport {
        CheckReport { problems: check(folder, self.signing()).problems }
    }

    /// What applying a folder would do.
    pub fn plan(&self, caller: &Caller, folder: &Folder) -> Result<Plan, EngineError> {
        caller.require(Permission::OrganisationRead)?;
        let (mut plan, checked) = self.planned(folder);
        if !plan.problems.iter().any(Problem::is_error) {
            plan.told = self.in_words(caller, &plan.steps, &checked.reading.people);
        }
        Ok(plan)
    }

    fn planned(&self, folder: &Folder) -> (Plan, Checked) {
        let mut checked = check(folder, self.signing());
        self.complete(&mut checked.reading);
        let standing = self.standing();
        let sound = !checked.problems.iter().any(Problem::is_error);
        let steps =
            if sound { standing.organisation.plan(&checked.reading.items) } else { Vec::new() };
        let in_force = standing.policy.as_ref().map(|policy| &policy.bundle);
        let bundle = checked.candidate.as_ref().map(|candidate| candidate.digest.clone());
        let plan = Plan {
            digest: Digest::of(&plan_text(&steps, checked.candidate.as_ref())),
            policy: bundle.filter(|bundle| sound && Some(bundle) != in_force),
            sweeps_out: standing.organisation.swept_out_by(&steps),
            problems: checked.problems.clone(),
            told: Vec::new(),
            steps,
        };
        (plan, checked)
    }

    /// What only the server knows: that each person is one of their own identities.
    fn complete(&self, reading: &mut Reading) {
        for item in &mut reading.items {
            if let Item::Person(person) = item {
                person.identities.insert(self.self_identity(&person.id));
            }
        }
    }

    /// Makes it so. `expected` is the digest of the plan that was shown; another plan is refused, and so is one that sweeps
    /// out everything, all people or all services.
    pub async fn apply(
        &self,
        caller: &Caller,
        folder: &Folder,
        source: &str,
        expected: Option<&Digest>,
    ) -> Result<Answer<Applied>, EngineError> {
        caller.require(Permission::OrganisationApply)?;
        self.make_so(caller, folder, source, expected, Manner::Carefully).await
    }

    /// As [`Engine::apply`], for somebody who says that the plan may sweep out what it does.
    pub async fn apply_sweeping(
        &self,
        caller: &Caller,
        folder: &Folder,
        source: &str,
        expected: Option<&Digest>,
    ) -> Result<Answer<Applied>, EngineError> {
        caller.require(Permission::OrganisationApply)?;
        self.make_so(caller, folder, source, expected, Manner::Sweeping).await
    }

    /// A second person makes so what another has proposed: the same folder, exactly the same plan.
    pub async fn confirm_apply(
        &self,
        caller: &Caller,
        folder: &Folder,
        source: &str,
        expected: Option<&Digest>,
    ) -> Result<Answer<Applied>, EngineError> {
        caller.require(Permission::PolicyActivate)?;
        caller.require_recent(self.latest())?;
        self.make_so(caller, folder, source, expected, Manner::Confirming).await
    }

    async fn make_so(
        &self,
        caller: &Caller,
        folder: &Folder,
        source: &str,
        expected: Option<&Digest>,
        manner: Manner,
    ) -> Result<Answer<Applied>, EngineError> {
        if source.chars().count() > 200 || source.chars().any(char::is_control) {
            return Err(Refusal::invalid(
                "over_limit",
                "`source` has at most 200 characters",
                "shorten it",
            )
            .into());
        }
        let (plan, checked) = self.planned(folder);
        as_shown(&plan, expected)?;
        if manner == Manner::Carefully {
            spares(&plan)?;
        }
        let applied = self.summary(&plan, &checked);
        let confirmation = match self.governed(caller, &plan, manner == Manner::Confirming)? {
            Governed::Free => None,
            Governed::Confirmed(event) => Some(event),
            Governed::Propose(event) => {
                let text = plan_text(&plan.steps, checked.candidate.as_ref());
                let texts = policy_rows(&checked.reading);
                return self.propose_plan(caller, applied, event, text, texts).await;
            }
        };
        // Names are beside the ledger, so that another one is no step.
        let renames = self.renames(&checked.reading.people);
        if plan.steps.is_empty() && plan.policy.is_none() && !renames {
            return Ok(Answer { value: applied, receipt: None, as_of: self.standing().size });
        }
        let now_us = self.now().as_microsecond();
        let tests = checked.candidate.as_ref().map(|candidate| candidate.tests(now_us));
        let candidate = checked.candidate.filter(|_| plan.policy.is_some());
        if let Some(candidate) = &candidate {
            let in_force = self.standing().policy.as_ref().map(|policy| policy.bundle.clone());
            self.policies().keep(
                candidate.digest.clone(),
                Ok(candidate.policy.clone()),
                in_force.as_ref(),
            );
        }
        if let Some(confirmed) = confirmation {
            let (actor, now, latest) = (caller.actor(), self.now(), self.latest());
            self.decide_with(actor, Vec::new(), move |standing| {
                confirmable(standing, &confirmed, now, latest)?;
                Ok(vec![confirmed.into()])
            })
            .await?;
        }
        let mut chunks: Vec<Vec<PlanStep>> =
            plan.steps.chunks(CHUNK).map(<[PlanStep]>::to_vec).collect();
        let last = chunks.pop().unwrap_or_default();
        let mut rows = personal_rows(&checked.reading);
        rows.extend(tests.into_iter().flatten());
        for chunk in chunks {
            self.append_steps(caller.actor(), chunk, std::mem::take(&mut rows), None).await?;
        }
        let end = End {
            candidate,
            applied: OrganisationApplied {
                declared: applied.declared,
                withdrawn: applied.withdrawn,
                source: source.to_owned(),
            },
        };
        self.append_steps(caller.actor(), last, rows, Some(end))
            .await
            .map(|answer| answer.map(|()| applied))
    }

    /// What applying a plan does.
    fn summary(&self, plan: &Plan, checked: &Checked) -> Applied {
        let declares = |step: &&PlanStep| matches!(step, PlanStep::Declare { .. });
        let declared = plan.steps.iter().filter(declares).count();
        Applied {
            declared: declared as u64,
            withdrawn: (plan.steps.len() - declared) as u64,
            policy: plan.policy.clone(),
            hooks: self.hooks(&checked.reading.items),
            pending: None,
        }
    }

    async fn append_steps(
        &self,
        actor: Actor,
        steps: Vec<PlanStep>,
        mut rows: Vec<Row>,
        end: Option<End>,
    ) -> Result<Answer<()>, EngineError> {
        let decide = move |standing: &Standing, now: Timestamp| {
            let (events, texts) = recorded(standing, steps, end, now);
            rows.extend(texts);
            let mut commit = Commit::of(events, actor);
            commit.rows = rows;
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(decide).await?;
        Ok(Answer::of((), &done))
    }
}

/// The events of so many steps and, at the end of all, of the policy that they lead to; with the texts that are kept.
pub(crate) fn recorded(
    standing: &Standing,
    steps: Vec<PlanStep>,
    end: Option<End>,
    now: Timestamp,
) -> (Vec<Event>, Vec<Row>) {
    let mut events: Vec<Event> = steps.into_iter().map(event_of).collect();
    let Some(End { candidate, applied }) = end else { return (events, Vec::new()) };
    let mut rows = Vec::new();
    if let Some(candidate) = candidate {
        let replaces = standing.policy.as_ref().map(|policy| policy.bundle.clone());
        let (activated, texts) = candidate.activate(replaces, now.as_microsecond());
        events.push(activated.into());
        rows = texts;
    }
    events.push(applied.into());
    (events, rows)
}

/// What the digest of a plan is over: its steps and the bundle.
fn plan_text(steps: &[PlanStep], candidate: Option<&Candidate>) -> Vec<u8> {
    let bundle = candidate.map(|candidate| &candidate.digest);
    serde_json::to_vec(&(steps, &bundle)).unwrap_or_default()
}

/// Refuses a plan with an error in it, and one that is not the one that was shown.
fn as_shown(plan: &Plan, expected: Option<&Digest>) -> Result<(), Refusal> {
    if let Some(problem) = plan.problems.iter().find(|problem| problem.is_error()) {
        let message = format!("{}: {}", problem.place, problem.message);
        return Err(Refusal::invalid(
            "folder_unsound",
            message,
            "run `sluice check`, which names every problem",
        ));
    }
    if expected.is_some_and(|expected| *expected != plan.digest) {
        let message = "the plan is another one than the one that was shown";
        return Err(Refusal::conflict("plan_outdated", message, "look at the new plan"));
    }
    Ok(())
}

/// Refuses a plan that sweeps out what an organisation cannot do without.
fn spares(plan: &Plan) -> Result<(), Refusal> {
    if plan.sweeps_out.is_empty() {
        return Ok(());
    }
    let message = format!("the plan withdraws {}", plan.sweeps_out.join(" and "));
    let help = "see that it is the right folder and whole; where this is what is wanted, say so: `sluice apply --withdraw-all`, \
                or `withdraw_all` in the body";
    Err(Refusal::conflict("withdraws_all", message, help))
}

/// How a folder is made so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Unless it sweeps out what an organisation cannot do without.
    Carefully,
    /// Whatever it sweeps out.
    Sweeping,
    /// As somebody else has proposed, who said the same.
    Confirming,
}

/// What an apply ends with.
pub(crate) struct End {
    pub(crate) candidate: Option<Candidate>,
    pub(crate) applied: OrganisationApplied,
}

impl Engine {
    /// Where links are heard.
    fn hooks(&self, items: &[Item]) -> Vec<HookAddress> {
        let links = items.iter().filter_map(|item| match item {
            Item::Link(link) if !link.secrets.is_empty() => {
                let path = format!("/hooks/{}", self.hook_of(&link.name));
                Some(HookAddress { link: link.name.to_string(), path })
            }
            _ => None,
        });
        links.collect()
    }

    /// The unguessable last part of a link's address. It is derived, and stands in no event and no table: the
    /// ledger is public to whoever may verify it.
    pub fn hook_of(&self, link: &LinkName) -> String {
        let opaque = self.signing().identity("hook", link.as_str());
        opaque.as_str().rsplit('/').next().unwrap_or_default().to_owned()
    }
}

/// Names, addresses and policy texts: kept beside the ledger, by opaque id or digest.
fn personal_rows(reading: &Reading) -> Vec<Row> {
    let mut rows = Vec::new();
    for person in &reading.people {
        rows.push(Row::Person(PersonRow {
            person_id: person.id.to_string(),
            handle: person.handle.clone(),
            name: person.name.clone(),
        }));
        rows.extend(person.identities.iter().map(|identity| {
            Row::Identity(IdentityRow {
                identity_key: identity.key.to_string(),
                kind: identity.kind.clone(),
                value: identity.value.clone(),
                person_id: Some(person.id.to_string()),
            })
        }));
    }
    rows.extend(policy_rows(reading));
    rows
}

/// The texts of the policy's files, by digest.
fn policy_rows(reading: &Reading) -> Vec<Row> {
    let rows = reading.texts.iter().map(|(digest, bytes)| {
        Row::Blob(BlobRow {
            digest: digest.to_string(),
            media_type: "text/plain; charset=utf-8".into(),
            bytes: bytes.clone(),
            created_us: 0,
        })
    });
    rows.collect()
}

/// A link's settings as its connector wants them: with the names of its secrets.
pub(crate) fn configuration(link: &Link) -> serde_json::Value {
    let mut settings = match &link.settings {
        serde_json::Value::Object(settings) => settings.clone(),
        _ => Default::default(),
    };
    let names: Vec<String> = (0..link.secrets.len()).map(|index| index.to_string()).collect();
    settings.insert("secret".into(), names.into());
    serde_json::Value::Object(settings)
}
