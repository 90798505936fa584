//! The example organisation and the template: without problems, and the same twice.

use sluice_core::organisation::event::{ItemDeclared, ItemWithdrawn};
use sluice_core::organisation::{Item, ItemKind, Organisation, PlanStep, Withdrawal};
use sluice_organisation::{Folder, init_template};

use crate::support::{folder_of, read_offline, rendered, repository};

#[test]
fn the_example_has_no_problems_and_all_kinds_of_items() {
    let folder = folder_of(&repository("examples/acme"));
    let reading = read_offline(&folder);
    assert_eq!(rendered(&folder, &reading), "");
    for kind in ItemKind::ALL {
        let found = reading.items.iter().any(|item| item.kind() == kind);
        assert!(found, "the example has no {}", kind.as_str());
    }
    assert_eq!(reading.people.len(), 9);
    for item in &reading.items {
        let source = reading.sources.get(&(item.kind(), item.name().to_owned()));
        assert!(source.is_some_and(|place| folder.get(&place.file).is_some()), "{}", item.name());
        if let Item::PolicyFile(file) = item {
            let text = reading.texts.get(&file.digest).map(Vec::len);
            assert_eq!(text.map(|size| size as u64), Some(file.size_bytes));
        }
    }
    let place = reading.place_of_setting("github", "/host").expect("a place");
    assert_eq!(place.to_string(), "links.yaml:9:7");
    assert_eq!(reading.place_of_setting("github", "/host/deeper"), Some(place));
}

#[test]
fn the_template_has_no_problems() {
    let folder: Folder = init_template().iter().copied().collect();
    let reading = read_offline(&folder);
    assert_eq!(rendered(&folder, &reading), "");
    assert!(reading.items.len() > 5);
}

#[test]
fn reading_and_applying_twice_changes_nothing() {
    let folder = folder_of(&repository("examples/acme"));
    let mut organisation = Organisation::default();
    let first = apply(&mut organisation, &read_offline(&folder).items);
    assert!(first > 30, "{first}");
    assert_eq!(apply(&mut organisation, &read_offline(&folder).items), 0);
    let template: Folder = init_template().iter().copied().collect();
    let items = read_offline(&template).items;
    apply(&mut organisation, &items);
    assert_eq!(apply(&mut organisation, &items), 0);
}

fn apply(organisation: &mut Organisation, wanted: &[Item]) -> usize {
    let plan = organisation.plan(wanted);
    for step in &plan {
        match step.clone() {
            PlanStep::Declare { item, .. } => organisation.declare(&ItemDeclared { item }),
            PlanStep::Withdraw(Withdrawal { kind, name }) => {
                organisation.withdraw(&ItemWithdrawn { kind, name });
            }
        }
    }
    plan.len()
}
