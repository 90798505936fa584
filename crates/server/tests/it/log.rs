//! The log as outsiders see it: verified over HTTP with nothing but the public key.

use sluice_ledger::log::verify_continues;
use sluice_ledger::{
    BundleId, Checkpoint, LogSource, Receipt, TileId, VerifyingKey, verify_consistency, verify_log,
};
use sluice_testkit::TestApp;

use crate::description::holds;
use crate::gate::allowed;

struct OverHttp<'a>(&'a TestApp);

#[derive(Debug, thiserror::Error)]
#[error("`{0}` is answered with {1}")]
struct NotThere(String, u16);

impl OverHttp<'_> {
    fn get(&self, path: &str) -> Result<Vec<u8>, NotThere> {
        let handle = tokio::runtime::Handle::current();
        let answered = tokio::task::block_in_place(|| {
            handle.block_on(self.0.get("", &format!("/log/{path}")))
        });
        match answered.status {
            200 => Ok(answered.body.to_vec()),
            status => Err(NotThere(path.to_owned(), status)),
        }
    }
}

impl LogSource for OverHttp<'_> {
    type Error = NotThere;

    fn checkpoint(&self) -> Result<String, NotThere> {
        self.get("checkpoint").map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    fn tile(&self, tile: &TileId) -> Result<Vec<u8>, NotThere> {
        self.get(&tile.path())
    }

    fn entries(&self, bundle: &BundleId) -> Result<Vec<u8>, NotThere> {
        self.get(&bundle.path())
    }
}

async fn key(app: &TestApp) -> VerifyingKey {
    let keys = app.get("", "/api/v1/keys").await.json();
    holds("Keys", &keys);
    VerifyingKey::parse(keys["log_key"].as_str().expect("a key")).expect("a verifier key")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outsider_verifies_the_whole_log() {
    let app = TestApp::start().await;
    let old = OverHttp(&app).checkpoint().expect("a checkpoint");
    for seed in 1..=60 {
        allowed(&app, seed).await;
    }
    let keys = [key(&app).await];
    let report = verify_log(&OverHttp(&app), &keys, &mut |_| {}).expect("a sound log");
    assert_eq!(report.checkpoint.size, app.engine.standing().size);
    assert!(report.checkpoint.size > 256, "{} entries fill no tile", report.checkpoint.size);
    let old = Checkpoint::open(&old, &keys).expect("signed by the same key");
    verify_continues(&OverHttp(&app), &old, &report.checkpoint).expect("the log continues");
}

#[tokio::test]
async fn tiles_are_for_ever_and_the_checkpoint_is_not() {
    let app = TestApp::start().await;
    let checkpoint = app.get("", "/log/checkpoint").await;
    assert_eq!(checkpoint.header("content-type"), "text/plain; charset=utf-8");
    assert!(!checkpoint.header("cache-control").contains("immutable"));
    let size = app.engine.standing().size;
    for path in [format!("/log/tile/0/000.p/{size}"), format!("/log/tile/entries/000.p/{size}")] {
        let tile = app.get("", &path).await;
        assert_eq!(tile.status, 200, "{path}");
        assert_eq!(tile.header("content-type"), "application/octet-stream");
        assert!(tile.header("cache-control").contains("immutable"));
    }
    for path in ["/log/tile/0/001", "/log/tile/0/000.p/256", "/log/tile/64/000", "/log/tile/0/0"] {
        assert_eq!(app.get("", path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn receipts_and_proofs_hold() {
    let app = TestApp::start().await;
    let answer = allowed(&app, 1).await;
    let keys = [key(&app).await];
    let receipt: Receipt = serde_json::from_value(answer["receipt"].clone()).expect("a receipt");
    let path = format!("/api/v1/ledger/entries/{}", receipt.index);
    let entry = app.get(&app.admin, &path).await.json();
    holds("Entry", &entry);
    let bytes =
        data_encoding::BASE64.decode(entry["bytes"].as_str().unwrap_or_default().as_bytes());
    let bytes = bytes.expect("base64");
    receipt.verify(Some(&bytes), &keys).expect("the receipt holds");
    assert!(receipt.verify(Some(b"{}"), &keys).is_err());

    let later = app.get(&app.admin, &format!("/api/v1/ledger/receipts/{}", receipt.index)).await;
    holds("Receipt", &later.json());
    let later: Receipt = serde_json::from_value(later.json()).expect("a receipt");
    later.verify(Some(&bytes), &keys).expect("the later receipt holds");

    let size = app.engine.standing().size;
    let path = format!("/api/v1/ledger/consistency?from=1&to={size}");
    let proof = app.get(&app.admin, &path).await.json();
    holds("Consistency", &proof);
    let hash = |value: &serde_json::Value| serde_json::from_value(value.clone()).expect("a hash");
    let hashes: Vec<_> = proof["proof"].as_array().expect("hashes").iter().map(hash).collect();
    let (old, new) = (hash(&proof["from_root"]), hash(&proof["to_root"]));
    verify_consistency(1, size, &old, &new, &hashes).expect("the log continues");
}

#[tokio::test]
async fn entries_are_listed_in_order() {
    let app = TestApp::start().await;
    let size = app.engine.standing().size;
    let mut path = "/api/v1/ledger/entries?limit=3".to_owned();
    let mut next = 0;
    loop {
        let page = app.get(&app.admin, &path).await.json();
        holds("EntryList", &page);
        for item in page["items"].as_array().expect("items") {
            assert_eq!(item["index"], next);
            next += 1;
        }
        match page["next"].as_str() {
            Some(more) => path = more.to_owned(),
            None => break,
        }
    }
    assert_eq!(next, size);
    let head = app.get(&app.admin, "/api/v1/ledger/head").await.json();
    holds("LedgerHead", &head);
    assert_eq!(head["size"], size);
}
