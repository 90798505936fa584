//! An integrator's day: changes taken through their life from both sides.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sluice_engine::{Clock as _, SystemClock};
use sluice_testkit::neighbours::Port;

use crate::world::World;

/// For how long something is waited for: a reading back comes every 30 s, and a neighbour that was away is left alone
/// for up to a minute more.
const PATIENCE: Duration = Duration::from_secs(120);

/// The program under way.
struct Program {
    path: PathBuf,
    child: Child,
    url: String,
    token: String,
}

impl Program {
    fn start(path: &Path, data: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(path)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-filter", "warn", "--data"])
            .arg(data)
            .env("NEIGHBOUR_SECRET", "secret-of-everybody")
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("it says nothing")?;
        let (mut url, mut token, mut is_ready) = (String::new(), String::new(), false);
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            match line.split_once(' ') {
                Some(("serving", value)) => value.trim().clone_into(&mut url),
                Some(("token", value)) => value.trim().clone_into(&mut token),
                Some(("ready", _)) => {
                    is_ready = true;
                    break;
                }
                _ => {}
            }
        }
        let program = Self { path: path.to_owned(), child, url, token };
        ensure!(is_ready && !program.url.is_empty(), "the program ended before it was ready");
        Ok(program)
    }

    /// Runs a command; gives its exit code and what it printed.
    fn run(&self, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
        let mut command = Command::new(&self.path);
        command.args(arguments).env("SLUICE_URL", &self.url).env("SLUICE_TOKEN", &self.token);
        let output = command.stdin(Stdio::null()).output()?;
        let code = output.status.code().unwrap_or(-1);
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        if code != 0 && told.is_empty() {
            return Ok((code, String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok((code, told))
    }

    fn json(&self, arguments: &[&str]) -> anyhow::Result<(i32, Value)> {
        let (code, told) = self.run(arguments)?;
        let read = serde_json::from_str(&told);
        Ok((code, read.with_context(|| format!("{arguments:?}: {code}: {told}"))?))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries again and again until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let began = Instant::now();
    while !is_so()? {
        ensure!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    println!("{:>6.1} s  {what}", began.elapsed().as_secs_f64());
    Ok(())
}

fn commit(run: u32) -> String {
    format!("{run:040x}")
}

fn artifact(run: u32) -> String {
    format!("sha256:{run:064x}")
}

fn question(run: u32) -> Vec<String> {
    let (commit, artifact) = (commit(run), artifact(run));
    let run = format!("example/shop/{run}");
    let pairs = [
        ("--service", "shop"),
        ("--environment", "production"),
        ("--repository", "github.com/example/shop"),
        ("--commit", &commit),
        ("--artifact", &artifact),
        ("--run-system", "github:github.com"),
        ("--run-id", &run),
        ("--author", "github:bob-example"),
        ("--evidence", "test_report:unit:passed"),
        ("--lines-changed", "400"),
    ];
    let pairs = pairs.iter().flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()]);
    ["gate".to_owned(), "--json".to_owned()].into_iter().chain(pairs).collect()
}

fn ask(program: &Program, run: u32, more: &[&str]) -> anyhow::Result<(i32, Value)> {
    let asked = question(run);
    let asked: Vec<&str> = asked.iter().map(String::as_str).chain(more.iter().copied()).collect();
    program.json(&asked)
}

/// Deploys with the pass of an answer, and reports that all went well.
fn deploy(program: &Program, run: u32, answer: &Value) -> anyhow::Result<()> {
    let pass = answer.pointer("/pass/token").and_then(Value::as_str);
    let pass = pass.with_context(|| format!("no pass in {answer}"))?;
    let (_, redeemed) = program.json(&[
        "pass",
        "redeem",
        pass,
        "--artifact",
        &artifact(run),
        "--commit",
        &commit(run),
        "--json",
    ])?;
    let number = redeemed["deployment"].as_str().with_context(|| format!("{redeemed}"))?;
    let (code, told) =
        program.run(&["deployment", "outcome", number, "succeeded", "--health", "healthy"])?;
    ensure!(code == 0, "the outcome is not taken: {told}");
    Ok(())
}

fn owed(program: &Program) -> anyhow::Result<(u64, u64)> {
    let (_, listed) = program.json(&["link", "list", "--json"])?;
    let links = listed["items"].as_array();
    let links = links.with_context(|| format!("{listed}"))?;
    let sum = |name: &str| links.iter().filter_map(|link| link[name].as_u64()).sum();
    Ok((sum("owed"), sum("given_up")))
}

fn equal(program: &Program, link: &str) -> anyhow::Result<()> {
    let (code, said) = program.json(&["link", "reconcile", link, "--json"])?;
    ensure!(code == 0 && said["differing"] == json!([]), "{link} differs: {said:#}");
    println!("          {link}: {} of {} records are equal", said["equal"], said["compared"]);
    Ok(())
}

/// Takes changes through their life, with `path` as the program.
pub fn journey(mut world: World, path: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let organisation = folder.path().join("organisation");
    let program = Program::start(path, &folder.path().join("data"))?;
    let organisation_text = organisation.to_string_lossy().into_owned();
    program.run(&["init", &organisation_text])?;
    std::fs::write(organisation.join("links.yaml"), world.links())?;
    let (code, told) = program.run(&["apply", &organisation_text, "--yes"])?;
    ensure!(code == 0, "the folder is not applied: {told}");
    for link in ["servicenow", "jira", "gitlab", "github", "slack"] {
        let (code, told) = program.run(&["link", "test", link])?;
        ensure!(code == 0, "{link}: {told}");
    }
    println!("          every link is accepted over there");

    let (code, answer) = ask(&program, 1, &[])?;
    ensure!(code == 11, "the first question should wait: {answer:#}");
    let number = answer["change"].as_str().context("no change")?.to_owned();
    let correlation = format!("sluice-{number}");
    until("ServiceNow and Jira have the change", || {
        let there = world.servicenow.lock().expect("whole").live(&correlation).len();
        let issues = world.jira.lock().expect("whole").live(&correlation).len();
        ensure!(there <= 1 && issues <= 1, "{there} records, {issues} issues");
        Ok(there == 1 && issues == 1)
    })?;
    let now = SystemClock::default().now();
    world.servicenow.lock().expect("whole").approve(
        &correlation,
        "alice@example.org",
        "approved",
        now,
    );
    let mut passed = Value::Null;
    let counted = until("Alice's approval in ServiceNow counts at the gate", || {
        let (code, answer) = ask(&program, 1, &[])?;
        passed = answer;
        Ok(code == 0)
    });
    counted.with_context(|| format!("{passed:#}"))?;
    deploy(&program, 1, &passed)?;
    until("everything is told", || Ok(owed(&program)? == (0, 0)))?;
    for link in ["servicenow", "jira"] {
        equal(&program, link)?;
    }

    world.ports.values_mut().for_each(Port::unplug);
    let (code, answer) = ask(&program, 2, &["--emergency", "the shop is down"])?;
    ensure!(code == 0, "neighbours that are away hold up an emergency: {answer:#}");
    deploy(&program, 2, &answer)?;
    until("with everybody away, it is owed", || Ok(owed(&program)?.0 > 0))?;
    for port in world.ports.values_mut() {
        tokio::runtime::Handle::current().block_on(port.plug_in())?;
    }
    until("they are back, and everything is told", || Ok(owed(&program)? == (0, 0)))?;
    for link in ["servicenow", "jira"] {
        equal(&program, link)?;
    }

    world.lie_once();
    let (code, answer) = ask(&program, 3, &["--emergency", "the shop is down again"])?;
    ensure!(code == 0, "neighbours that lie hold up an emergency: {answer:#}");
    deploy(&program, 3, &answer)?;
    until("whatever they answered, everything is told", || Ok(owed(&program)? == (0, 0)))?;
    for link in ["servicenow", "jira"] {
        equal(&program, link)?;
    }
    shown(&world, 3)?;
    println!("all as it should be");
    Ok(())
}

/// What forges and the chat have of so many changes, each of a run.
fn shown(world: &World, changes: u32) -> anyhow::Result<()> {
    let slack = world.slack.lock().expect("whole");
    let threads = slack.roots().len();
    ensure!(u32::try_from(threads)? == changes, "{threads} threads of {changes} changes");
    let github = world.github.lock().expect("whole");
    for run in 1..=changes {
        let commit = commit(run);
        let is_said = github.statuses.iter().any(|status| status["sha"] == commit.as_str());
        ensure!(is_said, "GitHub has no status of {commit}: {:#?}", github.statuses);
    }
    // The shop is kept at GitHub: nothing of it is said to another forge.
    let gitlab = world.gitlab.lock().expect("whole");
    ensure!(gitlab.statuses.is_empty() && gitlab.notes.is_empty(), "{:#?}", gitlab.statuses);
    println!("          a thread for each change, a status on each commit");
    Ok(())
}
