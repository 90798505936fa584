//! What people do over there, a line at a time.

use anyhow::{Context as _, bail, ensure};
use serde_json::json;
use sluice_engine::{Clock as _, SystemClock};
use sluice_testkit::neighbours::{Lie, Lies};

use crate::world::World;

/// What can be said.
pub const WORDS: &str = "\
approve servicenow|jira sluice-CHG0000001 alice@example.org [rejected|declined]   somebody gives a word
move servicenow|jira sluice-CHG0000001 STATE                                      somebody moves a change's record
edit incident|problem sluice-INC0000001 FIELD=VALUE                               somebody alters a record of ServiceNow
show NEIGHBOUR, unplug NEIGHBOUR, plug NEIGHBOUR
lie NEIGHBOUR broken|page|lostanswer|twice|wrongobject|... [once]                 or `none`";

/// Does what a line says; tells what became of it.
pub async fn does(world: &mut World, line: &str) -> anyhow::Result<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        [] => return Ok(WORDS.to_owned()),
        ["show", name] => return world.shown(name),
        ["unplug", name] => world.port(name)?.unplug(),
        ["plug", name] => world.port(name)?.plug_in().await?,
        ["lie", name, "none"] => world.port(name)?.lie(Lies::none()),
        ["lie", name, word] => world.port(name)?.lie(Lies::always(lie(word)?)),
        ["lie", name, word, "once"] => world.port(name)?.lie(Lies::once_after(0, lie(word)?)),
        ["approve", "servicenow", record, who] => {
            return approve_servicenow(world, record, who, "approved");
        }
        ["approve", "servicenow", record, who, word] => {
            return approve_servicenow(world, record, who, word);
        }
        ["approve", "jira", record, who] => return approve_jira(world, record, who, "approved"),
        ["approve", "jira", record, who, word] => return approve_jira(world, record, who, word),
        ["move", "servicenow", record, state] => {
            let mut instance = world.servicenow.lock().expect("whole");
            ensure!(!instance.live(record).is_empty(), "there is no `{record}`");
            instance.edit(record, &[("state", state)], SystemClock::default().now());
        }
        ["move", "jira", record, status @ ..] if !status.is_empty() => {
            let mut project = world.jira.lock().expect("whole");
            ensure!(!project.live(record).is_empty(), "there is no `{record}`");
            project.set(record, &status.join(" "), SystemClock::default().now());
        }
        ["edit", table, record, pair @ ..] if !pair.is_empty() => {
            let pair = pair.join(" ");
            let (field, value) = pair.split_once('=').context("FIELD=VALUE is missing")?;
            let mut instance = world.servicenow.lock().expect("whole");
            ensure!(!instance.tasks.live(table, record).is_empty(), "there is no `{record}`");
            instance.tasks.edit(table, record, &[(field, value)], SystemClock::default().now());
        }
        _ => bail!("that is not a word of these:\n{WORDS}"),
    }
    Ok("done".to_owned())
}

fn approve_servicenow(
    world: &World,
    record: &str,
    who: &str,
    word: &str,
) -> anyhow::Result<String> {
    let mut instance = world.servicenow.lock().expect("whole");
    ensure!(!instance.live(record).is_empty(), "there is no `{record}`");
    instance.approve(record, who, word, SystemClock::default().now());
    Ok(format!("{record} is {word} by {who}"))
}

fn approve_jira(world: &World, record: &str, who: &str, word: &str) -> anyhow::Result<String> {
    let mut project = world.jira.lock().expect("whole");
    ensure!(!project.live(record).is_empty(), "there is no `{record}`");
    let approver = json!({ "accountId": format!("account-of-{who}"), "emailAddress": who });
    project.approve(record, approver, word, SystemClock::default().now());
    Ok(format!("{record} is {word} by {who}"))
}

fn lie(word: &str) -> anyhow::Result<Lie> {
    Lie::named(word).with_context(|| format!("nobody lies by `{word}`"))
}
