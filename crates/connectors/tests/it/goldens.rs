//! Another library's reading of the same payloads (go-scm): repository, branch, commit, people.

use std::path::Path;

use serde_json::{Value, json};
use sluice_connectors::{Delivery, HearOutcome, explain};
use sluice_core::signal::Signal;

use crate::support::{files, now, shared};

#[test]
fn we_read_what_another_library_reads() {
    let Some(folder) = shared("webhooks-scm") else { return };
    let mut compared = 0;
    for kind in ["github", "gitlab"] {
        for path in files(&folder.join(kind).join("go-scm")) {
            if path.extension().is_none_or(|kind| kind != "golden") {
                continue;
            }
            let Ok(golden) =
                serde_json::from_slice::<Value>(&std::fs::read(&path).expect("a file"))
            else {
                continue;
            };
            let body = std::fs::read(path.with_extension("")).expect("a payload");
            let report =
                explain(kind, None, &Delivery::of_body(body, now()), None).expect("a report");
            if let HearOutcome::Signals { signals } = report.outcome {
                compare(&path, kind, &signals, &golden);
                compared += 1;
            } else {
                assert_ne!(golden["PullRequest"]["Merged"], json!(true), "{}", path.display());
            }
        }
    }
    println!("{compared} readings compared");
    assert!(compared >= 4, "only {compared} readings were compared");
}

fn compare(path: &Path, kind: &str, signals: &[Signal], golden: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_lowercase();
    let link = text(&golden["Repo"]["Link"]);
    let proposal = &golden["PullRequest"];
    let sender = format!("{kind}:{}", text(&golden["Sender"]["Login"]));
    for signal in signals {
        match signal {
            Signal::CommitsPushed { repository, commit, branch, pusher, .. } => {
                assert_eq!(format!("https://{repository}"), link, "{}", path.display());
                assert_eq!(commit.as_str(), text(&golden["After"]), "{}", path.display());
                assert_eq!(
                    format!("refs/heads/{branch}"),
                    golden["Ref"].as_str().unwrap_or_default()
                );
                assert_eq!(pusher.account.as_ref(), Some(&sender));
            }
            Signal::ProposalMerged {
                repository,
                proposal: number,
                head_commit,
                branch,
                title,
                ..
            } => {
                assert_eq!(format!("https://{repository}"), link, "{}", path.display());
                assert_eq!(*number, proposal["Number"].to_string());
                assert_eq!(head_commit.as_ref().map(|id| id.as_str()), proposal["Sha"].as_str());
                assert_eq!(Some(branch.as_str()), proposal["Target"].as_str());
                assert_eq!(Some(title.as_str()), proposal["Title"].as_str());
                assert_eq!(proposal["Merged"], json!(true), "{}", path.display());
            }
            Signal::ProposalUpdated {
                repository, proposal: number, head_commit, actor, ..
            } => {
                assert_eq!(format!("https://{repository}"), link, "{}", path.display());
                assert_eq!(*number, proposal["Number"].to_string(), "{}", path.display());
                assert_eq!(head_commit.as_ref().map(|id| id.as_str()), proposal["Sha"].as_str());
                assert_eq!(actor.account.as_ref(), Some(&sender), "{}", path.display());
                assert_eq!(proposal["Merged"], json!(false), "{}", path.display());
            }
            _ => {}
        }
    }
}
