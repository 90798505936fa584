//! Assets of Jira Service Management: which object a service is, and what it says of it.
//!
//! The schema is the customer's, so that the settings name what is read and written in it. An object is found by the
//! attribute that has our key, which is the service's name, before one is made. Ids of attributes belong to a schema, so
//! they are looked up by name, each time. Where the objects are kept over there nothing is written: what they say
//! otherwise is a difference.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_core::effect::ItemCard;
use sluice_core::link::Authority;

use super::assets_config::{Config, Part};
use super::assets_object::{Attributes, Object};
use crate::connector::Problem;
use crate::kit::answers::{self, is_status, not_understood};
use crate::tell::{
    Ask, Because, Credentials, Exchange, Outlet, Pace, Receipt, Session, Step, Talk, Tell, Teller,
    Telling, Trial, Trouble, Verb,
};

/// The name under which the id of an object is remembered.
const OBJECT: &str = "object";

/// The teller of items.
pub(crate) struct JiraAssets;

impl Teller for JiraAssets {
    fn kind(&self) -> &'static str {
        "jira_assets"
    }

    fn about(&self) -> &'static str {
        "Assets of Jira Service Management: the object that each service is, looked up or kept in step"
    }

    fn example(&self) -> &'static str {
        r#"{
  "workspace": "52c1ee2e-7d0a-4f1c-9a4e-0f6a4f7f1c11",
  "user": "sluice@acme.example",
  "object_type": "23",
  "key": "Sluice key",
  "attributes": { "title": "Name", "owner": "Owner team", "tier": "Tier" },
  "authority": "native"
}"#
    }

    fn family(&self) -> &'static str {
        "jira"
    }

    fn configure(&self, settings: &Value) -> Result<Telling, Vec<Problem>> {
        Config::read(settings).map(|config| Box::new(AssetsTold { config }) as Telling)
    }
}

struct AssetsTold {
    config: Config,
}

impl Tell for AssetsTold {
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
        let Some(card) = talk.effect.item.as_ref().filter(|_| !talk.late) else {
            return Step::Done(Receipt::plain());
        };
        self.told(talk, card).map_or_else(|step| step, Step::Done)
    }

    fn keeps_records(&self) -> bool {
        true
    }

    /// Assets sends nothing by itself that could be heard, and its searches know no time of an alteration.
    fn compares_every(&self) -> Option<SignedDuration> {
        Some(SignedDuration::from_hours(6))
    }

    fn test(&self, talk: &Trial<'_>) -> Step<String> {
        let Some(exchange) = talk.so_far.last() else {
            return Step::Send(self.config.attributes_of_type().by(talk.session));
        };
        match Attributes::read::<String>(&self.config, exchange) {
            Ok(_) => Step::Done("the object type has the attributes that are named".to_owned()),
            Err(step) => step,
        }
    }
}

type Said<T> = Result<T, Step<Receipt>>;

/// What there is of a service.
enum Found {
    None,
    /// Where it is not alone, others bear our key too and are not ours to alter.
    One {
        object: Object,
        is_alone: bool,
    },
}

impl AssetsTold {
    fn told(&self, talk: &Talk<'_>, card: &ItemCard) -> Said<Receipt> {
        let Some(listed) = talk.last("attributes") else {
            return Err(Step::Send(self.config.attributes_of_type().by(talk.session)));
        };
        let attributes = Attributes::read(&self.config, listed)?;
        let Found::One { object, is_alone } = self.object(talk, card, &attributes)? else {
            let differs = ("record", "declared".to_owned(), "no object of this key".to_owned());
            return Ok(Receipt { differs: Some(differs), ..Receipt::plain() });
        };
        let receipt = Receipt::plain().reference(OBJECT, object.id.clone());
        let differing = |about, ours: &str, theirs: &str| {
            let differs = Some((about, ours.to_owned(), theirs.to_owned()));
            Ok(Receipt { differs, ..receipt.clone() })
        };
        let key = object.value(&attributes.key);
        if key != card.service.as_str() {
            return differing("key", card.service.as_str(), key);
        }
        let object = self.in_step(talk, card, &attributes, object)?;
        if !is_alone {
            return differing("record", "one", "several");
        }
        match attributes.differing(card, &object).first() {
            Some((part, ours)) => {
                differing(part.as_str(), ours, object.value(attributes.id(*part)))
            }
            None => Ok(receipt),
        }
    }

    /// The one object of the service: found, or made where that is ours to do.
    fn object(&self, talk: &Talk<'_>, card: &ItemCard, attributes: &Attributes) -> Said<Found> {
        let config = &self.config;
        let Some(searched) = talk.last("search") else {
            return Err(Step::Send(config.search(card.service.as_str()).by(talk.session)));
        };
        let mut found = Object::listed(searched)?;
        // What a search gives is compared with what was asked for.
        found.retain(|object| object.value(&attributes.key) == card.service.as_str());
        found.sort_by_key(|object| object.id.parse::<u64>().unwrap_or(u64::MAX));
        let known = talk.known.get(OBJECT);
        let kept = match known {
            Some(known) => found.iter().position(|object| object.id == *known),
            None => (!found.is_empty()).then_some(0),
        };
        if let Some(kept) = kept {
            let kept = found.remove(kept);
            let is_alone = found.is_empty() || config.authority == Authority::Native;
            self.set_aside(talk, attributes, card, &found)?;
            return Ok(Found::One { object: kept, is_alone });
        }
        let alone = |object| Found::One { object, is_alone: true };
        if let Some(known) = known {
            return self.read(talk, known).map(alone);
        }
        if config.authority == Authority::Foreign {
            return Ok(Found::None);
        }
        let Some(created) = talk.last("create") else {
            let body = json!({
                "objectTypeId": config.object_type,
                "attributes": attributes.all(card),
            });
            let url = format!("{}/object/create", config.base);
            let ask = Ask::new("create", Verb::Post, url).json(&body);
            return Err(Step::Send(ask.by(talk.session)));
        };
        let answer = answers::json(created)?;
        let made = Object::read(&answer)
            .ok_or_else(|| not_understood("the answer is not the object that was made"))?;
        self.read(talk, &made.id).map(alone)
    }

    /// An object by its id.
    fn read(&self, talk: &Talk<'_>, id: &str) -> Said<Object> {
        let Some(read) = talk.last("read") else {
            return Err(Step::Send(self.config.object("read", id).by(talk.session)));
        };
        if is_status(read, &[403, 404]) {
            // They may have deleted it, or do not show it: a person has to look.
            let detail = "the object is gone, or may no longer be read";
            return Err(Step::GiveUp(Trouble::new(Because::Client, detail)));
        }
        let object = Object::read(&answers::json(read)?).filter(|object| object.id == id);
        object.ok_or_else(|| not_understood("the answer is not the object that was asked for"))
    }

    /// Objects that they made twice bear our key no more, where that is ours to do.
    fn set_aside(
        &self,
        talk: &Talk<'_>,
        attributes: &Attributes,
        card: &ItemCard,
        surplus: &[Object],
    ) -> Said<()> {
        let sent = talk.so_far.iter().filter(|exchange| exchange.step == "set_aside");
        for exchange in sent.clone() {
            answers::done(exchange)?;
        }
        let is_ours = self.config.authority == Authority::Native;
        match surplus.get(sent.count()).filter(|_| is_ours) {
            None => Ok(()),
            Some(object) => {
                let key = format!("{}-duplicate", card.service);
                let body = json!({ "attributes": [Attributes::one(&attributes.key, &key)] });
                let ask = self.config.put("set_aside", &object.id).json(&body);
                Err(Step::Send(ask.by(talk.session)))
            }
        }
    }

    /// Has the object say what we say, where that is ours to do; gives it as it is then.
    fn in_step(
        &self,
        talk: &Talk<'_>,
        card: &ItemCard,
        attributes: &Attributes,
        object: Object,
    ) -> Said<Object> {
        let differing = attributes.differing(card, &object);
        if differing.is_empty() || self.config.authority != Authority::Native {
            return Ok(object);
        }
        let Some(sent) = talk.last("update") else {
            let values: Vec<Value> = differing
                .iter()
                .map(|(part, ours)| Attributes::one(attributes.id(*part), ours))
                .collect();
            let ask = self.config.put("update", &object.id).json(&json!({ "attributes": values }));
            return Err(Step::Send(ask.by(talk.session)));
        };
        answers::done(sent)?;
        // What was not taken is a difference.
        let Some(read) = talk.last("look_again") else {
            return Err(Step::Send(self.config.object("look_again", &object.id).by(talk.session)));
        };
        let now = Object::read(&answers::json(read)?).filter(|now| now.id == object.id);
        now.ok_or_else(|| not_understood("the answer is not the object that was asked for"))
    }
}

impl Part {
    /// What we say of a service.
    pub(super) fn of(self, card: &ItemCard) -> String {
        match self {
            Self::Title if card.title.is_empty() => card.service.to_string(),
            Self::Title => card.title.clone(),
            Self::Owner => card.owner.clone(),
            Self::Tier => card.tier.clone(),
        }
    }
}
