//! Showing approvers what they are asked about, and since when they could see it.

use jiff::SignedDuration;
use serde_json::json;
use sluice_core::change::ChangeKind;
use sluice_core::effect::ChangeCard;

use super::config::Config;
use super::record;
use super::wire::{CANCELED, CLOSED, Row, one, text, time};
use crate::kit::answers::{self, not_understood};
use crate::kit::words;
use crate::tell::{Ask, Receipt, Shown, Step, Talk, Verb};

/// Has the record show the revision of the card; gives what it shows then, as far as it can be known.
pub(super) fn shown(
    config: &Config,
    talk: &Talk<'_>,
    card: &ChangeCard,
    row: &Row,
) -> Result<Option<Shown>, Step<Receipt>> {
    let revision = card.revision.clone();
    if words::shown_revision(&row.description).as_ref() == Some(&revision) {
        // Where nothing was recorded before, it is what the record was made with.
        let is_new = !talk.known.contains_key("revision");
        let since = time(&row.created).filter(|_| is_new);
        return Ok(Some(Shown { revision, written: false, since }));
    }
    // What a template describes cannot be described otherwise, and needs no approval.
    let is_of_template = card.kind == ChangeKind::Standard && config.standard_template.is_some();
    if is_of_template || [CLOSED, CANCELED].contains(&row.state) {
        return Ok(None);
    }
    let Some(sent) = talk.last("describe") else {
        let body = json!({ "description": words::description(talk, card).join("\n") });
        let url = record::address(config, &row.sys_id);
        let ask = Ask::new("describe", Verb::Patch, url).json(&body);
        return Err(Step::Send(record::plain_json(ask).by(talk.session)));
    };
    let answer = answers::json(sent)?;
    let now = one(&answer).ok_or_else(|| not_understood("the answer is not the record"))?;
    if text(now, "sys_id").as_deref() != Some(row.sys_id.as_str()) {
        return Err(not_understood("the answer is another record"));
    }
    // A field that was not taken shows what it showed before: no approval counts for this revision then.
    let taken = text(now, "description").and_then(|text| words::shown_revision(&text));
    // Their times have whole seconds: whoever spoke within this one may have seen the other revision.
    let since = text(now, "sys_updated_on").and_then(|at| time(&at));
    let since = since.and_then(|at| at.checked_add(SignedDuration::from_secs(1)).ok());
    Ok((taken.as_ref() == Some(&revision)).then_some(Shown { revision, written: true, since }))
}
