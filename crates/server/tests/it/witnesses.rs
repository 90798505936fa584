//! The log with its witnesses: what is published, what is told, and what a person sees.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use sluice_engine::ledger::{Quorum, Receipt, VerifyingKey};
use sluice_engine::{Clock as _, Witnessing};
use sluice_server::ServerOptions;
use sluice_testkit::TestApp;
use sluice_testkit::neighbours::{Neighbours, Witness, WitnessLie};

use crate::description::holds;
use crate::gate::allowed;

#[tokio::test]
async fn without_witnesses_the_log_says_so_and_what_to_do() {
    let app = TestApp::start().await;
    let none = app.get("", "/log/witnessed").await;
    assert_eq!((none.status, none.code().as_str()), (404, "not_witnessed"));
    assert!(none.json()["help"].as_str().expect("a help").contains("[[witness]]"), "{none:?}");
    let receipt = app.get(&app.admin, "/api/v1/ledger/receipts/1?witnessed=true").await;
    assert_eq!((receipt.status, receipt.code().as_str()), (404, "not_witnessed"));
    let head = app.get(&app.admin, "/api/v1/ledger/head").await.json();
    holds("LedgerHead", &head);
    assert_eq!((&head["witnesses"], &head["quorum"]), (&json!([]), &json!(null)));
    let page = app.get(&app.admin, "/audit").await.text();
    assert!(page.contains("None is configured"), "{page}");
    assert!(!app.get("", "/metrics").await.text().contains("sluice_witness_cosigned_size{"));
}

#[tokio::test]
async fn the_published_head_carries_its_cosignatures() {
    let (app, witnesses) = witnessed(2, Some(2), false).await;
    let bare = app.get("", "/log/checkpoint").await;
    assert!(!bare.text().contains("w0.example"), "{}", bare.text());
    app.engine.ask_witnesses().await.expect("both cosign");
    let size = app.engine.standing().size;
    let (keys, now_s) = ([key(&app)], now_s(&app));
    let quorum = quorum(&witnesses, 2);
    for path in ["/log/checkpoint", "/log/witnessed"] {
        let published = app.get("", path).await;
        assert_eq!(published.header("content-type"), "text/plain; charset=utf-8");
        assert!(!published.header("cache-control").contains("immutable"));
        let head = quorum.check(&published.text(), &keys, now_s).expect("a quorum");
        assert_eq!(head.checkpoint.size, size, "{path}");
    }
    // What comes after it has none yet, and what was witnessed stays.
    allowed(&app, 1).await;
    assert!(!app.get("", "/log/checkpoint").await.text().contains("w0.example"));
    let head = quorum.check(&app.get("", "/log/witnessed").await.text(), &keys, now_s);
    assert_eq!(head.expect("a quorum").checkpoint.size, size);
    let told = app.get(&app.admin, "/api/v1/ledger/head").await.json();
    holds("LedgerHead", &told);
    assert_eq!((&told["witnessed_size"], &told["quorum"]), (&json!(size), &json!(2)));
    assert_eq!(told["witnesses"][0]["state"], "cosigned");
    let metrics = app.get("", "/metrics").await.text();
    for line in [
        format!("sluice_witness_cosigned_size{{witness=\"w1.example\"}} {size}"),
        format!("sluice_witness_last_success_timestamp_seconds{{witness=\"w1.example\"}} {now_s}"),
    ] {
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    // A receipt under it, for whoever believes nobody here.
    let path = |index: u64| format!("/api/v1/ledger/receipts/{index}?witnessed=true");
    let receipt = app.get(&app.admin, &path(size - 1)).await;
    holds("Receipt", &receipt.json());
    let receipt: Receipt = serde_json::from_value(receipt.json()).expect("a receipt");
    receipt.verify(None, &keys).expect("the receipt holds");
    quorum.check(&receipt.checkpoint, &keys, now_s).expect("a quorum");
    let later = app.get(&app.admin, &path(size)).await;
    assert_eq!((later.status, later.code().as_str()), (404, "not_witnessed"));
}

#[tokio::test]
async fn strictly_no_head_is_shown_that_is_not_witnessed() {
    let (app, _witnesses) = witnessed(1, None, true).await;
    let none = app.get("", "/log/checkpoint").await;
    assert_eq!((none.status, none.code().as_str()), (404, "not_witnessed"));
    app.engine.ask_witnesses().await.expect("it cosigns");
    let first = app.get("", "/log/checkpoint").await;
    allowed(&app, 1).await;
    assert_eq!(app.get("", "/log/checkpoint").await.text(), first.text());
    assert_eq!(app.get("", "/log/witnessed").await.text(), first.text());
}

#[tokio::test]
async fn a_person_sees_who_disagrees() {
    let (app, witnesses) = witnessed(2, Some(1), false).await;
    let page = app.get(&app.admin, "/audit").await.text();
    for part in ["not asked yet", "The head is not witnessed yet", "1 of 2 have to cosign"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    witnesses[1].lock().expect("a witness").lie(Some(WitnessLie::Inconsistent));
    app.engine.ask_witnesses().await.expect_err("one disagrees");
    let page = app.get(&app.admin, "/audit").await.text();
    for part in [
        "has cosigned",
        "has seen another history",
        "The witness w1.example has seen another history of this log.",
        "The head is witnessed",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let admin = app.get(&app.admin, "/admin").await.text();
    for part in ["The head is shown to witnesses", "`w1.example`: it has seen another history"] {
        assert!(admin.contains(part), "{part}: {admin}");
    }
    let head = app.get(&app.admin, "/api/v1/ledger/head").await.json();
    assert_eq!(head["witnesses"][1]["state"], "disagrees");
    // Serving goes on.
    allowed(&app, 1).await;
}

/// A server among witnesses `w0.example`, `w1.example` and so on.
async fn witnessed(
    count: u8,
    needed: Option<usize>,
    strict: bool,
) -> (TestApp, Vec<Arc<Mutex<Witness>>>) {
    let of = |number: u8| Witness::new(&format!("w{number}.example"), number + 1);
    let witnesses: Vec<_> = (0..count).map(|number| Arc::new(Mutex::new(of(number)))).collect();
    let app = TestApp::made(ServerOptions::default(), |clock, options| {
        let mut net = Neighbours::new(clock);
        let mut configured = Vec::new();
        for witness in &witnesses {
            let key = witness.lock().expect("a witness").key();
            let url = format!("https://{}/w/", key.name());
            net = net.with(key.name(), Arc::clone(witness) as _);
            configured
                .push(sluice_engine::Witness::new(key, &url, &[], false).expect("a sound address"));
        }
        options.net = Arc::new(net);
        let every = Duration::from_secs(10);
        let made = Witnessing::new(configured, needed, every, strict);
        options.witnessing = Some(made.expect("a quorum"));
    })
    .await;
    app.apply(&[("sluice.yaml", sluice_testkit::ORGANISATION)]).await;
    for witness in &witnesses {
        witness.lock().expect("a witness").watch(&key(&app));
    }
    (app, witnesses)
}

fn key(app: &TestApp) -> VerifyingKey {
    app.engine.keys().log_key.parse().expect("a verifier key")
}

fn now_s(app: &TestApp) -> u64 {
    u64::try_from(app.clock.now().as_second()).expect("a time after 1970")
}

fn quorum(witnesses: &[Arc<Mutex<Witness>>], needed: usize) -> Quorum {
    let keys = witnesses.iter().map(|witness| witness.lock().expect("a witness").key()).collect();
    Quorum::new(keys, Some(needed)).expect("a quorum")
}
