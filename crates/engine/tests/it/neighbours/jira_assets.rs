//! Services as objects of Assets: found by their key before they are made, and kept in step as far as that is ours.

use std::time::Duration;

use sluice_core::event::Event;
use sluice_testkit::neighbours::{Lie, Lies};

use super::Town;
use super::servicenow::differing;
use crate::world::{acme, question};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn link(authority: &str) -> String {
    format!(
        r#"
links:
  - name: assets
    connector: jira_assets
    credentials: {{api_token: {{env: JIRA}}}}
    tell: [item]
    settings:
      url: https://assets.test
      workspace: w1
      user: sluice@acme.example
      object_type: "23"
      key: Sluice key
      attributes: {{title: Name, owner: Owner team, tier: Tier}}
      authority: {authority}
      per_minute: 1000
"#
    )
}

impl Town {
    fn services(&self) -> usize {
        self.world.engine.standing().organisation.services.len()
    }

    fn asset(&self, key: &str, name: &str) -> String {
        let assets = self.assets.lock().unwrap();
        let [object] = assets.of("Sluice key", key)[..] else { panic!("{:#?}", assets.objects) };
        object.values.get(name).cloned().unwrap_or_default()
    }

    /// Whether everything was told.
    fn settled(&self) -> bool {
        self.outbox("pending").is_empty() && self.outbox("given_up").is_empty()
    }

    fn differing_assets(&self) -> Vec<(String, String, String, String)> {
        let told = differing(self).into_iter().filter(|it| it.link.as_str() == "assets");
        told.map(|it| (it.entity, it.about, it.ours, it.theirs)).collect()
    }
}

#[tokio::test]
async fn every_service_is_one_object_that_says_what_we_say() {
    let town = Town::with(&link("native")).await;
    {
        // One is there before, found by its key, and says something else; what is not ours to say stays.
        let now = town.world.engine.now();
        let there = [("Sluice key", "payments"), ("Name", "PAY"), ("Notes", "by hand")];
        town.assets.lock().unwrap().add(&there, now);
    }
    town.settle(DAY).await;
    assert!(town.settled());
    assert_eq!(town.assets.lock().unwrap().objects.len(), town.services());
    let standing = town.world.engine.standing();
    let ours = &standing.organisation.services["payments"];
    assert_eq!(town.asset("payments", "Name"), ours.title);
    assert_eq!(town.asset("payments", "Owner team"), ours.owner.to_string());
    assert_eq!(town.asset("payments", "Tier"), ours.tier);
    assert_eq!(town.asset("payments", "Notes"), "by hand");
    assert_eq!(town.differing_assets(), []);
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let result = engine.reconcile_link(admin, "assets", false).await.unwrap();
    assert_eq!(result.differing, [], "{result:#?}");
    assert_eq!(result.equal, town.services() as u64);
    // What somebody alters is named, and mended on request.
    town.assets.lock().unwrap().objects[0].values.insert("Tier".into(), "tier-9".into());
    let result = engine.reconcile_link(admin, "assets", true).await.unwrap();
    let differing: Vec<_> = result.differing.iter().map(|one| one.about.as_str()).collect();
    assert_eq!((differing, result.owed_anew), (vec!["attributes"], 1));
    town.settle(DAY).await;
    assert_eq!(town.asset("payments", "Tier"), ours.tier);
}

#[tokio::test]
async fn a_service_that_is_declared_otherwise_is_told_again() {
    let town = Town::with(&link("native")).await;
    town.settle(DAY).await;
    let mut folder = acme();
    folder.insert("told.yaml".to_owned(), link("native").into_bytes());
    let (name, text) = folder
        .files()
        .find_map(|(name, bytes)| {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            (name.starts_with("services/") && text.contains("name: payments\n"))
                .then(|| (name.to_owned(), text))
        })
        .expect("a file declares it");
    let title = town.asset("payments", "Name");
    assert!(text.contains(&title), "{name} has no `{title}`");
    folder.insert(name, text.replace(&title, "Payments, renamed").into_bytes());
    town.world.engine.apply(&town.world.admin, &folder, "test", None).await.unwrap();
    town.settle(DAY).await;
    assert!(town.settled());
    assert_eq!(town.asset("payments", "Name"), "Payments, renamed");
    assert_eq!(town.assets.lock().unwrap().objects.len(), town.services());
}

#[tokio::test]
async fn where_the_schema_is_kept_over_there_nothing_is_written() {
    for (authority, made) in [("foreign", false), ("mirrored", true)] {
        let town = Town::with(&link(authority)).await;
        let now = town.world.engine.now();
        let there = [("Sluice key", "payments"), ("Name", "PAY")];
        town.assets.lock().unwrap().add(&there, now);
        town.settle(DAY).await;
        assert!(town.settled(), "{authority}");
        assert_eq!(town.asset("payments", "Name"), "PAY", "{authority}");
        let differing = town.differing_assets();
        let of = |entity: &str| {
            let found = differing.iter().find(|(known, ..)| known == entity);
            found.map(|(_, about, _, theirs)| (about.clone(), theirs.clone()))
        };
        let said = of("service/payments").expect("it says something else");
        assert_eq!(said.0, "title", "{authority}");
        assert_eq!(said.1, "PAY", "{authority}");
        let missing = of("service/ledger");
        let none = ("record".to_owned(), "no object of this key".to_owned());
        assert_eq!(missing, (!made).then_some(none), "{authority}");
        let objects = town.assets.lock().unwrap().objects.len();
        assert_eq!(objects, if made { town.services() } else { 1 }, "{authority}");
        let altering = town.net.seen();
        let altering = altering
            .iter()
            .filter(|(_, seen)| seen.method == "PUT" || seen.path.ends_with("/object/create"));
        assert_eq!(altering.count() > 0, made, "{authority}");
    }
}

#[tokio::test]
async fn what_they_do_not_take_is_a_difference_and_what_is_missing_in_the_schema_is_said() {
    let town = Town::with(&link("native")).await;
    town.assets.lock().unwrap().refused = vec!["Tier"];
    town.settle(DAY).await;
    assert!(town.settled());
    let differing = town.differing_assets();
    assert!(differing.iter().all(|(_, about, _, theirs)| about == "tier" && theirs.is_empty()));
    assert!(!differing.is_empty());
    let town = Town::with(&link("native")).await;
    town.assets.lock().unwrap().attributes = vec!["Name", "Sluice key"];
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let trial = engine.test_link(admin, "assets").await.unwrap();
    assert!(!trial.ok && trial.detail.contains("no attribute of a name"), "{trial:?}");
    town.assets.lock().unwrap().attributes = vec!["Name", "Sluice key", "Owner team", "Tier"];
    let trial = engine.test_link(admin, "assets").await.unwrap();
    assert!(trial.ok, "{trial:?}");
}

#[tokio::test]
async fn whatever_they_answer_there_is_one_object_for_each_service() {
    let lies = [Lie::LostAnswer, Lie::DoneAndPage, Lie::Cut, Lie::Empty, Lie::Twice, Lie::Broken];
    for lie in lies {
        for answers in [0, 1, 2, 3, 6] {
            let town = Town::with(&link("native")).await;
            town.assets.lock().unwrap().search_lag_s = 50;
            town.net.lie(Lies::once_after(answers, lie));
            town.settle(DAY).await;
            assert!(town.settled(), "{lie:?} {answers}");
            let services: Vec<String> = town
                .world
                .engine
                .standing()
                .organisation
                .services
                .keys()
                .map(ToString::to_string)
                .collect();
            for service in services {
                let live = town.assets.lock().unwrap().of("Sluice key", &service).len();
                assert_eq!(live, 1, "{lie:?} {answers}: {service}");
            }
        }
    }
}

/// What was found is known for the service, for whoever looks at it.
#[tokio::test]
async fn the_object_is_a_reference_of_the_service() {
    let town = Town::with(&link("foreign")).await;
    let now = town.world.engine.now();
    let id = town.assets.lock().unwrap().add(&[("Sluice key", "payments")], now);
    town.settle(DAY).await;
    let entries = town.world.engine.readers().entries(0, 1_000).unwrap();
    let recorded = entries.iter().filter_map(|entry| {
        sluice_engine::envelope::Envelope::parse(&entry.bytes).unwrap().recorded().unwrap()
    });
    let known = recorded.filter_map(|recorded| match recorded.event {
        Event::ReferenceRecorded(event) => Some(event),
        _ => None,
    });
    let known: Vec<_> = known.filter(|it| it.entity == "service/payments").collect();
    let [known] = known.as_slice() else { panic!("{known:#?}") };
    assert_eq!((known.name.as_str(), known.value.as_str()), ("object", id.to_string().as_str()));
}

/// Nothing is declared anew here, and nobody asks: what is done over there is seen within six hours all the same, mended
/// where that is ours to do, and recorded once where it is not.
#[tokio::test]
async fn what_is_altered_over_there_is_seen_within_hours() {
    for authority in ["native", "mirrored", "foreign"] {
        let town = Town::with(&link(authority)).await;
        let now = town.world.engine.now();
        let standing = town.world.engine.standing();
        for service in standing.organisation.services.values() {
            let owner = service.owner.to_string();
            let there = [
                ("Sluice key", service.name.as_str()),
                ("Name", service.title.as_str()),
                ("Owner team", owner.as_str()),
                ("Tier", service.tier.as_str()),
            ];
            town.assets.lock().unwrap().add(&there, now);
        }
        town.settle(Duration::from_secs(600)).await;
        assert!(town.settled());
        assert_eq!(town.differing_assets(), [], "{authority}");
        let tier = |to: &str| {
            let mut assets = town.assets.lock().unwrap();
            let mut objects = assets.objects.iter_mut();
            let object = objects.find(|it| it.values["Sluice key"] == "payments").unwrap();
            object.values.insert("Tier".to_owned(), to.to_owned());
        };
        let ours = town.asset("payments", "Tier");
        let entry = |theirs: &str| {
            let (entity, about) = ("service/payments".to_owned(), "tier".to_owned());
            (entity, about, ours.clone(), theirs.to_owned())
        };
        tier("tier-9");
        town.settle(DAY).await;
        let recorded = if authority == "native" { Vec::new() } else { vec![entry("tier-9")] };
        assert_eq!(town.differing_assets(), recorded, "{authority}: recorded once");
        let theirs = if authority == "native" { ours.as_str() } else { "tier-9" };
        assert_eq!(town.asset("payments", "Tier"), theirs, "{authority}");
        // It was mended, and is altered once more in the same way.
        tier(&ours);
        town.settle(Duration::from_secs(7 * 3_600)).await;
        tier("tier-9");
        town.settle(Duration::from_secs(7 * 3_600)).await;
        let again = recorded.iter().cloned().chain(recorded.iter().cloned());
        assert_eq!(town.differing_assets(), again.collect::<Vec<_>>(), "{authority}");
        assert!(town.settled());
    }
}

/// What was told of a service leaves the outbox after thirty days; its object is compared for as long as there is one.
#[tokio::test]
async fn what_was_told_long_ago_is_compared_all_the_same() {
    let town = Town::with(&link("native")).await;
    town.settle(Duration::from_secs(600)).await;
    let ours = town.asset("payments", "Tier");
    for _ in 0..31 {
        town.settle(DAY).await;
    }
    // What is old is told by the last entry.
    town.world.ask(question("docs", 80, 80)).await;
    town.world.engine.prune().await.unwrap();
    assert_eq!(town.outbox("delivered"), [], "nothing is left of what was told");
    let altered = |key: &str| {
        let mut assets = town.assets.lock().unwrap();
        let mut objects = assets.objects.iter_mut();
        let object = objects.find(|it| it.values["Sluice key"] == key).unwrap();
        object.values.insert("Tier".to_owned(), "tier-9".to_owned());
    };
    altered("payments");
    let (engine, admin) = (&town.world.engine, &town.world.admin);
    let compared = engine.reconcile_link(admin, "assets", false).await.unwrap();
    assert_eq!(compared.compared, town.services() as u64);
    let differing: Vec<_> = compared.differing.into_iter().map(|it| it.entity).collect();
    assert_eq!(differing, ["service/payments"]);
    town.settle(DAY).await;
    assert_eq!(town.asset("payments", "Tier"), ours, "it is compared within a day, and mended");
    assert!(town.settled());
}

/// What a link may not be told any more it is not told, whatever it was told before and however it stands there now.
#[tokio::test]
async fn a_service_that_left_the_scope_of_a_link_is_told_and_compared_no_more() {
    for is_long_ago in [true, false] {
        let town = Town::with(&link("native")).await;
        town.settle(Duration::from_secs(600)).await;
        if is_long_ago {
            for _ in 0..31 {
                town.settle(DAY).await;
            }
            town.world.ask(question("docs", 81, 81)).await;
            town.world.engine.prune().await.unwrap();
        }
        let only = "tell: {about: [item], scope: {services: [ledger]}}";
        let mut folder = acme();
        let (title, tier) = (town.asset("payments", "Name"), town.asset("payments", "Tier"));
        let renamed = folder.files().find_map(|(name, bytes)| {
            let text = String::from_utf8(bytes.to_vec()).ok()?;
            let is_it = name.starts_with("services/") && text.contains("name: payments\n");
            is_it.then(|| (name.to_owned(), text.replace(&title, "Payments of another company")))
        });
        let (name, text) = renamed.expect("a file declares it");
        folder.insert(name, text.into_bytes());
        folder.insert(
            "told.yaml".to_owned(),
            link("native").replace("tell: [item]", only).into_bytes(),
        );
        let (engine, admin) = (&town.world.engine, &town.world.admin);
        engine.apply(admin, &folder, "test", None).await.unwrap();
        // Over there it is altered too.
        {
            let mut assets = town.assets.lock().unwrap();
            let mut objects = assets.objects.iter_mut();
            let object = objects.find(|it| it.values["Sluice key"] == "payments").unwrap();
            object.values.insert("Tier".to_owned(), "tier-9".to_owned());
        }
        town.settle(DAY).await;
        let compared = engine.reconcile_link(admin, "assets", true).await.unwrap();
        assert_eq!((compared.compared, compared.equal), (1, 1), "{is_long_ago}: {compared:#?}");
        town.settle(DAY).await;
        assert_eq!(town.asset("payments", "Name"), title, "{is_long_ago}");
        assert_ne!(town.asset("payments", "Tier"), tier, "{is_long_ago}");
        assert!(town.settled());
    }
}
