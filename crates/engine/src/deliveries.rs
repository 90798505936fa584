//! Deliveries that are read again by a person's wish.

use sluice_core::housekeeping::DeliveryReplayed;
use sluice_core::ids::LinkName;
use sluice_core::permission::Permission;
use sluice_core::refusal::Refusal;
use sluice_core::standing::Standing;
use sluice_store::Row;

use crate::answer::Answer;
use crate::caller::Caller;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::sequencer::{Commit, Step};

/// What may be read again: what was put aside, and what nothing was understood of. What came to something would come
/// to it twice.
const AGAIN: [&str; 2] = ["quarantined", "ignored"];

impl Engine {
    /// Has a delivery read again, such as after its link was mended.
    pub async fn replay_delivery(
        &self,
        caller: &Caller,
        id: u64,
    ) -> Result<Answer<()>, EngineError> {
        caller.require(Permission::OrganisationApply)?;
        let readers = self.readers().clone();
        let row = self.blocking(move || readers.inbox_get(id)).await?;
        let unknown = || {
            Refusal::missing(
                "delivery_unknown",
                format!("there is no delivery {id}"),
                "see `sluice inbox list`",
            )
        };
        let row = row.ok_or_else(unknown)?;
        let link = LinkName::parse(&row.delivery.link).map_err(|_| unknown())?;
        if !AGAIN.contains(&row.state.as_str()) {
            let message = format!("delivery {id} is `{}`", row.state);
            let help = "only what was put aside or ignored is read again";
            return Err(Refusal::conflict("delivery_done", message, help).into());
        }
        let actor = caller.actor();
        let inbox = i64::try_from(id).unwrap_or(i64::MAX);
        let decide = move |standing: &Standing, _: jiff::Timestamp| {
            if !standing.organisation.links.contains_key(&link) {
                let message = format!("the link `{link}` is not declared any more");
                let refusal = Refusal::conflict("link_unknown", message, "declare it first");
                return Step::Refuse(refusal.into(), None);
            }
            let mut commit = Commit::of(vec![DeliveryReplayed { link, inbox }.into()], actor);
            commit.rows.push(Row::DeliveryAnew { id });
            Step::Record((), commit)
        };
        let ((), done) = self.sequencer().submit(decide).await?;
        self.inbox().notify_one();
        Ok(Answer::of((), &done))
    }
}
