//! Pipelines without secrets: the token that a pipeline's system signed for a run becomes a session
//! of five minutes, for that run only.
//!
//! The token is found its rules by the issuer that it claims, verified with that issuer's keys, and
//! compared with each rule. It is taken once, for ever: what stands for it is recorded in the same
//! transaction as the session.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sluice_core::change::InvolvementRole;
use sluice_core::housekeeping::{RunSeen, TokenExchanged};
use sluice_core::ids::{Digest, RuleName, TokenId};
use sluice_core::organisation::{PipelineIssuer, TrustRule};
use sluice_core::refusal::Refusal;
use sluice_core::run::RunRef;
use sluice_core::scope::Scope;
use sluice_core::signal::Who;
use sluice_core::standing::{Actor, Standing};
use sluice_identity::pipeline::{PipelineRun, demands_all, pipeline_run};
use sluice_identity::{
    Audience, Claims, Expected, Family, LEEWAY_S, Reject, claimed_issuer, verify,
};
use sluice_outbound::Reach;
use sluice_store::Row;

use crate::answer::Answer;
use crate::engine::Engine;
use crate::error::{EngineError, Unavailable};
use crate::sequencer::{Commit, Step};
use crate::tokens;

/// How long a session is good.
const SESSION: SignedDuration = SignedDuration::from_mins(5);
/// Tokens that are remembered as shown at the same time. More in ten minutes than this is an attack.
const SHOWN: usize = 50_000;

/// A session that was got for a pipeline's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExchangedToken {
    /// Its id.
    pub id: TokenId,
    /// The bearer token.
    pub secret: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// How many seconds that is.
    pub expires_in_s: u32,
    /// The rule that believed the pipeline.
    pub rule: RuleName,
    /// The run that it is bound to.
    pub run: RunRef,
    /// What it may.
    pub permissions: BTreeSet<String>,
    /// Where it may.
    pub scope: Scope,
}

impl Engine {
    /// Whom tokens for this installation are for. Others have other logs, so it is theirs alone.
    pub fn audience(&self) -> String {
        format!("sluice:{}", self.keys().origin)
    }

    /// Issuers of which trust rules say different things, so that no token of theirs is exchanged.
    pub fn differing_issuers(&self) -> Vec<String> {
        differing(&self.standing()).into_keys().map(str::to_owned).collect()
    }

    /// Exchanges the token of a pipeline's system for a session.
    pub async fn exchange(&self, token: &str) -> Result<Answer<ExchangedToken>, EngineError> {
        let standing = self.standing();
        let issuer = claimed_issuer(token).map_err(|reject| refused(&reject))?;
        let rules: Vec<&Arc<TrustRule>> = standing
            .organisation
            .trust_rules
            .values()
            .filter(|rule| rule.issuer.url == issuer)
            .collect();
        let issuer = one_issuer(&rules)?;
        let claims = self.verified(token, issuer).await?;
        let system = issuer.system;
        let described = pipeline_run(system, &claims).map_err(|name| {
            Refusal::forbidden(
                "exchange_refused",
                format!("the token does not say `{name}`"),
                "let the pipeline's system put it into its tokens",
            )
        })?;
        let rule = chosen(&standing, &rules, &described)?;
        self.open_for_run(token, rule, &claims, described).await
    }

    /// The claims of a token, where it verifies. Keys that are not known are looked for anew once.
    async fn verified(&self, token: &str, issuer: &PipelineIssuer) -> Result<Claims, EngineError> {
        let reach = reach(issuer)?;
        let audience = self.audience();
        let now = self.latest();
        let expected = Expected {
            issuer: &issuer.url,
            audience: &audience,
            audience_form: Audience::Text,
            family: Family::Rsa,
            demands_nbf: demands_all(issuer.system),
            demands_jti: demands_all(issuer.system),
            max_age_s: i64::from(issuer.max_age_minutes) * 60,
        };
        let mut anew = false;
        loop {
            let at = self.monotonic();
            let keys = self.issuer_keys().get(self.net(), &reach, &issuer.keys, anew, at).await?;
            match verify(token, &expected, &keys, now.as_second()) {
                Ok(claims) => return Ok(claims),
                Err(Reject::UnknownKey) if !anew => anew = true,
                Err(reject) => return Err(refused(&reject)),
            }
        }
    }

    async fn open_for_run(
        &self,
        token: &str,
        rule: &TrustRule,
        claims: &Claims,
        described: PipelineRun,
    ) -> Result<Answer<ExchangedToken>, EngineError> {
        let now = self.now();
        let expires_at = now.saturating_add(SESSION).unwrap_or(Timestamp::MAX);
        // The token is taken once: not for a session that would be over at once.
        if self.latest() >= expires_at {
            return Err(Unavailable::clock());
        }
        let (id, secret) = tokens::secret(self.rng());
        let exchanged = TokenExchanged {
            token: id.clone(),
            rule: rule.name.clone(),
            issuer: claims.issuer.clone(),
            once: once(token, claims),
            once_until: once_until(claims),
            run: described.run.clone(),
            permissions: rule.permissions.iter().cloned().collect(),
            scope: rule.scope.clone(),
            expires_at,
        };
        let answer = ExchangedToken {
            id,
            secret: secret.clone(),
            expires_at,
            expires_in_s: u32::try_from(SESSION.as_secs()).unwrap_or_default(),
            rule: rule.name.clone(),
            run: described.run.clone(),
            permissions: rule.permissions.clone(),
            scope: rule.scope.clone(),
        };
        let (engine, rule) = (self.clone(), rule.clone());
        let decide = move |standing: &Standing, now: Timestamp| {
            let still = standing.organisation.trust_rules.get(&exchanged.rule);
            if still.is_none_or(|still| **still != rule) {
                return Step::Refuse(refusal("the rules have changed meanwhile"), None);
            }
            if standing.shown_once.contains_key(&exchanged.once) {
                return Step::Refuse(refusal("the token was shown before"), None);
            }
            let mut commit = Commit::of(Vec::new(), Actor::Pipeline(exchanged.token.clone()));
            let row = tokens::row(&exchanged, &secret, now);
            let seen = seen(&engine, standing, &described, &mut commit.rows);
            commit.rows.push(Row::Token(row));
            commit.events.push(exchanged.into());
            commit.events.extend(seen.map(Into::into));
            Step::Record((), commit)
        };
        if self.standing().shown_once.len() >= SHOWN {
            return Err(Unavailable::overloaded());
        }
        let ((), done) = self.sequencer().submit(decide).await?;
        Ok(Answer::of((), &done).map(|()| answer))
    }
}

/// What all rules for an issuer say of it. Where they differ (`sluice check` says so), none counts: by one of them the
/// token would be verified, and by another remembered. Whoever shows a token is told no names before it is verified.
fn one_issuer<'r>(rules: &[&'r Arc<TrustRule>]) -> Result<&'r PipelineIssuer, EngineError> {
    let first = rules.first().ok_or_else(|| refused(&Reject::Issuer))?;
    if rules.iter().all(|rule| rule.issuer == first.issuer) {
        return Ok(&first.issuer);
    }
    let issuer = &first.issuer.url;
    tracing::error!(
        issuer,
        "no token is exchanged: trust rules say different things of its issuer"
    );
    Err(Refusal::forbidden(
        "exchange_refused",
        "rules for the issuer say different things of it",
        "write the same `issuer` in all rules for it, and apply the files: the log of the server names them",
    )
    .into())
}

/// Issuers of which trust rules say different things, each with its rules: no token of theirs is exchanged. Ledgers have
/// them from before that was an error.
pub(crate) fn differing(standing: &Standing) -> BTreeMap<&str, BTreeSet<&RuleName>> {
    let rules = || standing.organisation.trust_rules.values();
    let differs = |one: &TrustRule| {
        rules().any(|it| it.issuer.url == one.issuer.url && it.issuer != one.issuer)
    };
    let mut found: BTreeMap<&str, BTreeSet<&RuleName>> = BTreeMap::new();
    for rule in rules().filter(|rule| differs(rule)) {
        found.entry(&rule.issuer.url).or_default().insert(&rule.name);
    }
    found
}

/// The first rule, by name, that believes the pipeline. What has not been merged is believed for
/// production by none.
fn chosen<'r>(
    standing: &Standing,
    rules: &[&'r Arc<TrustRule>],
    described: &PipelineRun,
) -> Result<&'r TrustRule, EngineError> {
    let mut nearest = None;
    let mut kept_out = false;
    for rule in rules {
        match rule.admits(&described.said) {
            Ok(()) if described.proposal && rule.reaches_production(&standing.organisation) => {
                kept_out = true;
            }
            Ok(()) => return Ok(rule),
            Err(claim) => nearest = nearest.or(Some((rule, claim))),
        }
    }
    let (message, help) = match nearest {
        _ if kept_out => (
            "the run is for a proposal that is not merged, and the rule reaches production".into(),
            "let the pipeline ask after the merge, or write a rule for other environments",
        ),
        Some((rule, claim)) => (
            format!("no rule believes this pipeline: `{}` is not met by `{claim}`", rule.name),
            "compare the claims of the token with `trust` in the organisation's files",
        ),
        None => ("no rule believes this pipeline".into(), "add one to `trust`"),
    };
    Err(Refusal::forbidden("exchange_refused", message, help).into())
}

/// Who started the run, as its system signed it, where that was not known yet.
fn seen(
    engine: &Engine,
    standing: &Standing,
    described: &PipelineRun,
    rows: &mut Vec<Row>,
) -> Option<RunSeen> {
    let who = Who { account: Some(described.actor.clone()?), ..Who::default() };
    let known = standing.runs.get(&described.run.key()).cloned();
    let involved = engine.involvement(standing, InvolvementRole::Trigger, &who, rows);
    let commit = known.as_ref().and_then(|known| known.commit.clone());
    let run = known.as_ref().map_or_else(|| described.run.clone(), |known| known.run.clone());
    let others = engine.others_of(&run);
    let event = RunSeen { run, commit: commit.or_else(|| described.commit.clone()), involved };
    let event = event.and_before(known.as_deref(), others);
    (known.as_deref() != Some(&event)).then_some(event)
}

/// What stands for a token: its issuer and id; where it has no id, the token itself.
fn once(token: &str, claims: &Claims) -> Digest {
    let own = match &claims.id {
        Some(id) => format!("id:{id}"),
        // A signature can be written in one way only, so a token is its own name.
        None => format!("token:{:x?}", Sha256::digest(token.as_bytes())),
    };
    Digest::of(format!("{}\n{own}", claims.issuer).as_bytes())
}

/// From then on the token is over or too old for everybody, whatever the rules come to say meanwhile.
fn once_until(claims: &Claims) -> Timestamp {
    let longest_s = i64::from(PipelineIssuer::LONGEST_AGE_MINUTES) * 60;
    let last = claims.expires_s.min(claims.issued_s.saturating_add(longest_s)) + LEEWAY_S;
    Timestamp::from_second(last.saturating_add(1)).unwrap_or(Timestamp::MAX)
}

/// Where the keys of an issuer may be fetched from.
fn reach(issuer: &PipelineIssuer) -> Result<Reach, EngineError> {
    Reach::of_url(&issuer.keys, &issuer.networks).map_err(|bad| {
        EngineError::Unavailable(Unavailable {
            code: "keys_unavailable",
            message: format!("the issuer's keys cannot be fetched: {bad}"),
            retry_after_s: None,
        })
    })
}

fn refused(reject: &Reject) -> EngineError {
    refusal(&reject.to_string())
}

fn refusal(message: &str) -> EngineError {
    let help =
        "let the pipeline's system make a new token for the audience that `/api/v1/keys` names";
    Refusal::forbidden("exchange_refused", message, help).into()
}

#[cfg(test)]
mod tests {
    use sluice_core::organisation::Item;
    use sluice_core::organisation::event::ItemDeclared;
    use sluice_core::standing::Recorded;

    use super::*;

    fn rule(name: &str, url: &str, minutes: u32) -> Item {
        let issuer = serde_json::json!({"system": "jenkins", "url": url, "keys": format!("{url}/keys"), "max_age_minutes": minutes});
        let spec = serde_json::json!({"name": name, "issuer": issuer, "claims": {"sub": ["x"]}, "scope": {}, "permissions": []});
        serde_json::from_value(serde_json::json!({"kind": "trust_rule", "spec": spec}))
            .expect("a rule")
    }

    #[test]
    fn issuers_of_which_rules_say_different_things_are_named_to_nobody_without_a_token() {
        let mut standing = Standing::default();
        let items = [
            rule("one", "https://a.example", 5),
            rule("other", "https://a.example", 60),
            rule("sound", "https://b.example", 5),
        ];
        for (index, item) in (0..).zip(items) {
            let event = ItemDeclared { item }.into();
            let at = Timestamp::UNIX_EPOCH;
            standing.apply(&Recorded { index, at, actor: Actor::Sluice, event });
        }
        assert_eq!(differing(&standing).into_keys().collect::<Vec<_>>(), ["https://a.example"]);
        let rules: Vec<_> = standing.organisation.trust_rules.values().collect();
        let Err(EngineError::Refused(refused)) = one_issuer(&rules[..2]) else {
            panic!("one of the two would have to be believed")
        };
        assert!(!format!("{refused:?}").contains("other"), "{refused:?}");
        assert!(one_issuer(&rules[2..]).is_ok());
    }
}
