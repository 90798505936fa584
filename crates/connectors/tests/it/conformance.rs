//! What holds for every connector of the registry.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use sluice_connectors::{Connector, Delivery, Problem, Secret, find, registry};

use crate::support::{example_link, fixtures, now};

#[test]
fn each_kind_is_there_once_and_can_be_found() {
    let kinds: Vec<&str> = registry().iter().map(|connector| connector.kind()).collect();
    assert_eq!(
        kinds,
        ["cdevents", "generic", "github", "gitlab", "jenkins", "jira", "servicenow", "slack"]
    );
    assert_eq!(kinds.iter().collect::<BTreeSet<_>>().len(), kinds.len());
    for kind in kinds {
        assert_eq!(find(kind).map(Connector::kind), Some(kind));
    }
    assert!(find("carrier-pigeon").is_none());
}

#[test]
fn each_connector_says_what_it_is_and_how_to_set_it_up() {
    for connector in registry() {
        assert!(connector.about().len() > 20, "{}", connector.kind());
        let readme = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(connector.kind())
            .join("README.md");
        let text = std::fs::read_to_string(&readme).expect("a README.md");
        assert!(text.contains("## Set it up"), "{}", readme.display());
        // As the organisation's files want it: what a connector is given is another form.
        let is_told = text.contains("`secrets`") || text.contains("secrets: [");
        assert!(is_told && !text.contains("\"secret\":"), "{}", readme.display());
    }
}

#[test]
fn each_example_configures_and_names_its_secret() {
    for connector in registry() {
        let link = example_link(connector.kind());
        assert_eq!(link.secrets_needed().len(), 1, "{}", connector.kind());
    }
}

#[test]
fn a_link_without_a_secret_cannot_be_configured() {
    for connector in registry() {
        let mut configuration = example(*connector);
        configuration.as_object_mut().expect("an object").remove("secret");
        check_problem(*connector, &configuration, "/secret");
        let wrong =
            [json!(null), json!(""), json!([]), json!(["a", "b", "c"]), json!(7), json!(["a", 7])];
        for wrong in wrong {
            configuration["secret"] = wrong;
            check_problem(*connector, &configuration, "/secret");
        }
    }
}

#[test]
fn two_secrets_can_be_named_while_one_replaces_the_other() {
    for connector in registry() {
        let mut configuration = example(*connector);
        configuration["secret"] = json!(["new", "old"]);
        let link = connector.configure(&configuration).expect("a link");
        assert_eq!(link.secrets_needed(), ["new", "old"]);
    }
}

#[test]
fn a_secret_where_its_name_should_be_is_refused_and_not_repeated() {
    for connector in registry() {
        for pasted in ["whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "correct horse battery staple"] {
            let mut configuration = example(*connector);
            configuration["secret"] = json!(pasted);
            let problems = check_problem(*connector, &configuration, "/secret");
            assert!(!format!("{problems:?}").contains(pasted));
        }
    }
}

#[test]
fn unknown_members_and_other_shapes_are_named() {
    for connector in registry() {
        let mut configuration = example(*connector);
        configuration["sekret~/"] = json!(1);
        check_problem(*connector, &configuration, "/sekret~0~1");
        for wrong in [json!(null), json!([]), json!("github"), json!(1)] {
            check_problem(*connector, &wrong, "");
        }
    }
}

#[test]
fn all_problems_are_named_at_once() {
    let configuration = json!({ "host": "https://github.com/", "accounts": "Git Hub", "extra": 1 });
    let problems = find("github").expect("a connector").configure(&configuration).err();
    let paths: Vec<String> =
        problems.expect("problems").into_iter().map(|problem| problem.path).collect();
    assert_eq!(paths, ["/secret", "/host", "/accounts", "/extra"]);
}

#[test]
fn a_delivery_has_the_same_id_when_it_is_sent_again() {
    let ids = [
        ("github", "push", true),
        ("gitlab", "push", true),
        ("cdevents", "run_started_binary", true),
        ("cdevents", "run_finished_structured", true),
        ("generic", "deployment", true),
        ("slack", "approve", true),
        ("slack", "form", true),
        ("jenkins", "started", false),
        ("cdevents", "batch", false),
    ];
    for (kind, name, has_one) in ids {
        let fixture = fixtures(kind)
            .into_iter()
            .find(|fixture| fixture.path.ends_with(format!("{name}.json")));
        let delivery = fixture.expect("a fixture").delivery();
        let link = example_link(kind);
        assert_eq!(link.delivery_id(&delivery).is_some(), has_one, "{kind} {name}");
        assert_eq!(link.delivery_id(&delivery), link.delivery_id(&delivery.clone()));
    }
}

#[test]
fn nothing_shows_a_secret_or_a_body() {
    let secret = Secret::new("s3cr3t-of-the-link");
    let mut delivery = Delivery::of_body("private body", now())
        .with_header("Authorization", "Bearer s3cr3t-of-the-link");
    delivery.query = Some("token=s3cr3t-of-the-link".to_owned());
    let mut shown = format!("{secret:?} {delivery:?} {delivery:#?}");
    for connector in registry() {
        let link = example_link(connector.kind());
        shown += &format!("{:?} {:?}", link.verify(&delivery, &[]), link.hear(&delivery));
        shown += &format!("{:?}", link.verify(&delivery, &[Secret::new("another")]));
    }
    assert!(!shown.contains("s3cr3t") && !shown.contains("private"), "{shown}");
}

fn example(connector: &dyn Connector) -> Value {
    serde_json::from_str(connector.example()).expect("JSON")
}

fn check_problem(connector: &dyn Connector, configuration: &Value, path: &str) -> Vec<Problem> {
    let problems = connector.configure(configuration).err().unwrap_or_default();
    let named = problems.iter().any(|problem| problem.path == path);
    assert!(named, "{} {configuration}: {problems:?}", connector.kind());
    assert!(problems.iter().all(|problem| !problem.message.is_empty() && !problem.help.is_empty()));
    problems
}
