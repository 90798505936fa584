//! What is left over of an answer to a build lets nothing go on that asked otherwise, or did not ask.

use std::time::Duration;

use serde_json::json;
use sluice_testkit::neighbours::{Build, Lie, Lies};

use super::Town;
use super::jenkins::{LINKS, running, said_by_build};
use crate::world::question;

const A_WHILE: Duration = Duration::from_secs(6);
const HOUR: Duration = Duration::from_secs(3_600);

/// The same controller by another token, which tells no answers or tells them too.
fn second(tell: &str) -> String {
    let first = LINKS.lines().skip(2).collect::<Vec<_>>().join("\n");
    format!("{LINKS}{}\n", first.replace("builds", "others").replace("[decision, change]", tell))
}

fn at_the_step() -> Option<String> {
    Some("Sluice".to_owned())
}

impl Town {
    /// So much time goes by.
    async fn minutes(&self, count: u32) {
        for _ in 0..count {
            let began = self.world.engine.now();
            self.asked().await;
            self.settle(Duration::from_secs(60)).await;
            let passed = self.world.engine.now().duration_since(began).unsigned_abs();
            self.world.clock.advance(Duration::from_secs(60).saturating_sub(passed));
        }
    }

    /// Nothing lets the build past the step at which it waits for production, which waits for people.
    async fn stays(&self, case: &str, pressed: usize) {
        self.minutes(70).await;
        assert_eq!(self.asked_of_jenkins("/proceedEmpty"), pressed, "{case}");
        assert!(self.build().input.is_some() && !self.build().aborted, "{case}");
    }
}

/// The answer for staging comes to an end before the build waits for production, however that asks.
#[tokio::test]
async fn a_question_that_nobody_answers_ends_those_before_it() {
    let unread = |member: &str, value: serde_json::Value| {
        let mut body = said_by_build(130, "production");
        body[member] = value;
        body
    };
    for (case, links, by, body) in [
        ("no commit", LINKS.to_owned(), "builds", unread("commit", json!(null))),
        ("no repository", LINKS.to_owned(), "builds", unread("repository", json!(""))),
        ("another type", LINKS.to_owned(), "builds", unread("commit", json!(7))),
        ("told nothing", second("[change]"), "others", said_by_build(130, "production")),
        ("another link", second("[decision]"), "others", said_by_build(130, "production")),
    ] {
        let town = Town::with(&links).await;
        town.world.ask(question("payments", 130, 130)).await;
        // Its answer is there before it comes to its step: it is owed for an hour.
        town.builds(running(130));
        town.build_tells(130, "staging", None).await;
        assert_eq!(town.asked().await, 1, "{case}");
        town.world.engine.deliver().await.unwrap();
        town.world.clock.advance(A_WHILE);
        town.delivered(by, &body).await;
        town.builds(Build { input: at_the_step(), ..running(130) });
        town.stays(case, 0).await;
        let left = (town.outbox("pending"), town.outbox("given_up"));
        assert_eq!(left, (vec![], vec![]), "{case}");
    }
}

#[tokio::test]
async fn a_question_that_is_put_right_is_answered() {
    let town = Town::with(LINKS).await;
    town.builds(Build { input: at_the_step(), ..running(131) });
    for (environment, commit) in [("staging", None), ("production", Some(())), ("staging", None)] {
        let mut body = said_by_build(131, environment);
        if commit.is_some() {
            body["commit"] = json!(null);
        }
        body["at"] = json!(town.world.engine.now().to_string());
        town.delivered("builds", &body).await;
        town.world.clock.advance(A_WHILE);
    }
    assert_eq!(town.asked().await, 1);
    town.settle(HOUR).await;
    assert!(town.build().proceeded);
}

/// Of the same stage a second question is heard: the first answer lets it on, and the second is left over.
#[tokio::test]
async fn what_was_asked_twice_of_one_stage_lets_nothing_on_that_did_not_ask() {
    let town = Town::with(LINKS).await;
    town.builds(Build { input: at_the_step(), ..running(132) });
    town.build_tells(132, "staging", None).await;
    assert_eq!(town.asked().await, 1);
    town.settle(A_WHILE).await;
    assert_eq!(town.asked_of_jenkins("/proceedEmpty"), 1);
    town.world.clock.advance(A_WHILE);
    town.build_tells(132, "staging", None).await;
    assert_eq!(town.asked().await, 1);
    town.minutes(4).await;
    // The next stage waits without a word.
    town.builds(Build { input: at_the_step(), ..running(132) });
    town.stays("asked twice", 1).await;
}

/// Nobody can see whether a build that waits has not heard that it may go on, or has come to its next stage.
#[tokio::test]
async fn a_build_is_let_on_once_for_each_question() {
    for (lie, pressed) in [
        (Lie::LostAnswer, 1),
        (Lie::DoneAndPage, 1),
        (Lie::Broken, 1),
        // Nothing has arrived: it is said again.
        (Lie::Unreachable, 2),
    ] {
        let town = Town::with(LINKS).await;
        town.builds(Build { input: at_the_step(), then: at_the_step(), ..running(133) });
        town.build_tells(133, "staging", None).await;
        assert_eq!(town.asked().await, 1);
        town.net.lie(Lies::once_after(2, lie));
        town.stays(&format!("{lie:?}"), pressed).await;
        let said = "client: the build was let on and waits still, or for something else: it has to ask again";
        assert_eq!(town.details("given_up"), [said], "{lie:?}");
        // It says anew that it waits.
        town.build_tells(133, "staging", None).await;
        assert_eq!(town.asked().await, 1);
        town.settle(A_WHILE).await;
        assert_eq!(town.asked_of_jenkins("/proceedEmpty"), pressed + 1, "{lie:?}");
    }
}
