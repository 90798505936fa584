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

fn catalogue() -> Option<Folder> {
    if !Path::new(CATALOGUE).is_dir() {
        let required = std::env::var_os("SLUICE_REQUIRE_SHARED").is_some_and(|value| value == "1");
        assert!(!required, "shared data is required and absent");
        println!("SKIPPED: shared data absent");
        return None;
    }
    Some(folder_of(Path::new(CATALOGUE)))
}
