//! The lives that a history is made of: one that went through at once, one that failed, one that waits for people.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use serde_json::json;
use sluice_core::gate::{Decision, Observed, Question};
use sluice_core::ids::DeploymentNumber;
use sluice_core::incident::Resolution;
use sluice_core::permission::Permission;
use sluice_core::problem;
use sluice_core::scope::Scope;
use sluice_engine::organisation_files::Folder;
use sluice_engine::{
    Caller, Engine, EngineOptions, GateAnswer, IncidentStep, ProblemStep, StartDetails,
};

use super::{HANDLE, PASSWORD, Past, SERVICES};
use crate::company;

/// Where the entries of each life are.
pub(super) struct Lives {
    pub(super) good: Life,
    pub(super) failed: Life,
    pub(super) waiting: Life,
}

/// The entries of one life, and the service it was of.
pub(super) struct Life {
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) service: usize,
}

pub(super) async fn live(dir: &Path, clock: &Arc<Past>) -> anyhow::Result<Lives> {
    let options = EngineOptions { clock: Arc::clone(clock) as _, ..EngineOptions::new(dir) };
    let engine = Engine::open(options)?;
    let secret = engine.bootstrap_token().await?.context("no token")?;
    let admin = engine.authenticate(&secret).context("no caller")?;
    let folder: Folder = company::files(SERVICES, "tier-3")
        .into_iter()
        .map(|(path, text)| (path, text.into_bytes()))
        .collect();
    engine.apply(&admin, &folder, "bench", None).await?;
    let ann = engine.person_by_handle(HANDLE).context("nobody")?;
    let enrolment = engine.create_account(&admin, &ann).await?.value;
    engine.enrol(HANDLE, &enrolment.code, PASSWORD.to_owned(), None).await?;
    clock.pass_minutes(60);
    let stage = Stage { engine: &engine, clock };
    let lives = Lives {
        good: stage.life(11, 12, Some("succeeded")).await?,
        failed: stage.life(22, 12, Some("failed")).await?,
        waiting: stage.life(33, 90_000, None).await?,
    };
    engine.shutdown();
    Ok(lives)
}

struct Stage<'a> {
    engine: &'a Engine,
    clock: &'a Past,
}

impl Stage<'_> {
    /// One change of a service, from the first question to the end; where no end is named, it waits.
    async fn life(&self, service: usize, lines: u32, end: Option<&str>) -> anyhow::Result<Life> {
        let caller = Caller::machine(
            sluice_core::ids::TokenId::parse("bench")?,
            BTreeSet::from([
                Permission::GateEvaluate,
                Permission::GateRedeem,
                Permission::DeploymentReport,
            ]),
            Scope::default(),
        );
        let from = self.engine.standing().size;
        let mut question = company::question(service, 1);
        question["lines_changed"] = json!(lines);
        let question: Question = serde_json::from_value(question)?;
        let key = format!("life-{service}");
        let answer = self.engine.ask(&caller, &key, [0; 32], question.clone(), None).await?;
        self.clock.pass_minutes(1);
        match end {
            Some(end) => self.go(&caller, &key, &question, answer, end).await?,
            None => ensure!(answer.decision == Decision::Wait, "it does not wait: {answer:?}"),
        }
        self.clock.pass_minutes(10);
        Ok(Life { from, to: self.engine.standing().size, service })
    }

    async fn go(
        &self,
        caller: &Caller,
        key: &str,
        question: &Question,
        answer: GateAnswer,
        end: &str,
    ) -> anyhow::Result<()> {
        let reasons = answer.reasons;
        let pass = answer.pass.with_context(|| format!("it may not go: {reasons:?}"))?;
        let observed = Observed {
            commit: Some(question.commit.clone()),
            artifacts: question.artifacts.clone(),
            run: None,
        };
        let begun = self
            .engine
            .redeem(caller, key, [0; 32], &pass.id, observed, StartDetails::default())
            .await?
            .value;
        self.clock.pass_minutes(4);
        let number: DeploymentNumber = begun.deployment;
        let report = serde_json::from_value(
            json!({"state": end, "health": if end == "failed" { "unhealthy" } else { "healthy" }}),
        )?;
        self.engine.deployment_outcome(caller, key, [0; 32], number, report).await?;
        if end == "failed" { self.mend().await } else { Ok(()) }
    }

    /// The incident that a failed deployment has opened, its problem, and the end of both.
    async fn mend(&self) -> anyhow::Result<()> {
        let permissions = BTreeSet::from([Permission::IncidentEdit, Permission::ProblemEdit]);
        let token = sluice_core::ids::TokenId::parse("bench")?;
        let caller = Caller::machine(token, permissions, Scope::default());
        let standing = self.engine.standing();
        let incident = standing.incidents.values().next_back().context("no incident")?;
        let opening = problem::Opening {
            title: "Instances do not become healthy".to_owned(),
            services: incident.services.clone(),
            incidents: [incident.number].into(),
            ..problem::Opening::default()
        };
        let problem = self.engine.open_problem(&caller, opening).await?.value;
        self.clock.pass_minutes(20);
        let (how, note) = (IncidentStep::Resolve(Resolution::Fixed), "mended".to_owned());
        self.engine.advance_incident(&caller, incident.number, how, note.clone()).await?;
        self.engine.advance_problem(&caller, problem, ProblemStep::Resolve, note).await?;
        Ok(())
    }
}
