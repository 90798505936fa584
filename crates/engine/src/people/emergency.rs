//! Break-glass: two people, a reason, an hour, and an emergency change that everybody sees.

use sha2::{Digest as _, Sha256};
use sluice_core::access::emergency;
use sluice_core::access::event::{GlassAsked, GlassRefused};
use sluice_core::event::Event;
use sluice_core::gate::{Decision, Question};
use sluice_core::ids::{ExceptionId, GrantId, PersonId, ServiceName};
use sluice_core::permission::Permission;
use sluice_core::scope::Scope;
use sluice_core::stop::event::ExceptionRevoked;

use crate::answer::Answer;
use crate::caller::{Caller, Grant};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::gate::{GateAnswer, within};

impl Engine {
    /// Asks for the emergency path for this deployment. It does nothing until a second person opens it.
    pub async fn ask_break_glass(
        &self,
        caller: &Caller,
        mut question: Question,
    ) -> Result<Answer<GrantId>, EngineError> {
        caller.require(Permission::BreakGlass)?;
        let by = caller.require_recent(self.latest())?;
        within::check(&question)?;
        // What is lifted is compared by own names.
        let standing = self.standing();
        let named = standing.organisation.environment_named(question.environment.as_str());
        if let Some(environment) = named {
            question.environment = environment.name.clone();
        }
        self.covers_question(caller, &question)?;
        let id = GrantId::parse(&format!("b-{}", &self.rng().opaque_id()[..12]));
        let id = id.unwrap_or_else(|_| unreachable!("letters and digits"));
        let groups = self.login_groups(&caller.token);
        let asked = GlassAsked { id: id.clone(), question, by, groups };
        let asker = caller.clone();
        self.decide(caller, move |standing, now| {
            let environment = asked.question.environment.clone();
            let sees =
                |name: &ServiceName| asker.sees(standing, [name.as_str()], environment.as_str());
            emergency::ask(standing, asked, sees, now).map(|events| (id, events))
        })
        .await
    }

    /// A second person opens the emergency path, and the gate is asked at once: the emergency change and what it owes
    /// are recorded before the pass is. Where the gate denies it even so, nothing stays lifted.
    pub async fn open_break_glass(
        &self,
        caller: &Caller,
        id: &GrantId,
    ) -> Result<GateAnswer, EngineError> {
        caller.require(Permission::BreakGlass)?;
        let by = caller.require_recent(self.latest())?;
        let standing = self.standing();
        let glass = emergency::found(&standing, id)?.clone();
        self.covers_question(caller, &glass.asked.question)?;
        let exception = || {
            let id = ExceptionId::parse(&format!("x-{}", &self.rng().opaque_id()[..12]));
            id.unwrap_or_else(|_| unreachable!("letters and digits"))
        };
        let (exceptions, wanted) = ([exception(), exception()], id.clone());
        let (lifted, second) = (exceptions.clone(), by.clone());
        let (opener, environment) = (caller.clone(), glass.asked.question.environment.clone());
        self.decide(caller, move |standing, now| {
            let sees =
                |name: &ServiceName| opener.sees(standing, [name.as_str()], environment.as_str());
            let opened = emergency::open(standing, &wanted, &by, exceptions, sees, now);
            opened.map(|events| ((), events))
        })
        .await?;
        let question = glass.asked.question;
        let mut services = question.services.clone();
        services.insert(question.service.clone());
        let scope = Scope {
            services: services.iter().map(ToString::to_string).collect(),
            environments: [question.environment.to_string()].into(),
            ..Scope::default()
        };
        // It is asked in the name of whoever asked for it, who is involved in the change from then on.
        let asker = Caller {
            person: Some(glass.asked.by),
            grants: vec![Grant { permissions: [Permission::GateEvaluate].into(), scope }],
            session: None,
            ..caller.clone()
        };
        let hash = Sha256::digest(id.as_str().as_bytes()).into();
        let answer = self.ask(&asker, id.as_str(), hash, question, None).await?;
        if answer.decision == Decision::Deny {
            self.close_break_glass(caller, id, second, lifted).await?;
        }
        Ok(answer)
    }

    /// What the gate denies even so needs nothing lifted: the path is closed, and its exceptions end.
    async fn close_break_glass(
        &self,
        caller: &Caller,
        id: &GrantId,
        by: PersonId,
        lifted: [ExceptionId; 2],
    ) -> Result<Answer<()>, EngineError> {
        let id = id.clone();
        self.decide(caller, move |standing, _| {
            let because = "the gate denied what it was opened for";
            let closed = GlassRefused { id: id.clone(), by, because: because.to_owned() };
            let standing = lifted.into_iter().filter(|it| standing.exceptions.contains_key(it));
            let revoked = standing.map(|exception| {
                let reason = format!("break-glass {id}: {because}");
                Event::from(ExceptionRevoked { exception, reason })
            });
            Ok(((), std::iter::once(closed.into()).chain(revoked).collect()))
        })
        .await
    }

    /// Whether the emergency path for a question is the caller's to ask for, to open or to refuse.
    pub(super) fn covers_question(
        &self,
        caller: &Caller,
        question: &Question,
    ) -> Result<(), EngineError> {
        let standing = self.standing();
        let permission = Permission::BreakGlass;
        let mut targets = emergency::targets(&standing, question);
        if targets.all(|target| caller.covers(permission, &target)) {
            return Ok(());
        }
        Err(EngineError::Forbidden(permission))
    }
}
