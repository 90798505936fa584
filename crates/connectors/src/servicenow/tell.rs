//! Telling ServiceNow: find or make the change request, then walk it to where the change stands.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_core::change::{ChangeKind, ChangeState};
use sluice_core::effect::{ChangeCard, Effect, Tell as Told};

use super::config::Config;
use super::record::{self, Found};
use super::wire::{Row, ignored, one, stamp, text};
use super::{attach, conflicts, describe, item, poll, schedules, tasks, walk};
use crate::kit::answers;
use crate::kit::answers::{cut, is_status, not_understood};
use crate::kit::words;
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Polled, Polling, ReadWindows, Receipt,
    Session, Step, Talk, Tell, Trial, Trouble, Verb,
};

/// So long a change is planned to take, for whoever looks for conflicts.
const PLANNED: SignedDuration = SignedDuration::from_hours(1);

/// A ServiceNow instance.
pub(super) struct ServiceNowLink {
    pub(super) config: Config,
}

impl Tell for ServiceNowLink {
    fn outlet(&self) -> &Outlet {
        &self.config.outlet
    }

    fn credentials(&self) -> &[&'static str] {
        self.config.account.credentials()
    }

    fn pace(&self) -> Pace {
        self.config.pace
    }

    fn authenticate(
        &self,
        so_far: &[Exchange],
        with: &Credentials,
        now: Timestamp,
    ) -> Step<Session> {
        self.config.account.authenticate(so_far, with, now)
    }

    fn tell(&self, talk: &Talk<'_>) -> Step<Receipt> {
        let (config, effect) = (&self.config, talk.effect);
        let told = if let Some(card) = &effect.item {
            item::told(config, talk, card)
        } else if let Some(card) = &effect.incident {
            tasks::incident(config, talk, card)
        } else if let Some(card) = &effect.problem {
            tasks::problem(config, talk, card)
        } else if let Some(card) = &effect.change {
            self.told(talk, card)
        } else {
            // A stop concerns no single record.
            Ok(Step::Done(Receipt::plain()))
        };
        told.unwrap_or_else(|step| step)
    }

    fn keeps_records(&self) -> bool {
        true
    }

    fn writes(&self, effect: &Effect) -> Vec<&'static str> {
        tasks::writes(&self.config, effect)
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        match talk.so_far.last() {
            None => {
                Step::Send(record::search(&self.config, "sluice-trial", "test").by(talk.session))
            }
            Some(exchange) => match answers::json(exchange) {
                Ok(answer) if answer.get("result").is_some_and(Value::is_array) => {
                    Step::Done("change requests can be read".to_owned())
                }
                Ok(_) => not_understood("the answer is not a list of records"),
                Err(step) => step,
            },
        }
    }

    fn windows(&self, polling: &Polling<'_>) -> Option<Step<ReadWindows>> {
        let reading = self.config.schedules.as_ref()?;
        let read = schedules::read(&self.config, reading, polling);
        Some(read.map_or_else(|step| step, Step::Done))
    }

    fn poll(&self, polling: &Polling<'_>) -> Option<Step<Polled>> {
        Some(poll::poll(&self.config, polling).map_or_else(|step| step, Step::Done))
    }
}

impl ServiceNowLink {
    /// Both arms are steps: the error is the way out as soon as something has to be sent or has failed.
    fn told(&self, talk: &Talk<'_>, card: &ChangeCard) -> Result<Step<Receipt>, Step<Receipt>> {
        let mut receipt = Receipt::plain();
        let item = item::of_effect(&self.config, talk, &mut receipt)?;
        let row = self.row(talk, card, item.as_deref())?;
        receipt = receipt
            .reference("change_request", row.number.clone())
            .reference(poll::SYS_ID, row.sys_id.clone());
        self.brought(talk, card, (&row, item), &mut receipt).map_err(|step| step.knowing(&receipt))
    }

    /// The record shows what is asked about, and is brought to where the change stands. As soon as it is there people
    /// may say yes to what it shows, so that what it shows is known before.
    fn brought(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        (row, item): (&Row, Option<String>),
        receipt: &mut Receipt,
    ) -> Result<Step<Receipt>, Step<Receipt>> {
        self.place(talk, row, item)?;
        if !talk.late {
            receipt.shown = describe::shown(&self.config, talk, card, row)?;
        }
        if let Some(conflicts) = conflicts::read(&self.config, talk, card, row)? {
            receipt.references.push(("conflicts", conflicts));
        }
        // The record is where it has to be before anything is attached to it.
        match walk::walk(&self.config, talk, card, row, receipt.clone())? {
            Step::Done(mut receipt) => {
                // Where it stands is for the reading to say; that nothing older does is known.
                receipt.stands = Some(row.stands(None));
                attach::decision(&self.config, talk, card, row, &mut receipt)?;
                Ok(Step::Done(receipt))
            }
            step => Ok(step),
        }
    }

    /// The one change request for the change.
    fn row(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        item: Option<&str>,
    ) -> Result<Row, Step<Receipt>> {
        let correlation = self.config.correlation(&card.number.to_string());
        let Some(search) = talk.last("search") else {
            let search = record::search(&self.config, &correlation, "search");
            return Err(Step::Send(search.by(talk.session)));
        };
        let known = talk.known.get(poll::SYS_ID).map(String::as_str);
        match record::found(&self.config, search, &correlation, known)? {
            Found::One(row) => Ok(row),
            Found::Several { kept, surplus } => self.cancel_surplus(talk, kept, &surplus),
            Found::None => self.made(talk, card, &correlation, item),
        }
    }

    /// Names the item where the record names none; what somebody has written there stays.
    fn place(&self, talk: &Talk<'_>, row: &Row, item: Option<String>) -> Result<(), Step<Receipt>> {
        let Some(item) = item.filter(|_| row.item.is_empty() && row.state < 0) else {
            return Ok(());
        };
        let Some(sent) = talk.last("relate") else {
            let url = record::address(&self.config, &row.sys_id);
            let ask = Ask::new("relate", Verb::Patch, url).json(&json!({ "cmdb_ci": item }));
            return Err(Step::Send(record::plain_json(ask).by(talk.session)));
        };
        let answer = answers::json(sent)?;
        let echoed = one(&answer).and_then(|record| text(record, "sys_id"));
        if echoed.as_deref() == Some(row.sys_id.as_str()) {
            return Ok(());
        }
        Err(not_understood("the answer is another record"))
    }

    /// A record that they made twice is kept once. The others are canceled, with a note that names the one kept, and
    /// bear our number no more.
    fn cancel_surplus(
        &self,
        talk: &Talk<'_>,
        kept: Row,
        surplus: &[Row],
    ) -> Result<Row, Step<Receipt>> {
        let canceled = talk.so_far.iter().filter(|exchange| exchange.step == "cancel_surplus");
        for exchange in canceled.clone() {
            answers::done(exchange)?;
        }
        match surplus.get(canceled.count()) {
            None => Ok(kept),
            Some(row) => {
                let note =
                    format!("Duplicate of {}, which is kept in step instead of this.", kept.number);
                let correlation = format!("{}-duplicate", row.correlation);
                let body =
                    json!({ "state": "4", "correlation_id": correlation, "work_notes": note });
                let url = record::address(&self.config, &row.sys_id);
                let ask = Ask::new("cancel_surplus", Verb::Patch, url).json(&body);
                Err(Step::Send(record::plain_json(ask).by(talk.session)))
            }
        }
    }

    fn made(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        correlation: &str,
        item: Option<&str>,
    ) -> Result<Row, Step<Receipt>> {
        if let Some(sys_id) = talk.known.get(poll::SYS_ID) {
            return self.read_known(talk, sys_id, correlation);
        }
        let Some(create) = talk.last("create") else {
            return Err(Step::Send(self.create(talk, card, correlation, item)));
        };
        let answer = answers::json(create)?;
        if ignored(&answer).contains(&"correlation_id") {
            let detail =
                "the account may not write `correlation_id`, so that records cannot be told apart";
            return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        let row = one(&answer).and_then(Row::read);
        row.filter(|row| row.correlation == correlation)
            .ok_or_else(|| not_understood("the answer is not the record that was made"))
    }

    /// A record that is known and that no search finds yet is read by its id.
    fn read_known(
        &self,
        talk: &Talk<'_>,
        sys_id: &str,
        correlation: &str,
    ) -> Result<Row, Step<Receipt>> {
        let Some(read) = talk.last("read") else {
            let url = record::address(&self.config, sys_id);
            let ask = record::plain_json(Ask::new("read", Verb::Get, url));
            return Err(Step::Send(ask.by(talk.session)));
        };
        if is_hidden(read) {
            // They may have deleted it, or do not show it: a person has to look.
            let detail = "the change request is gone, or may no longer be read";
            return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        let answer = answers::json(read)?;
        let row = one(&answer).and_then(Row::read);
        row.filter(|row| row.correlation == correlation)
            .ok_or_else(|| not_understood("the answer is not the record that was asked for"))
    }

    fn create(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        correlation: &str,
        item: Option<&str>,
    ) -> Ask {
        let (kind, template) = match (card.kind, &self.config.standard_template) {
            (ChangeKind::Standard, Some(template)) => ("standard", Some(template)),
            (ChangeKind::Emergency, _) => ("emergency", None),
            (ChangeKind::Normal | ChangeKind::Standard, _) => ("normal", None),
        };
        let mut url = format!("{}/api/sn_chg_rest/change/{kind}", self.config.url);
        if let Some(template) = template {
            url = format!("{url}/{template}");
        }
        let mut body = json!({
            "short_description": cut(&format!("{}: {}", card.number, card.title), 160),
            "correlation_id": correlation,
            "correlation_display": "Sluice",
        });
        if let Some(item) = item {
            body["cmdb_ci"] = json!(item);
        }
        if self.config.read_conflicts {
            // Without dates the instance looks for no conflicts.
            let ends = talk.effect.at.checked_add(PLANNED).unwrap_or(talk.effect.at);
            body["start_date"] = json!(stamp(talk.effect.at));
            body["end_date"] = json!(stamp(ends));
        }
        let wanted = [("description", words::description(talk, card).join("\n"))];
        for (field, text) in
            self.config.fields.iter().map(|(k, v)| (k.as_str(), v.clone())).chain(wanted)
        {
            body[field] = Value::String(text);
        }
        record::plain_json(Ask::new("create", Verb::Post, url).json(&body)).by(talk.session)
    }
}

/// Whether only a word is added, and no state.
pub(super) fn is_note(told: Told) -> bool {
    match told {
        Told::ChangeOpened | Told::ChangeMoved | Told::ChangeEnded => false,
        Told::ChangeRevised
        | Told::ApprovalWanted
        | Told::ApprovalGiven
        | Told::ApprovalRefused
        | Told::GateDecided
        | Told::DeploymentStarted
        | Told::DeploymentEnded
        | Told::StopPulled
        | Told::StopLifted
        | Told::IncidentOpened
        | Told::IncidentResolved
        | Told::IncidentMoved
        | Told::ProblemOpened
        | Told::ProblemMoved
        | Told::ProblemResolved
        | Told::ItemDeclared
        | Told::ProposalJudged
        | Told::IntentAnswered
        | Told::CalendarChanged => true,
    }
}

/// Whether a state is the end.
pub(super) fn is_end(state: ChangeState) -> bool {
    state.is_over()
}

/// Whether a record was not found, or may not be read, which they do not tell apart.
pub(super) fn is_hidden(exchange: &Exchange) -> bool {
    is_status(exchange, &[403, 404])
}
