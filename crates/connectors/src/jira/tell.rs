//! Telling Jira: find or make the issue, walk it to where the change stands, link and annotate it.

use jiff::Timestamp;
use serde_json::Value;
use sluice_core::effect::ChangeCard;

use super::config::{Config, Product};
use super::wire::Row;
use super::{poll, record, walk};
use crate::kit::answers::{self, not_understood};
use crate::tell::{
    Because, Credentials, Exchange, Outlet, Pace, Polled, Polling, Receipt, Session, Stands, Step,
    Talk, Tell, Trial, Trouble, Verb,
};

/// A Jira, to be told.
pub(super) struct JiraTold {
    pub(super) config: Config,
}

impl Tell for JiraTold {
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
        let Some(card) = &talk.effect.change else { return Step::Done(Receipt::plain()) };
        match self.told(talk, card) {
            Ok(receipt) => Step::Done(receipt),
            Err(step) => step,
        }
    }

    fn keeps_records(&self) -> bool {
        true
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        let Some(exchange) = talk.so_far.last() else {
            let permissions = match self.config.product {
                Product::Cloud => {
                    "&permissions=BROWSE_PROJECTS,CREATE_ISSUES,EDIT_ISSUES,TRANSITION_ISSUES,ADD_COMMENTS"
                }
                Product::DataCenter => "",
            };
            let url = format!(
                "{}/mypermissions?projectKey={}{permissions}",
                record::api(&self.config),
                self.config.project
            );
            return Step::Send(record::ask("test", Verb::Get, url).by(talk.session));
        };
        match answers::json::<String>(exchange) {
            Err(step) => step,
            Ok(answer) => match missing(&answer) {
                None => not_understood("the answer is not a list of permissions"),
                Some(missing) if missing.is_empty() => {
                    Step::Done("issues of the project can be made, moved and annotated".to_owned())
                }
                Some(_) => Step::GiveUp(Trouble::new(
                    Because::Auth,
                    "the account lacks a permission of the project that the guide names",
                )),
            },
        }
    }

    fn poll(&self, polling: &Polling<'_>) -> Option<Step<Polled>> {
        Some(match poll::poll(&self.config, polling) {
            Ok(polled) => Step::Done(polled),
            Err(step) => step,
        })
    }
}

impl JiraTold {
    fn told(&self, talk: &Talk<'_>, card: &ChangeCard) -> Result<Receipt, Step<Receipt>> {
        let row = record::row(&self.config, talk, card)?;
        let mut receipt = Receipt::plain()
            .reference("issue", row.key.clone())
            .reference(record::ISSUE_ID, row.id.clone());
        let brought = self.brought(talk, card, &row, &mut receipt);
        brought.map_err(|step| step.knowing(&receipt))?;
        receipt.stands = Some(Stands { of: row.id, at: row.updated, ..Stands::default() });
        Ok(receipt)
    }

    /// The issue shows what is asked about, and is brought to where the change stands. As soon as it is there people may
    /// say yes to what it shows, so that what it shows is known before.
    fn brought(
        &self,
        talk: &Talk<'_>,
        card: &ChangeCard,
        row: &Row,
        receipt: &mut Receipt,
    ) -> Result<(), Step<Receipt>> {
        if let Some(link) = record::linked(&self.config, talk, card, row)? {
            receipt.references.push(("remote_link", link));
        }
        if !talk.late {
            receipt.shown = record::described(&self.config, talk, card, row)?;
            let differs = walk::walk(&self.config, talk, card, row)?;
            receipt.differs =
                differs.map(|theirs| ("state", card.state.as_str().to_owned(), theirs));
        }
        walk::comment(&self.config, talk, row)
    }
}

/// What the account may not do of what is needed.
fn missing(answer: &Value) -> Option<Vec<&'static str>> {
    let permissions = answer.get("permissions")?.as_object()?;
    let needed =
        ["BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "TRANSITION_ISSUES", "ADD_COMMENTS"];
    let has = |name: &str| {
        permissions.get(name).and_then(|one| one.get("havePermission")).and_then(Value::as_bool)
            == Some(true)
    };
    Some(needed.into_iter().filter(|name| !has(name)).collect())
}
