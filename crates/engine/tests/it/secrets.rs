//! What must not be kept: secrets of tokens and hooks anywhere, names of people in the ledger.

use sluice_core::organisation::SecretRef;
use sluice_engine::{CallerKind, Delivery, NewToken, Received, Secrets as _};
use sluice_testkit::NamedSecrets;

use crate::world::{World, question};

/// Every file of a folder, one after the other.
fn bytes_of(dir: &std::path::Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

#[tokio::test]
async fn no_secret_of_a_token_or_a_hook_is_in_any_file() {
    let world = World::start().await;
    let mut canaries: Vec<Vec<u8>> = Vec::new();
    for number in 0..10 {
        let new = NewToken {
            label: format!("canary {number}"),
            kind: CallerKind::Pipeline,
            person: None,
            permissions: [sluice_core::permission::Permission::GateEvaluate].into(),
            scope: sluice_core::scope::Scope::default(),
            expires_in_hours: 1,
        };
        let made = world.engine.create_token(&world.admin, new).await.unwrap().value;
        world.engine.authenticate(&made.secret).unwrap();
        canaries.push(made.secret.into_bytes());
    }
    let secret = NamedSecrets.find(&SecretRef::Env("ACME_CDEVENTS_SECRET".into())).unwrap();
    let token = String::from_utf8(secret.clone()).unwrap();
    let event = serde_json::json!({"context": {"version": "0.4.1", "id": "1", "source": "/t", "type": "dev.cdevents.pipelinerun.started.0.2.0",
        "timestamp": "2026-03-04T09:00:00Z"}, "subject": {"id": "run/1", "source": "/t", "type": "pipelineRun", "content": {}}});
    let hook = world.engine.hook_of(&"tekton".parse().unwrap());
    for header in ["authorization", "x-sluice-token", "x-our-own-header"] {
        let value =
            if header == "authorization" { format!("Bearer {token}") } else { token.clone() };
        let mut delivery =
            Delivery::of_body(serde_json::to_vec(&event).unwrap(), world.engine.now())
                .with_header("content-type", "application/json")
                .with_header(header, &value)
                .with_header("x-copy", &format!("copy of {token}"));
        if header == "x-our-own-header" {
            delivery = delivery.with_header("authorization", &format!("Bearer {token}"));
        }
        let received = world.engine.receive(&hook, delivery).await;
        let taken = matches!(received, Received::Stored { .. } | Received::BadSignature { .. });
        assert!(taken, "{header}: {received:?}");
    }
    world.engine.interpret_inbox().await.unwrap();
    for name in ["GITHUB", "GITLAB", "JENKINS", "CDEVENTS", "DEPLOYER"] {
        let reference = SecretRef::Env(format!("ACME_{name}_SECRET"));
        canaries.push(NamedSecrets.find(&reference).unwrap());
    }
    canaries.push(hook.into_bytes());
    let bytes = bytes_of(world.dir.path());
    for canary in canaries {
        assert!(!holds(&bytes, &canary), "{}", String::from_utf8_lossy(&canary));
    }
}

#[tokio::test]
async fn the_ledger_names_nobody() {
    let world = World::start().await;
    crate::scenario::play(&world, 11, 40).await;
    world.ask(question("docs", 1, 1)).await;
    let people = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/acme/people.yaml"
    ))
    .unwrap();
    let mut words: Vec<String> = Vec::new();
    for line in people.lines().map(str::trim) {
        for key in ["name: ", "emails: ", "accounts: "] {
            let Some(value) = line.strip_prefix(key) else { continue };
            words.extend(value.trim_matches(['[', ']']).split(", ").map(str::to_owned));
        }
    }
    words.retain(|word| word.contains(' ') || word.contains('@') || word.contains(':'));
    assert!(words.len() > 25, "{words:?}");
    for entry in world.engine.readers().entries(0, 10_000).unwrap() {
        for word in &words {
            let text = String::from_utf8_lossy(&entry.bytes);
            assert!(!text.contains(word.as_str()), "`{word}` is in entry {}: {text}", entry.seq);
        }
    }
}

#[tokio::test]
async fn whoever_is_erased_is_in_no_file() {
    let world = World::start().await;
    let mut folder = crate::world::acme();
    let people = String::from_utf8(folder.get("people.yaml").unwrap().to_vec()).unwrap();
    let gone = "  - handle: zsofia\n    name: Zsofia Quillfeather\n    emails: [zsofia.quillfeather@acme.example]\n    \
        accounts: [github:zquillfeather]\n    roles: [developer]\n";
    folder.insert("people.yaml", people.replacen("people:\n", &format!("people:\n{gone}"), 1));
    world.engine.apply(&world.admin, &folder, "test", None).await.unwrap();
    world.person("zsofia").await;
    let person = world.engine.person_to_erase("zsofia").await.unwrap();
    world.pushed("refs/heads/topic", &[(&crate::world::commit_id(7), "zquillfeather")]).await;
    let words: [&[u8]; 3] = [b"Zsofia Quillfeather", b"zsofia.quillfeather@acme", b"zquillfeather"];
    let bytes = bytes_of(world.dir.path());
    assert!(words.iter().all(|word| holds(&bytes, word)));

    // The delivery that names the account is dropped by age.
    world.clock.advance(std::time::Duration::from_secs(31 * 24 * 3_600));
    world.engine.apply(&world.admin, &crate::world::acme(), "test", None).await.unwrap();
    world.engine.prune().await.unwrap();
    world.engine.erase_person(&world.admin, &person).await.unwrap();
    let bytes = bytes_of(world.dir.path());
    for word in words {
        assert!(!holds(&bytes, word), "{}", String::from_utf8_lossy(word));
    }
}
