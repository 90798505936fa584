//! Real catalogue files of public projects.

use std::path::Path;

use sluice_core::organisation::Item;
use sluice_organisation::{Folder, Severity};

use crate::support::{folder_of, read_offline, rendered};

const CATALOGUE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/service-catalog/backstage");

#[test]
fn every_real_catalogue_file_is_read_without_errors() {
    let Some(all) = catalogue() else { return };
    let mut services = 0;
    for (path, bytes) in all.files() {
        let folder: Folder = [(path, bytes)].into_iter().collect();
        let reading = read_offline(&folder);
        let errors: Vec<_> = reading.problems.iter().filter(|problem| problem.is_error()).collect();
        assert!(errors.is_empty(), "{path}: {}", rendered(&folder, &reading));
        let found = reading.items.iter().filter(|item| matches!(item, Item::Service(_))).count();
        let template = path.starts_with("software-templates/");
        assert_eq!(found == 0, template || path.starts_with("none"), "{path}");
        services += found;
    }
    assert_eq!(services, 12);
}

#[test]
fn the_catalogue_as_one_folder_keeps_what_it_says() {
    let Some(folder) = catalogue() else { return };
    let reading = read_offline(&folder);
    assert!(reading.is_sound(), "{}", rendered(&folder, &reading));
    assert!(reading.problems.iter().all(|problem| problem.severity == Severity::Warning));
    let service = |name: &str| {
        reading.items.iter().find_map(|item| match item {
            Item::Service(service) if service.name.as_str() == name => Some(service),
            _ => None,
        })
    };
    let sample = service("sample-service").expect("a service");
    assert_eq!(sample.owner.as_str(), "roadiehq/engineering");
    assert_eq!((sample.tier.as_str(), sample.class.as_str()), ("3", "api"));
    assert_eq!(sample.title, "Sample Service");
    let repositories: Vec<&String> = sample.repositories.iter().collect();
    assert_eq!(repositories, ["github.com/roadiehq/sample-service"]);
    let needs: Vec<&str> = sample.depends_on.iter().map(|name| name.as_str()).collect();
    assert_eq!(needs, ["sample-s3-bucket"]);
    let fleet = service("fleet-server").expect("a service");
    let needs: Vec<&str> = fleet.depends_on.iter().map(|name| name.as_str()).collect();
    assert_eq!(needs, ["package-registry"]);
    assert_eq!(service("credentials").expect("a service").owner.as_str(), "user/jajjibhai008");
}

#[test]
fn a_reference_is_to_the_namespace_of_whoever_refers_unless_it_names_another() {
    let entity = |kind: &str, name: &str, spec: &str| {
        format!(
            "apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}, namespace: pay}}\nspec: {{{spec}}}\n---\n"
        )
    };
    let text = [
        entity("Component", "ledger", "type: service, owner: core"),
        entity(
            "Component",
            "api",
            "type: service, system: checkout, owner: group:core, dependsOn: [ledger, 'component:default/shop', 'component:pay/rates']",
        ),
        entity("Component", "rates", "type: service, owner: 'group:default/core'"),
        entity("Component", "own", "type: service, owner: 'user:default/bob', system: 'system:default/s'"),
        entity("Group", "core", "members: ['user:default/bob']"),
        entity("Group", "board", ""),
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: shop}\nspec: {type: service, owner: core}\n---\n".to_owned(),
        "apiVersion: backstage.io/v1alpha1\nkind: Group\nmetadata: {name: core, namespace: Default}\n---\n".to_owned(),
        "apiVersion: backstage.io/v1alpha1\nkind: User\nmetadata: {name: bob}\nspec: {memberOf: ['group:pay/board', core]}\n".to_owned(),
    ]
    .concat();
    let folder: Folder = [("catalog-info.yaml", text.as_str())].into_iter().collect();
    let reading = read_offline(&folder);
    assert!(reading.is_sound(), "{}", rendered(&folder, &reading));
    let mut said = Vec::new();
    for item in &reading.items {
        match item {
            Item::Service(service) => {
                let needs: Vec<&str> = service.depends_on.iter().map(|it| it.as_str()).collect();
                let system = service.labels.get("system").map(String::as_str).unwrap_or_default();
                said.push(format!("{}: {} {needs:?} {system}", service.name, service.owner));
            }
            Item::Team(team) => said.push(format!("{}: {}", team.name, team.members.len())),
            _ => {}
        }
    }
    said.sort();
    assert_eq!(
        said,
        [
            "core: 1",
            "pay/api: pay/core [\"pay/ledger\", \"pay/rates\", \"shop\"] pay/checkout",
            "pay/board: 1",
            "pay/core: 1",
            "pay/ledger: pay/core [] ",
            "pay/own: user/bob [] s",
            "pay/rates: core [] ",
            "shop: core [] ",
            "user/bob: 1",
        ]
    );
}

fn catalogue() -> Option<Folder> {
    if !Path::new(CATALOGUE).is_dir() {
        let required = std::env::var_os("SLUICE_REQUIRE_SHARED").is_some_and(|value| value == "1");
        assert!(!required, "shared data is required and absent");
        println!("SKIPPED: shared data absent");
        return None;
    }
    Some(folder_of(Path::new(CATALOGUE)))
}
