//! What is wrong with how a link is set up is named where it stands, before anything is sent.

use sluice_engine::offline_check;

use super::LINKS;
use crate::world::acme;

/// What is said of a link whose settings are these.
fn said(links: &str) -> Vec<String> {
    let mut folder = acme();
    folder.insert("told.yaml".to_owned(), links.as_bytes().to_vec());
    let problems = offline_check(&folder).problems.into_iter();
    problems.filter(|it| it.place.file == "told.yaml").map(|it| it.message).collect()
}

#[test]
fn buttons_that_nobody_hears_are_refused() {
    assert_eq!(said(LINKS), [""; 0]);
    let unheard = LINKS.replace("channel: C1,", "channel: C1, buttons: true,");
    assert_eq!(said(&unheard), ["`buttons` leads nowhere: nothing is heard by this link"]);
    let heard = unheard.replace("tell: {about", "secrets: [{env: SIGNING}]\n    tell: {about");
    assert_eq!(said(&heard), [""; 0]);
}

#[test]
fn what_is_wrong_with_how_jenkins_is_told_is_named() {
    let link = |settings: &str| {
        format!(
            "links:\n  - name: builds\n    connector: jenkins\n    credentials: {{api_token: {{env: A}}}}\n    tell: [decision]\n    settings: {{url: \"https://jenkins.test\"{settings}}}\n"
        )
    };
    for (settings, problems) in [
        (", api: {user: sluice}", vec![]),
        ("", vec!["`api` is missing: it says who we are over there"]),
        (", api: {}", vec!["`user` is missing"]),
        (", api: {user: sluice, input: sluice}", vec!["`input` is not the id of a step"]),
        (", api: {user: sluice, input: Of us}", vec!["`input` is not the id of a step"]),
        (", api: {user: sluice, login: passwort}", vec!["`login` is none of the known words"]),
        (", api: {user: sluice, login: password}", vec!["the credential `password` is missing"]),
        (", api: {user: sluice, waits: [acme]}", vec!["`waits` must be a mapping of jobs"]),
        (
            ", api: {user: sluice, waits: {acme/pay: {repository: pay}}}",
            vec!["`environment` is missing", "`repository` is not a repository"],
        ),
        (
            ", api: {user: sluice, waits: {a: {repository: h/a/b, environment: e, branch: x}}}",
            vec!["`branch` is unknown here"],
        ),
    ] {
        let mut found = said(&link(settings));
        found.sort();
        assert_eq!(found, problems, "{settings}");
    }
}
