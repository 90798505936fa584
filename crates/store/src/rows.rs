//! The rows that live beside the journal, as plain strings and integers.
//!
//! The store does not know what a state or a kind means: callers hand in the words of the
//! domain and get them back. Times are microseconds since the Unix epoch, `body`, `headers`,
//! `rules`, `permissions` and `scope` are JSON text that the store does not look into.

/// One write that goes into the transaction of a batch.
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// Remembers the answer to an idempotency key. A key that is taken and younger than
    /// [`KEEP_US`] makes the whole batch a conflict.
    Idempotency(IdempotencyRow),
    /// Drops idempotency keys recorded before this time, at most [`MOST_PRUNED`].
    PruneIdempotency { before_us: i64 },
    /// Stores a delivery, unless it is a duplicate by delivery id or by body.
    Delivery(DeliveryRow),
    /// Records what became of a delivery. The id must exist.
    DeliveryOutcome { id: u64, state: String, outcome: Option<String>, attempts: u32 },
    /// Takes away the identities of this kind that a person has beyond these.
    KeepIdentities { person_id: String, kind: String, keys: Vec<String> },
    /// Has a delivery read again that was put aside or ignored; one that is neither is left as it is.
    DeliveryAnew { id: u64 },
    /// Drops deliveries in a final state received before this time, at most [`MOST_PRUNED`].
    PruneInbox { before_us: i64 },
    /// Owes an effect, unless the link already owes or did one with this key.
    Effect(EffectRow),
    /// Records what became of an effect. The id must exist.
    EffectOutcome {
        id: u64,
        state: String,
        attempts: u32,
        next_us: i64,
        last_error: Option<String>,
    },
    /// Owes an effect anew that was given up; one that was not is left as it is.
    EffectAnew { id: u64, next_us: i64 },
    /// Drops effects that were told and were owed before this time, at most [`MOST_PRUNED`].
    PruneOutbox { before_us: i64 },
    /// How a link fares; replaced as a whole.
    LinkHealth(LinkHealthRow),
    /// What a neighbour has for one of our records; replaced as a whole.
    ExternalRef(ExternalRefRow),
    /// The same, where its value still is `was`; else nothing is altered.
    AlterExternalRef { row: ExternalRefRow, was: String },
    /// Stores evidence by digest; a digest that is there already is left as it is.
    Blob(BlobRow),
    /// Personal data of a person; replaced as a whole.
    Person(PersonRow),
    /// One identity of a person (mail address, forge account); replaced as a whole.
    Identity(IdentityRow),
    /// Erases the personal data of one person: name, handle and every identity.
    ErasePerson { person_id: String },
    /// An API token; the id and the secret's hash must be new.
    Token(TokenRow),
    /// Marks a token as revoked. The id must exist.
    RevokeToken { id: String, at_us: i64 },
    /// Notes when a token was last used. An unknown id is ignored.
    TouchToken { id: String, at_us: i64 },
    /// How a person proves who they are; replaced as a whole.
    Credentials(CredentialsRow),
    /// The secret of a session: a new session, or a new secret of an old one.
    Session(SessionRow),
    /// Notes when a session was last used. An unknown id is ignored.
    TouchSession { id: String, at_us: i64 },
    /// Drops sessions that were over before this time, at most [`MOST_PRUNED`].
    PruneSessions { before_us: i64 },
    /// Drops tokens that had expired before this time, at most [`MOST_PRUNED`].
    PruneTokens { before_us: i64 },
    /// What a provider of identities keeps of a person; replaced as a whole.
    Provisioned(ProvisionedRow),
    /// Erases what a provider kept of a person.
    RemoveProvisioned { id: String },
    /// How a person likes things; replaced as a whole.
    Preference(PreferenceRow),
    /// A preference that is gone. An unknown one is ignored.
    RemovePreference { person_id: String, name: String },
    /// A secret under the master key; replaced as a whole.
    Secret(SecretRow),
    /// A secret that is gone.
    RemoveSecret { name: String },
    /// A snapshot of folded state, the newest; of each name the last [`KEEP_SNAPSHOTS`] up to it are kept.
    Snapshot(SnapshotRow),
    /// View: a change, replaced as a whole.
    Change(ChangeRow),
    /// View: a gate decision, replaced as a whole.
    Decision(DecisionRow),
    /// View: a deployment, replaced as a whole.
    Deployment(DeploymentRow),
    /// View: a deployment that ended otherwise than its row says. State, end and `report` (JSON, a member of the body)
    /// are replaced, the rest stays; `alone` is the row where there is none.
    DeploymentUndone { alone: DeploymentRow, report: String },
    /// An incident, whole.
    Incident(IncidentRow),
    /// A problem, whole.
    Problem(ProblemRow),
    /// View: a declared item of the organisation, replaced as a whole.
    Item(ItemRow),
    /// View: an item that is no longer declared.
    RemoveItem { kind: String, name: String },
    /// How far a following view has read; may be part of a rebuild.
    Cursor { name: String, seq: u64 },
    /// A head that was cosigned; the one of that name gives way, unless it is of more entries.
    Cosigned(CosignedRow),
    /// Words that people wrote in an entry, in small letters.
    Words { entry: u64, words: Vec<String> },
}

/// How long idempotency keys and body hashes are remembered: 30 days.
pub const KEEP_US: i64 = 30 * 24 * 3_600 * 1_000_000;

/// How many old rows one row of a batch drops at most.
pub const MOST_PRUNED: u32 = 500;

/// How many snapshots are kept per name.
pub const KEEP_SNAPSHOTS: u32 = 2;

/// What became of one row of a batch; the answer of each row, in the order of the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowOutcome {
    /// Written.
    Done,
    /// The delivery is in the inbox under this id.
    Delivered { id: u64 },
    /// The delivery was here before, as this id; nothing was written.
    Duplicate { by: DuplicateBy, id: u64 },
    /// The effect is owed under this id.
    Owed { id: u64 },
    /// What was old is gone, or a part of it where there is more.
    Pruned { more: bool },
    /// The link already knows this effect key, as this id; nothing was written.
    AlreadyOwed { id: u64 },
}

/// Why a delivery counts as a duplicate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DuplicateBy {
    /// The link sent this delivery id before.
    DeliveryId,
    /// The link sent these bytes within the last 30 days.
    Body,
}

/// The recorded answer to one idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRow {
    pub scope: String,
    pub key: String,
    pub body_hash: [u8; 32],
    /// The entry that holds the answer, when there is one.
    pub seq: Option<u64>,
    pub at_us: i64,
}

/// A delivery as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    pub link: String,
    pub delivery_id: String,
    pub body_hash: [u8; 32],
    pub kind: String,
    pub headers: String,
    pub body: Vec<u8>,
    pub received_us: i64,
}

/// A delivery as it lies in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRow {
    pub id: u64,
    pub delivery: DeliveryRow,
    /// `new`, `done`, `ignored` or `quarantined`.
    pub state: String,
    pub outcome: Option<String>,
    pub attempts: u32,
}

/// The state a delivery has until it is handled.
pub const INBOX_NEW: &str = "new";

/// An effect to be owed to a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectRow {
    pub link: String,
    /// Effects on one entity of one link are delivered in order.
    pub entity: String,
    /// Stable name of the effect; the same key is never owed twice.
    pub effect_key: String,
    pub kind: String,
    pub body: String,
    /// Not to be tried before this time.
    pub next_us: i64,
    pub created_us: i64,
}

/// An effect as it lies in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    pub id: u64,
    pub effect: EffectRow,
    /// [`OUTBOX_PENDING`] until delivered; the final words are the caller's.
    pub state: String,
    pub attempts: u32,
    pub last_error: Option<String>,
}

/// How a link fares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkHealthRow {
    pub link: String,
    pub last_good_us: Option<i64>,
    pub last_error_us: Option<i64>,
    /// The last error, as `reason: detail`.
    pub last_error: Option<String>,
    /// Failures since the last success.
    pub failures: u32,
    pub polled_us: Option<i64>,
    /// How far the last reading back came.
    pub cursor: Option<String>,
    /// When it was told something last: reading back is no telling.
    pub last_told_us: Option<i64>,
}

/// What a neighbour has for one of our records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalRefRow {
    pub link: String,
    pub entity: String,
    pub name: String,
    pub value: String,
}

/// An effect that was told.
pub const OUTBOX_DELIVERED: &str = "delivered";

/// An effect that nobody tries again by themselves.
pub const OUTBOX_GIVEN_UP: &str = "given_up";

/// The state an effect has until it is delivered or given up.
pub const OUTBOX_PENDING: &str = "pending";

/// Evidence, by its digest `sha256:<64 hex>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobRow {
    pub digest: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
    pub created_us: i64,
}

/// The erasable personal data of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    pub person_id: String,
    pub handle: String,
    pub name: String,
}

/// One identity; `identity_key` is how it is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityRow {
    pub identity_key: String,
    pub kind: String,
    pub value: String,
    /// Absent while the identity is not resolved to a person.
    pub person_id: Option<String>,
}

/// An API token; only the hash of its secret is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    pub id: String,
    pub secret_hash: [u8; 32],
    pub label: String,
    pub person_id: Option<String>,
    pub kind: String,
    pub permissions: String,
    pub scope: String,
    pub created_us: i64,
    pub expires_us: Option<i64>,
    pub revoked_us: Option<i64>,
    pub last_used_us: Option<i64>,
}

/// How a person proves who they are. Nothing in it opens a door by itself: passwords and codes are hashed, and the
/// key of one-time codes is derived from the installation's own key and `totp`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialsRow {
    pub person_id: String,
    /// Argon2id, in the PHC string form.
    pub password: Option<String>,
    /// What the key of the one-time codes is derived from.
    pub totp: Option<String>,
    /// Whether the person has shown that their device gives the right codes.
    pub totp_ready: bool,
    /// The last time step whose code was used: no code is good twice.
    pub totp_step: i64,
    /// Hashes of recovery codes that are left, as JSON.
    pub recovery: String,
    /// Hash of the code by which the person sets a first password.
    pub enrol_hash: Option<[u8; 32]>,
    pub enrol_until_us: Option<i64>,
    pub changed_us: i64,
}

/// The secret of a session, as a hash, and when it was last used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: String,
    pub secret_hash: [u8; 32],
    pub person_id: String,
    pub seen_us: i64,
    pub expires_us: i64,
}

/// What a provider of identities keeps of a person: personal data, as JSON that the store does not look into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvisionedRow {
    pub id: String,
    pub person_id: String,
    pub body: String,
}

/// How a person likes things, such as a filter with a name. Nothing is decided by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferenceRow {
    pub person_id: String,
    pub name: String,
    pub value: String,
}

/// A secret, encrypted; what is inside is the engine's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRow {
    pub name: String,
    pub sealed: Vec<u8>,
}

/// Folded state as of `size` entries, with the signed note that binds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    pub name: String,
    pub size: u64,
    pub bytes: Vec<u8>,
    pub note: String,
}

/// The name of the head that had the quorum. Keys of witnesses have a `+`, so that none is called like this.
pub const QUORUM: &str = "quorum";

/// A signed head with cosignatures. It is signed by the log, so that nobody alters it without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignedRow {
    /// The key of the witness whose last one it is, or [`QUORUM`].
    pub name: String,
    pub size: u64,
    /// The latest time that a witness gave.
    pub at_us: i64,
    pub note: String,
}

/// View of one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    pub number: u64,
    pub state: String,
    pub kind: String,
    pub services: Vec<String>,
    pub environment: String,
    pub risk: String,
    pub title: String,
    pub opened_us: i64,
    pub updated_us: i64,
    pub closed_us: Option<i64>,
    pub outcome: Option<String>,
    /// Somebody has to act before this change can go on.
    pub waiting: bool,
    /// The entry this row speaks as of.
    pub as_of: u64,
    pub body: String,
}

/// View of one gate decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRow {
    pub id: String,
    pub seq: u64,
    pub change_number: Option<u64>,
    pub service: String,
    pub environment: String,
    pub decision: String,
    pub at_us: i64,
    pub rules: String,
    pub bundle: String,
    pub input_digest: String,
    /// `none`: no person was asked; `met`: people had approved; `awaited`: it waits for people.
    pub approvals: String,
    pub body: String,
}

/// View of one deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentRow {
    pub number: u64,
    pub change_number: Option<u64>,
    pub service: String,
    pub environment: String,
    pub state: String,
    pub started_us: Option<i64>,
    pub finished_us: Option<i64>,
    pub body: String,
}

/// View of one incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRow {
    pub number: u64,
    pub state: String,
    pub services: Vec<String>,
    pub environment: Option<String>,
    pub change_number: Option<u64>,
    pub title: String,
    pub opened_us: i64,
    pub resolved_us: Option<i64>,
    pub body: String,
}

/// View of one problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProblemRow {
    pub number: u64,
    pub state: String,
    pub services: Vec<String>,
    pub title: String,
    pub opened_us: i64,
    pub resolved_us: Option<i64>,
    pub body: String,
}

/// View of one declared item of the organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    pub kind: String,
    pub name: String,
    pub digest: String,
    pub body: String,
}
