//! The rows beside the journal, and the views.

use sha2::{Digest, Sha256};
use sluice_store::rows::{
    BlobRow, ChangeRow, DecisionRow, DeliveryRow, DeploymentRow, EffectRow, ExternalRefRow,
    IdempotencyRow, IdentityRow, ItemRow, KEEP_US, PersonRow, SnapshotRow, TokenRow,
};
use sluice_store::{
    Batch, ChangeFilter, DecisionFilter, DeploymentFilter, DuplicateBy, NotCommitted, OutboxFilter,
    Outcome, Owed, Page, Row, RowOutcome, Scratch, Writer, compare_views,
};

use crate::disturbed;
use crate::instance::{Instance, commit};

#[test]
fn a_delivery_is_stored_once_by_its_id_and_by_its_body() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let stored = |id| RowOutcome::Delivered { id };
    let duplicate = |by| RowOutcome::Duplicate { by, id: 1 };
    for (delivery, expected) in [
        (delivery("gh", "a", b"one", 0), stored(1)),
        (delivery("gh", "a", b"two", 1), duplicate(DuplicateBy::DeliveryId)),
        (delivery("gh", "b", b"one", KEEP_US - 1), duplicate(DuplicateBy::Body)),
        (delivery("gl", "a", b"one", 2), stored(2)),
        (delivery("gh", "c", b"one", KEEP_US), stored(3)),
    ] {
        assert_eq!(write(&mut writer, vec![Row::Delivery(delivery.clone())]), [expected]);
    }
    let twice = delivery("gh", "d", b"four", 5);
    let rows = vec![Row::Delivery(twice.clone()), Row::Delivery(twice)];
    let by_id = RowOutcome::Duplicate { by: DuplicateBy::DeliveryId, id: 4 };
    assert_eq!(write(&mut writer, rows), [stored(4), by_id]);
    let (state, outcome) = ("done".to_owned(), Some("understood".to_owned()));
    write(&mut writer, vec![Row::DeliveryOutcome { id: 1, state, outcome, attempts: 1 }]);
    let waiting: Vec<u64> = readers.inbox_next(10).unwrap().iter().map(|row| row.id).collect();
    assert_eq!(waiting, [2, 3, 4]);
    let first = readers.inbox_get(1).unwrap().unwrap();
    assert_eq!((first.state.as_str(), first.delivery.body.as_slice()), ("done", &b"one"[..]));
}

#[test]
fn an_outcome_of_an_unknown_delivery_undoes_the_batch() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let unknown =
        Row::DeliveryOutcome { id: 9, state: "done".to_owned(), outcome: None, attempts: 1 };
    let rows = vec![Row::Delivery(delivery("gh", "a", b"one", 0)), unknown];
    let outcome = writer.commit(Batch { entries: Vec::new(), rows });
    assert!(matches!(outcome, Outcome::NotCommitted(NotCommitted::Conflict(_))));
    assert_eq!(readers.inbox_next(10).unwrap(), []);
}

#[test]
fn a_reference_is_altered_only_where_it_is_what_it_was() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let row = |value: &str| ExternalRefRow {
        link: "ci".to_owned(),
        entity: "asked".to_owned(),
        name: "run/7".to_owned(),
        value: value.to_owned(),
    };
    let alter = |value, was: &str| Row::AlterExternalRef { row: row(value), was: was.to_owned() };
    for (write_row, left) in [
        (alter("b", "a"), None),
        (Row::ExternalRef(row("a")), Some("a")),
        (alter("c", "b"), Some("a")),
        (alter("", "b"), Some("a")),
        (alter("b", "a"), Some("b")),
        (alter("", "b"), None),
    ] {
        write(&mut writer, vec![write_row.clone()]);
        let known = readers.external_refs("ci", "asked").unwrap();
        let values: Vec<_> = known.iter().map(|known| known.value.as_str()).collect();
        assert_eq!(values, left.as_slice(), "{write_row:?}");
    }
}

#[test]
fn what_waits_behind_an_earlier_effect_of_its_entity_is_found() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let later = i64::from(u32::MAX);
    let mut rows = vec![effect("gh", "run/1", "k1", later)];
    rows.extend((2..=5).map(|n| effect("gh", "run/2", &format!("k{n}"), later)));
    rows.extend([effect("gh", "run/1", "k6", 0), effect("gh", "run/3", "k7", 0)]);
    rows.extend([effect("gl", "run/1", "k8", 0), effect("gh", "run/2", "k9", 0)]);
    write(&mut writer, rows);
    let ids = |found: Vec<sluice_store::rows::OutboxRow>| -> Vec<u64> {
        found.iter().map(|row| row.id).collect()
    };
    for (after, max, found) in [(0, 10, vec![6, 9]), (0, 1, vec![6]), (6, 10, vec![9])] {
        assert_eq!(ids(readers.outbox_behind("gh", 10, (0, after), max).unwrap()), found);
    }
    for (entity, after, found) in
        [("run/1", 0, vec![1, 6]), ("run/2", 3, vec![4, 5, 9]), ("run/4", 0, vec![])]
    {
        assert_eq!(ids(readers.outbox_of("gh", entity, after, 10).unwrap()), found, "{entity}");
    }
}

#[test]
fn effects_of_one_entity_come_due_in_order() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let owed = write(
        &mut writer,
        vec![
            effect("gh", "run/1", "k1", 10),
            effect("gh", "run/1", "k2", 0),
            effect("gh", "run/2", "k3", 5),
            effect("gh", "run/1", "k1", 0),
        ],
    );
    assert_eq!(readers.outbox_owing().unwrap(), ["gh"]);
    let id = |id| RowOutcome::Owed { id };
    assert_eq!(owed, [id(1), id(2), id(3), RowOutcome::AlreadyOwed { id: 1 }]);
    let due = |now| -> Vec<u64> {
        readers.outbox_due("gh", now, 10).unwrap().iter().map(|row| row.id).collect()
    };
    assert_eq!((due(4), due(9), due(10)), (vec![], vec![3], vec![3, 1]));
    assert_eq!(readers.outbox_next_us("gh").unwrap(), Some(5));
    assert_eq!(
        readers.outbox_owed("gh").unwrap(),
        Owed { pending: 3, given_up: 0, oldest_us: Some(1) }
    );
    let (state, last_error) = ("done".to_owned(), None);
    let done = Row::EffectOutcome { id: 1, state, attempts: 1, next_us: 0, last_error };
    write(&mut writer, vec![done]);
    assert_eq!(due(4), [2]);
    let filter = OutboxFilter { state: Some("done".to_owned()), ..OutboxFilter::default() };
    assert_eq!(readers.outbox(&filter, Page::default()).unwrap().len(), 1);
}

#[test]
fn an_idempotency_key_is_free_again_after_thirty_days() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let key = |seq, at_us| {
        let (scope, key) = ("gate".to_owned(), "run-1".to_owned());
        Row::Idempotency(IdempotencyRow { scope, key, body_hash: [1; 32], seq, at_us })
    };
    write(&mut writer, vec![key(Some(1), 0)]);
    let early = writer.commit(Batch { entries: Vec::new(), rows: vec![key(Some(2), KEEP_US)] });
    assert!(matches!(early, Outcome::NotCommitted(NotCommitted::Conflict(_))));
    write(&mut writer, vec![key(Some(3), KEEP_US + 1)]);
    assert_eq!(readers.idempotency("gate", "run-1").unwrap().unwrap().seq, Some(3));
    write(&mut writer, vec![Row::PruneIdempotency { before_us: KEEP_US + 2 }]);
    assert_eq!(readers.idempotency("gate", "run-1").unwrap(), None);
}

#[test]
fn people_and_tokens_are_found_changed_and_erased() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let (person, identity, token) = (person(), identity(), token());
    write(
        &mut writer,
        vec![
            Row::Person(person.clone()),
            Row::Identity(identity.clone()),
            Row::Token(token.clone()),
            Row::TouchToken { id: "tok_1".to_owned(), at_us: 8 },
            Row::RevokeToken { id: "tok_1".to_owned(), at_us: 9 },
        ],
    );
    assert_eq!(readers.person("p1").unwrap(), Some(person));
    assert_eq!(readers.identity("mail:a@b").unwrap(), Some(identity.clone()));
    assert_eq!(readers.identities_of("p1").unwrap(), [identity]);
    let stored = TokenRow { revoked_us: Some(9), last_used_us: Some(8), ..token };
    assert_eq!(readers.token_by_hash(&[4; 32]).unwrap(), Some(stored));
    write(&mut writer, vec![Row::ErasePerson { person_id: "p1".to_owned() }]);
    assert_eq!(readers.person("p1").unwrap(), None);
    assert_eq!(readers.identity("mail:a@b").unwrap(), None);
}

#[test]
fn addresses_that_are_taken_away_are_overwritten_on_the_disk() {
    let kept = "mail:1@gone.example";
    let keep = Row::KeepIdentities {
        person_id: "p1".to_owned(),
        kind: "mail".to_owned(),
        keys: vec![kept.to_owned()],
    };
    for (taken, left) in [(keep, 1), (Row::ErasePerson { person_id: "p1".to_owned() }, 0)] {
        let instance = Instance::new();
        let (mut writer, readers) = instance.open();
        let many = (0..600).map(|number| {
            let value = format!("{number}@gone.example");
            let identity_key = format!("mail:{value}");
            Row::Identity(IdentityRow { identity_key, value, ..identity() })
        });
        write(&mut writer, many.collect());
        write(&mut writer, vec![taken]);
        assert_eq!(readers.identities_of("p1").unwrap().len(), left);
        drop((writer, readers));
        let mut bytes = Vec::new();
        for entry in std::fs::read_dir(instance.dir()).unwrap() {
            bytes.extend(std::fs::read(entry.unwrap().path()).unwrap_or_default());
        }
        let found = bytes.windows(13).filter(|bytes| *bytes == b"@gone.example").count();
        // Key and value, and the key once more in its index.
        assert_eq!(found, 3 * left);
    }
}

#[test]
fn the_last_two_snapshots_of_a_name_are_kept() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    for size in 1..=4 {
        let (bytes, note) = (vec![size as u8], "note".to_owned());
        let name = "state".to_owned();
        write(&mut writer, vec![Row::Snapshot(SnapshotRow { name, size, bytes, note })]);
    }
    assert_eq!(readers.snapshot("state").unwrap().unwrap().size, 4);
    assert_eq!(readers.snapshot("other").unwrap(), None);
}

#[test]
fn changes_are_listed_by_what_is_asked() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    write(&mut writer, (1..=450).map(|number| Row::Change(change(number))).collect());
    let numbers = |filter: &ChangeFilter, page| -> Vec<u64> {
        readers.changes(filter, page).unwrap().iter().map(|row| row.number).collect()
    };
    let all = ChangeFilter::default();
    let newest = numbers(&all, Page { limit: 3, ..Page::default() });
    assert_eq!(newest, [450, 449, 448]);
    assert_eq!(numbers(&all, Page { before: Some(448), limit: 2, after: None }), [447, 446]);
    assert_eq!(numbers(&all, Page { after: Some(448), limit: 1, before: None }), [449]);
    assert_eq!(numbers(&all, Page::default()).len(), 200);
    let page = Page { limit: 3, ..Page::default() };
    let of = |service: &str| Some(service.to_owned());
    let filter = ChangeFilter { service: of("pay"), ..ChangeFilter::default() };
    assert_eq!(numbers(&filter, page), [450, 448, 446]);
    assert_eq!(numbers(&filter, Page { before: Some(448), ..page }), [446, 444, 442]);
    let filter =
        ChangeFilter { waiting: Some(true), service: of("pay"), ..ChangeFilter::default() };
    assert_eq!(numbers(&filter, page), [450, 444, 438]);
    let filter = ChangeFilter { text: of("TITLE 12%"), ..ChangeFilter::default() };
    assert_eq!(numbers(&filter, page), [] as [u64; 0]);
    let filter = ChangeFilter { text: of("TITLE 123"), ..ChangeFilter::default() };
    assert_eq!(numbers(&filter, page), [123]);
    assert_eq!(readers.change(450).unwrap(), Some(change(450)));
    assert_eq!(readers.last_change_number().unwrap(), 450);
}

#[test]
fn a_change_that_leaves_a_service_is_no_longer_listed_there() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    write(&mut writer, vec![Row::Change(change(2))]);
    write(&mut writer, vec![Row::Change(ChangeRow { services: vec!["web".into()], ..change(2) })]);
    let filter = ChangeFilter { service: Some("pay".to_owned()), ..ChangeFilter::default() };
    assert_eq!(readers.changes(&filter, Page::default()).unwrap(), []);
}

#[test]
fn views_are_compared_row_by_row_and_rebuilt() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let truth = views();
    write(&mut writer, truth.clone());
    let scratch = Scratch::in_memory().unwrap();
    for row in &truth {
        scratch.accept(row).unwrap();
    }
    assert_eq!(compare_views(&readers, &scratch, 10).unwrap(), []);
    write(
        &mut writer,
        vec![
            Row::Change(ChangeRow { state: "closed".to_owned(), ..change(7) }),
            Row::Change(change(3_001)),
            Row::RemoveItem { kind: "service".to_owned(), name: "pay".to_owned() },
        ],
    );
    let named: Vec<String> = compare_views(&readers, &scratch, 10)
        .unwrap()
        .iter()
        .map(|found| format!("{} {}", found.view, found.key))
        .collect();
    assert_eq!(
        named,
        ["changes 7", "changes 3001", "change_services 3001/api", "items service/pay"]
    );
    assert_eq!(writer.rebuild_views(truth.clone()).unwrap(), truth.len() as u64);
    assert_eq!(compare_views(&readers, &scratch, 10).unwrap(), []);
    let foreign = Row::Person(person());
    assert!(scratch.accept(&foreign).is_err());
    assert!(writer.rebuild_views([foreign]).is_err());
    assert_eq!(compare_views(&readers, &scratch, 10).unwrap(), []);
}

#[test]
fn a_value_in_a_view_is_not_taken_for_another_that_reads_alike() {
    let truth = Row::Change(ChangeRow { outcome: None, ..change(7) });
    let scratch = Scratch::in_memory().unwrap();
    scratch.accept(&truth).unwrap();
    for edited in [
        ChangeRow { outcome: Some("null".to_owned()), ..change(7) },
        ChangeRow { outcome: Some("none other=x".to_owned()), ..change(7) },
    ] {
        let instance = Instance::new();
        let (mut writer, readers) = instance.open();
        write(&mut writer, vec![Row::Change(edited)]);
        assert_eq!(compare_views(&readers, &scratch, 10).unwrap().len(), 1);
    }
}

#[test]
fn what_is_gone_by_now_is_not_owed_or_read_anew() {
    let instance = Instance::new();
    let (mut writer, _) = instance.open();
    let rows = vec![Row::DeliveryAnew { id: 9 }, Row::EffectAnew { id: 9, next_us: 1 }];
    assert_eq!(write(&mut writer, rows), [RowOutcome::Done, RowOutcome::Done]);
}

#[test]
fn decisions_deployments_and_blobs_are_found() {
    let instance = Instance::new();
    let (mut writer, readers) = instance.open();
    let blob = blob(b"report");
    let mut rows = views();
    rows.push(Row::Blob(blob.clone()));
    write(&mut writer, rows);
    assert_eq!(readers.decision("dec-2").unwrap(), Some(decision(2)));
    let filter = DecisionFilter { change_number: Some(1), ..DecisionFilter::default() };
    assert_eq!(readers.decisions(&filter, Page::default()).unwrap().len(), 3);
    assert_eq!(readers.deployment(1).unwrap(), Some(deployment(1)));
    let filter = DeploymentFilter { service: Some("pay".into()), ..DeploymentFilter::default() };
    assert_eq!(readers.deployments(&filter, Page::default()).unwrap().len(), 3);
    assert_eq!(readers.blob(&blob.digest).unwrap(), Some(blob));
    assert_eq!(readers.items("service").unwrap().len(), 1);
    assert_eq!(readers.cursor("pages").unwrap(), Some(4));
}

pub(crate) fn write(writer: &mut Writer, rows: Vec<Row>) -> Vec<RowOutcome> {
    commit(writer, Batch { entries: Vec::new(), rows }).rows
}

/// One row of every kind that lies beside the journal.
pub(crate) fn beside() -> Vec<Row> {
    let (scope, key) = ("gate".to_owned(), "run-1".to_owned());
    let (bytes, note) = (b"state".to_vec(), "note".to_owned());
    vec![
        Row::Idempotency(IdempotencyRow { scope, key, body_hash: [1; 32], seq: Some(1), at_us: 5 }),
        Row::Delivery(delivery("gh", "a", b"one", 0)),
        effect("gh", "run/1", "k1", 10),
        Row::Blob(blob(b"report")),
        Row::Person(person()),
        Row::Identity(identity()),
        Row::Token(token()),
        Row::Snapshot(SnapshotRow { name: "state".to_owned(), size: 3, bytes, note }),
    ]
}

/// Rows of every view, more than one page of changes.
pub(crate) fn views() -> Vec<Row> {
    let mut rows: Vec<Row> = (1..=2_500).map(|number| Row::Change(change(number))).collect();
    rows.extend((1..=3).map(|seq| Row::Decision(decision(seq))));
    rows.extend((1..=3).map(|number| Row::Deployment(deployment(number))));
    rows.extend((1..=3).map(|number| Row::Incident(disturbed::incident(number, &["pay"]))));
    rows.push(Row::Problem(disturbed::problem(1, &["INC0000001"], &[])));
    let (kind, name) = ("service".to_owned(), "pay".to_owned());
    rows.push(Row::Item(ItemRow { kind, name, digest: "d".to_owned(), body: "{}".to_owned() }));
    rows.push(Row::Cursor { name: "pages".to_owned(), seq: 4 });
    rows
}

pub(crate) fn delivery(link: &str, id: &str, body: &[u8], received_us: i64) -> DeliveryRow {
    DeliveryRow {
        link: link.to_owned(),
        delivery_id: id.to_owned(),
        body_hash: Sha256::digest(body).into(),
        kind: "push".to_owned(),
        headers: "{}".to_owned(),
        body: body.to_vec(),
        received_us,
    }
}

pub(crate) fn effect(link: &str, entity: &str, key: &str, next_us: i64) -> Row {
    Row::Effect(EffectRow {
        link: link.to_owned(),
        entity: entity.to_owned(),
        effect_key: key.to_owned(),
        kind: "comment".to_owned(),
        body: "{}".to_owned(),
        next_us,
        created_us: 1,
    })
}

fn blob(bytes: &[u8]) -> BlobRow {
    let digest = format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)));
    let media_type = "text/plain".to_owned();
    BlobRow { digest, media_type, bytes: bytes.to_vec(), created_us: 3 }
}

fn person() -> PersonRow {
    let (person_id, handle) = ("p1".to_owned(), "ada".to_owned());
    PersonRow { person_id, handle, name: "Ada".to_owned() }
}

fn identity() -> IdentityRow {
    let (identity_key, kind) = ("mail:a@b".to_owned(), "mail".to_owned());
    IdentityRow { identity_key, kind, value: "a@b".to_owned(), person_id: Some("p1".to_owned()) }
}

fn token() -> TokenRow {
    TokenRow {
        id: "tok_1".to_owned(),
        secret_hash: [4; 32],
        label: "ci".to_owned(),
        person_id: None,
        kind: "pipeline".to_owned(),
        permissions: "[]".to_owned(),
        scope: "{}".to_owned(),
        created_us: 1,
        expires_us: Some(100),
        revoked_us: None,
        last_used_us: None,
    }
}

pub(crate) fn change(number: u64) -> ChangeRow {
    let services = if number.is_multiple_of(2) { vec!["pay", "api"] } else { vec!["api"] };
    ChangeRow {
        number,
        state: "new".to_owned(),
        kind: "normal".to_owned(),
        services: services.into_iter().map(str::to_owned).collect(),
        environment: "production".to_owned(),
        risk: "low".to_owned(),
        title: format!("Title {number}."),
        opened_us: 1,
        updated_us: 2,
        closed_us: None,
        outcome: None,
        waiting: number.is_multiple_of(3),
        as_of: number,
        body: "{}".to_owned(),
    }
}

pub(crate) fn decision(seq: u64) -> DecisionRow {
    DecisionRow {
        id: format!("dec-{seq}"),
        seq,
        change_number: Some(1),
        service: "pay".to_owned(),
        environment: "production".to_owned(),
        decision: "wait".to_owned(),
        at_us: 4,
        rules: "[]".to_owned(),
        bundle: "b".to_owned(),
        input_digest: "i".to_owned(),
        approvals: "none".to_owned(),
        body: "{}".to_owned(),
    }
}

pub(crate) fn deployment(number: u64) -> DeploymentRow {
    DeploymentRow {
        number,
        change_number: Some(1),
        service: "pay".to_owned(),
        environment: "production".to_owned(),
        state: "running".to_owned(),
        started_us: Some(1),
        finished_us: None,
        body: "{}".to_owned(),
    }
}
