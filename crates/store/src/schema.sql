-- The journal. `entries.bytes` is the truth; every other column of it is derived.
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE head (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  size INTEGER NOT NULL, root BLOB NOT NULL, last_time_us INTEGER NOT NULL,
  commits INTEGER NOT NULL, seal BLOB NOT NULL
) STRICT;
CREATE TABLE entries (
  seq INTEGER PRIMARY KEY, leaf BLOB NOT NULL, stream TEXT NOT NULL, version INTEGER NOT NULL,
  name TEXT NOT NULL, time_us INTEGER NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX entries_by_stream ON entries (stream, version);
CREATE TABLE tiles (
  level INTEGER NOT NULL, idx INTEGER NOT NULL, hashes BLOB NOT NULL, UNIQUE (level, idx)
) STRICT;

-- Rows that live beside the journal. Each carries a checksum of itself in `seal`.
CREATE TABLE idempotency (
  scope TEXT NOT NULL, key TEXT NOT NULL, body_hash BLOB NOT NULL, seq INTEGER,
  at_us INTEGER NOT NULL, seal BLOB NOT NULL, PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (at_us);
CREATE TABLE inbox (
  id INTEGER PRIMARY KEY, link TEXT NOT NULL, delivery_id TEXT NOT NULL, body_hash BLOB NOT NULL,
  kind TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL, received_us INTEGER NOT NULL,
  state TEXT NOT NULL, outcome TEXT, attempts INTEGER NOT NULL, seal BLOB NOT NULL,
  UNIQUE (link, delivery_id)
) STRICT;
CREATE INDEX inbox_by_body ON inbox (link, body_hash, received_us);
CREATE INDEX inbox_by_state ON inbox (state, id);
CREATE INDEX inbox_by_link ON inbox (link, id, state);
CREATE INDEX inbox_by_age ON inbox (received_us) WHERE state <> 'new';
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, link TEXT NOT NULL, entity TEXT NOT NULL, effect_key TEXT NOT NULL,
  kind TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL,
  next_us INTEGER NOT NULL, last_error TEXT, created_us INTEGER NOT NULL, seal BLOB NOT NULL,
  UNIQUE (link, effect_key)
) STRICT;
CREATE INDEX outbox_by_due ON outbox (state, next_us, id);
CREATE INDEX outbox_by_entity ON outbox (link, entity, state, id);
CREATE INDEX outbox_by_link ON outbox (link, state, next_us, id);
CREATE INDEX outbox_open ON outbox (link, state, id) WHERE state <> 'delivered';
-- Lists by what has no order of its own: read from the newest on, the rows themselves only where they fit.
CREATE INDEX outbox_listed ON outbox (id, link, state, entity);
-- What has failed and is still owed, by how long it is.
CREATE INDEX outbox_failing ON outbox (link, created_us, id) WHERE state = 'pending' AND last_error IS NOT NULL;
CREATE INDEX outbox_by_age ON outbox (created_us) WHERE state = 'delivered';
CREATE TABLE link_health (
  link TEXT PRIMARY KEY, last_good_us INTEGER, last_error_us INTEGER, last_error TEXT,
  failures INTEGER NOT NULL, polled_us INTEGER, cursor TEXT, last_told_us INTEGER, seal BLOB NOT NULL
) STRICT;
CREATE TABLE external_refs (
  link TEXT NOT NULL, entity TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
  seal BLOB NOT NULL, PRIMARY KEY (link, entity, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX external_refs_by_entity ON external_refs (entity, link, name);
CREATE TABLE blobs (
  digest TEXT PRIMARY KEY, media_type TEXT NOT NULL, bytes BLOB NOT NULL,
  created_us INTEGER NOT NULL, seal BLOB NOT NULL
) STRICT;
CREATE TABLE persons (
  person_id TEXT PRIMARY KEY, handle TEXT NOT NULL, name TEXT NOT NULL, seal BLOB NOT NULL
) STRICT;
CREATE TABLE identities (
  identity_key TEXT PRIMARY KEY, kind TEXT NOT NULL, value TEXT NOT NULL, person_id TEXT,
  seal BLOB NOT NULL
) STRICT;
CREATE INDEX identities_by_person ON identities (person_id);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY, secret_hash BLOB NOT NULL UNIQUE, label TEXT NOT NULL, person_id TEXT,
  kind TEXT NOT NULL, permissions TEXT NOT NULL, scope TEXT NOT NULL, created_us INTEGER NOT NULL,
  expires_us INTEGER, revoked_us INTEGER, last_used_us INTEGER, seal BLOB NOT NULL
) STRICT;
CREATE TABLE credentials (
  person_id TEXT PRIMARY KEY, password TEXT, totp TEXT, totp_ready INTEGER NOT NULL,
  totp_step INTEGER NOT NULL, recovery TEXT NOT NULL, enrol_hash BLOB, enrol_until_us INTEGER,
  changed_us INTEGER NOT NULL, seal BLOB NOT NULL
) STRICT;
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, secret_hash BLOB NOT NULL UNIQUE, person_id TEXT NOT NULL,
  seen_us INTEGER NOT NULL, expires_us INTEGER NOT NULL, seal BLOB NOT NULL
) STRICT;
CREATE INDEX sessions_by_person ON sessions (person_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_us);
CREATE TABLE preferences (
  person_id TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, seal BLOB NOT NULL,
  PRIMARY KEY (person_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE secrets (
  name TEXT PRIMARY KEY, sealed BLOB NOT NULL, seal BLOB NOT NULL
) STRICT;
CREATE TABLE provisioned (
  id TEXT PRIMARY KEY, person_id TEXT NOT NULL, body TEXT NOT NULL, seal BLOB NOT NULL
) STRICT;
CREATE INDEX provisioned_by_person ON provisioned (person_id);
CREATE INDEX tokens_by_expiry ON tokens (expires_us);
CREATE TABLE snapshots (
  name TEXT NOT NULL, size INTEGER NOT NULL, bytes BLOB NOT NULL, note TEXT NOT NULL,
  seal BLOB NOT NULL, PRIMARY KEY (name, size)
) STRICT;
CREATE TABLE cursors (
  name TEXT PRIMARY KEY, seq INTEGER NOT NULL, seal BLOB NOT NULL
) STRICT;
-- Signed heads that witnesses have cosigned: the last of each, by its key, and the last that had the quorum.
CREATE TABLE cosigned (
  name TEXT PRIMARY KEY, size INTEGER NOT NULL, at_us INTEGER NOT NULL, note TEXT NOT NULL,
  seal BLOB NOT NULL
) STRICT;

-- Views: derived from the entries, dropped and rebuilt at will.
CREATE TABLE changes (
  number INTEGER PRIMARY KEY, state TEXT NOT NULL, kind TEXT NOT NULL, services TEXT NOT NULL,
  environment TEXT NOT NULL, risk TEXT NOT NULL, title TEXT NOT NULL, opened_us INTEGER NOT NULL,
  updated_us INTEGER NOT NULL, closed_us INTEGER, outcome TEXT, waiting INTEGER NOT NULL,
  as_of INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX changes_by_state ON changes (state, number);
CREATE INDEX changes_by_environment ON changes (environment, number);
CREATE INDEX changes_by_waiting ON changes (waiting, number);
-- What rarely changes, and what is rare: cheap to keep, and lists of it stay short.
CREATE INDEX changes_by_time ON changes (opened_us, kind, environment);
CREATE INDEX changes_listed ON changes (number, state, kind, environment, risk, waiting, title);
CREATE INDEX changes_of_emergency ON changes (kind, number) WHERE kind = 'emergency';
CREATE INDEX changes_of_high_risk ON changes (risk, number) WHERE risk IN ('high', 'critical');
CREATE TABLE change_services (
  number INTEGER NOT NULL, service TEXT NOT NULL, PRIMARY KEY (number, service)
) STRICT, WITHOUT ROWID;
CREATE INDEX change_services_by_service ON change_services (service, number);
CREATE TABLE decisions (
  id TEXT NOT NULL UNIQUE, seq INTEGER PRIMARY KEY, change_number INTEGER, service TEXT NOT NULL,
  environment TEXT NOT NULL, decision TEXT NOT NULL, at_us INTEGER NOT NULL, rules TEXT NOT NULL,
  bundle TEXT NOT NULL, input_digest TEXT NOT NULL, approvals TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_by_change ON decisions (change_number, seq);
CREATE INDEX decisions_by_service ON decisions (service, seq, environment, decision);
CREATE INDEX decisions_by_environment ON decisions (environment, seq, decision);
CREATE INDEX decisions_against ON decisions (decision, seq) WHERE decision <> 'allow';
CREATE INDEX decisions_by_time ON decisions (
  at_us, decision, environment, service, change_number, approvals
);
CREATE TABLE deployments (
  number INTEGER PRIMARY KEY, change_number INTEGER, service TEXT NOT NULL,
  environment TEXT NOT NULL, state TEXT NOT NULL, started_us INTEGER, finished_us INTEGER,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX deployments_by_change ON deployments (change_number, number);
CREATE INDEX deployments_by_service ON deployments (service, number, environment, state);
CREATE INDEX deployments_by_environment ON deployments (environment, number, state);
CREATE INDEX deployments_by_state ON deployments (state, number);
CREATE INDEX deployments_by_time ON deployments (
  started_us, environment, service, state, finished_us, change_number
);
CREATE TABLE incidents (
  number INTEGER PRIMARY KEY, state TEXT NOT NULL, services TEXT NOT NULL, environment TEXT,
  change_number INTEGER, title TEXT NOT NULL, opened_us INTEGER NOT NULL, resolved_us INTEGER,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_by_state ON incidents (state, number);
CREATE INDEX incidents_by_change ON incidents (change_number, number);
CREATE INDEX incidents_open ON incidents (number) WHERE resolved_us IS NULL;
CREATE INDEX incidents_titles ON incidents (number, title);
CREATE TABLE problems (
  number INTEGER PRIMARY KEY, state TEXT NOT NULL, services TEXT NOT NULL, title TEXT NOT NULL,
  opened_us INTEGER NOT NULL, resolved_us INTEGER, body TEXT NOT NULL
) STRICT;
CREATE INDEX problems_by_state ON problems (state, number);
CREATE INDEX problems_open ON problems (number) WHERE resolved_us IS NULL;
CREATE INDEX problems_titles ON problems (number, title);
-- What an incident or a problem is about: `service/NAME`, and the incidents and changes of a problem by their numbers.
-- Words that people wrote, by the entry that holds them.
CREATE TABLE words (
  word TEXT NOT NULL, entry INTEGER NOT NULL, PRIMARY KEY (word, entry)
) STRICT, WITHOUT ROWID;
CREATE TABLE concerns (
  kind TEXT NOT NULL, number INTEGER NOT NULL, about TEXT NOT NULL,
  PRIMARY KEY (kind, number, about)
) STRICT, WITHOUT ROWID;
CREATE INDEX concerns_by_about ON concerns (kind, about, number);
CREATE TABLE items (
  kind TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT;
