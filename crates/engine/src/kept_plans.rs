//! A plan that waits for a second person is kept, so that it can be read and confirmed without its files.
//!
//! Exactly what was proposed is made so, and only over the organisation as it stood then: where it was touched since, the
//! same folder might mean another plan, and is asked for again. Names and addresses of people are kept nowhere before they take
//! effect, so that a plan that declares people needs its files.

use jiff::Timestamp;
use sluice_core::event::Event;
use sluice_core::ids::Digest;
use sluice_core::organisation::event::{ItemDeclared, ItemWithdrawn, OrganisationApplied};
use sluice_core::organisation::{Item, ItemKind, PlanStep, PolicyFormat, Withdrawal};
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::{Standing, Topic};
use sluice_policy::Problem;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::governed::{Governed, confirmable, no_such_plan, waiting};
use crate::organisation::{End, Plan, recorded};
use crate::policy::Candidate;
use crate::sequencer::{Commit, Step};
use crate::told_plan::ToldStep;

/// The most steps that are made so at once from what was kept.
const STEPS: usize = 1_000;

/// What was kept of a plan.
struct Kept {
    steps: Vec<PlanStep>,
    bundle: Option<Digest>,
    /// The ledger's size when it was proposed.
    proposed_at: u64,
}

/// A plan that waits for a second person, as it was kept.
#[derive(Debug, Clone)]
pub struct WaitingPlan {
    /// What it would do, in order.
    pub steps: Vec<PlanStep>,
    /// The same in words.
    pub told: Vec<ToldStep>,
    /// Why it has to be confirmed with its files; none where what was kept is enough.
    pub needs_files: Option<Refusal>,
}

impl Engine {
    /// A second person makes so what another has proposed, from what was kept of it.
    pub async fn confirm_plan(
        &self,
        caller: &Caller,
        digest: &Digest,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::PolicyActivate)?;
        caller.require_recent(self.latest())?;
        let kept = self.kept_plan(digest)?;
        let standing = self.standing();
        let in_force = standing.policy.as_ref().map(|policy| policy.bundle.clone());
        let policy = kept.bundle.clone().filter(|bundle| Some(bundle) != in_force.as_ref());
        let (digest, problems) = (digest.clone(), Vec::new());
        let plan = Plan {
            steps: kept.steps,
            digest,
            policy,
            sweeps_out: Vec::new(),
            told: Vec::new(),
            problems,
        };
        let Governed::Confirmed(confirmed) = self.governed(caller, &plan, true)? else {
            return Err(no_such_plan().into());
        };
        if let Some(refusal) = needs_files(&plan.steps) {
            return Err(refusal.into());
        }
        let candidate = match &plan.policy {
            Some(bundle) => Some(self.kept_candidate(&standing, &plan.steps, bundle)?),
            None => None,
        };
        if let Some(candidate) = &candidate {
            let (digest, policy) = (candidate.digest.clone(), Ok(candidate.policy.clone()));
            self.policies().keep(digest, policy, in_force.as_ref());
        }
        let (actor, proposed_at, steps) = (caller.actor(), kept.proposed_at, plan.steps);
        let latest = self.latest();
        let decide = move |standing: &Standing, now: Timestamp| {
            if let Err(refusal) = confirmable(standing, &confirmed, now, latest) {
                return Step::Refuse(refusal.into(), None);
            }
            if !standing.untouched_since(&[Topic::Organisation], proposed_at) {
                return Step::Refuse(touched().into(), None);
            }
            let end = End { applied: summary(&steps), candidate };
            let (mut events, rows) = recorded(standing, steps, Some(end), now);
            events.insert(0, confirmed.into());
            let mut commit = Commit::of(events, actor);
            commit.rows = rows;
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(decide).await?;
        Ok(Answer::of((), &done))
    }

    /// What a plan that waits would do, and whether it can be confirmed from what was kept of it, as far as that can be
    /// told before; else why not. Blocking.
    pub fn waiting_plan(
        &self,
        caller: &Caller,
        digest: &Digest,
    ) -> Result<WaitingPlan, EngineError> {
        caller.require(Permission::OrganisationRead)?;
        let Kept { steps, proposed_at, .. } = self.kept_plan(digest)?;
        let touched = || {
            let untouched = self.standing().untouched_since(&[Topic::Organisation], proposed_at);
            (!untouched).then(touched)
        };
        let needs_files = needs_files(&steps).or_else(touched);
        let told = self.in_words(caller, &steps, &[]);
        Ok(WaitingPlan { steps, told, needs_files })
    }

    fn kept_plan(&self, digest: &Digest) -> Result<Kept, EngineError> {
        waiting(&self.standing(), digest, self.now())?;
        let blob = self.read(|readers| readers.blob(digest.as_str()))?.ok_or_else(no_such_plan)?;
        let (steps, bundle) = serde_json::from_slice(&blob.bytes).map_err(|_| no_such_plan())?;
        let stream = format!("plan/{digest}");
        // The same plan may have been proposed, refused and proposed again: the last time counts.
        let version = self.read(|readers| readers.stream_version(&stream))?;
        let last = version.map(|version| self.read(|it| it.stream(&stream, version, 1)));
        let entry = last.transpose()?.and_then(|entries| entries.into_iter().next());
        let proposed_at = entry.ok_or_else(no_such_plan)?.seq + 1;
        Ok(Kept { steps, bundle, proposed_at })
    }

    /// The policy that a kept plan leads to, out of the texts that were kept with it.
    fn kept_candidate(
        &self,
        standing: &Standing,
        steps: &[PlanStep],
        bundle: &Digest,
    ) -> Result<Candidate, EngineError> {
        let mut organisation = standing.organisation.clone();
        for step in steps {
            match step.clone() {
                PlanStep::Declare { item, .. } => organisation.declare(&ItemDeclared { item }),
                PlanStep::Withdraw(Withdrawal { kind, name }) => {
                    organisation.withdraw(&ItemWithdrawn { kind, name });
                }
            }
        }
        let mut own: Vec<(String, PolicyFormat, String)> = Vec::new();
        for file in organisation.policy_files.values() {
            let blob = self.read(|readers| readers.blob(file.digest.as_str()))?;
            let text = blob.and_then(|blob| String::from_utf8(blob.bytes).ok());
            own.push((file.path.clone(), file.format, text.ok_or_else(texts_missing)?));
        }
        let candidate = Candidate::compile(&own).map_err(|problems| refused_now(&problems))?;
        if candidate.digest == *bundle { Ok(candidate) } else { Err(texts_missing().into()) }
    }
}

fn summary(steps: &[PlanStep]) -> OrganisationApplied {
    let declares = |step: &&PlanStep| matches!(step, PlanStep::Declare { .. });
    let declared = steps.iter().filter(declares).count();
    OrganisationApplied {
        declared: declared as u64,
        withdrawn: (steps.len() - declared) as u64,
        source: "confirmed as proposed".to_owned(),
    }
}

pub(crate) fn event_of(step: PlanStep) -> Event {
    match step {
        PlanStep::Declare { item, .. } => ItemDeclared { item }.into(),
        PlanStep::Withdraw(Withdrawal { kind, name }) => ItemWithdrawn { kind, name }.into(),
    }
}

/// Why the files themselves are needed, where they are.
fn needs_files(steps: &[PlanStep]) -> Option<Refusal> {
    let person = |step: &PlanStep| match step {
        PlanStep::Declare { item, .. } => matches!(item, Item::Person(_)),
        PlanStep::Withdraw(withdrawal) => withdrawal.kind == ItemKind::Person,
    };
    let why = if steps.iter().any(person) {
        "the plan is about people, whose names are kept nowhere before they take effect"
    } else if steps.len() > STEPS {
        "the plan has more than 1000 steps"
    } else {
        return None;
    };
    Some(Refusal::conflict(
        "files_needed",
        why,
        "confirm it with them: `sluice apply --confirm DIR`",
    ))
}

fn touched() -> Refusal {
    Refusal::conflict(
        "plan_outdated",
        "the organisation was altered since this was proposed",
        "confirm it with its files (`sluice apply --confirm DIR`), or have it proposed again",
    )
}

/// A program that finds more than the one before it refuses what waited over its upgrade.
fn refused_now(problems: &[Problem]) -> Refusal {
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    Refusal::conflict(
        "policy_refused",
        format!("the policy that this plan leads to is refused by now: {first}"),
        "mend it in the files and propose the plan anew",
    )
}

fn texts_missing() -> Refusal {
    Refusal::conflict(
        "files_needed",
        "the texts of the policy were not kept with this plan",
        "confirm it with its files: `sluice apply --confirm DIR`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_that_is_refused_by_now_is_not_called_missing() {
        let text = "guardrails:\n  - name: calm\n    steps:\n      - if: risk is hihg\n        on_fail: wait\n        message: no\n";
        let own = [("policies/calm.yaml".to_owned(), PolicyFormat::Guardrails, text.to_owned())];
        let problems = Candidate::compile(&own).err().unwrap_or_default();
        let refusal = refused_now(&problems);
        assert_eq!(refusal.code, "policy_refused");
        let message = refusal.message.as_str();
        assert!(message.contains("policies/calm.yaml") && message.contains("hihg"), "{message}");
    }
}
