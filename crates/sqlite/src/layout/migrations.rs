//! [`MIGRATIONS`]: the SQL that makes each layout of the file of the one before.

/// What leads from each layout to the next, the first from an empty file. Part of the stored form: entries are added
/// and never changed.
pub(crate) const MIGRATIONS: &[&str] = &[
    r#"
CREATE TABLE events (
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  number INTEGER NOT NULL,
  type TEXT NOT NULL,
  data TEXT,
  at TEXT NOT NULL,
  "commit" TEXT NOT NULL,
  trace TEXT,
  cause TEXT,
  meta TEXT,
  position INTEGER NOT NULL,
  first INTEGER NOT NULL,
  PRIMARY KEY (first, number)
) WITHOUT ROWID, STRICT;

CREATE UNIQUE INDEX resources ON events (resource, id) WHERE number = 1;
CREATE UNIQUE INDEX listing ON events (resource, at, id) WHERE number = 1;
CREATE UNIQUE INDEX events_by_position ON events (position);

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN SELECT raise(ABORT, 'events are immutable'); END;
CREATE TRIGGER events_are_not_deleted BEFORE DELETE ON events
BEGIN SELECT raise(ABORT, 'events are immutable'); END;
"#,
    r#"
CREATE TABLE subscriptions (
  subscription TEXT NOT NULL,
  resource TEXT NOT NULL,
  start TEXT NOT NULL,
  started_at TEXT NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (subscription, resource)
) WITHOUT ROWID, STRICT;

CREATE TABLE progress (
  subscription TEXT NOT NULL,
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  handled INTEGER,
  position INTEGER,
  number INTEGER,
  "after" INTEGER,
  type TEXT,
  waiting INTEGER,
  error TEXT,
  attempts INTEGER,
  first_failed_at TEXT,
  last_failed_at TEXT,
  next_attempt_at TEXT,
  claimed_until TEXT,
  trace TEXT,
  PRIMARY KEY (subscription, resource, id)
) WITHOUT ROWID, STRICT;

CREATE INDEX progress_by_position ON progress (subscription, resource, position) WHERE number IS NULL;
CREATE INDEX progress_by_next_attempt ON progress (subscription, resource, next_attempt_at, id)
WHERE number IS NOT NULL;

CREATE TABLE skipped (
  subscription TEXT NOT NULL,
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  number INTEGER NOT NULL,
  type TEXT,
  error TEXT NOT NULL,
  reason TEXT NOT NULL,
  "by" TEXT NOT NULL,
  at TEXT NOT NULL,
  PRIMARY KEY (subscription, resource, id, number)
) WITHOUT ROWID, STRICT;

CREATE VIEW parked AS
SELECT subscription, resource, id, number, type, waiting, error, attempts, first_failed_at, last_failed_at,
  next_attempt_at, trace
FROM progress WHERE number IS NOT NULL;
"#,
    // Rows are kept in the order of the key whatever order the columns are declared in, and so are the indexes: no row
    // changes, and that of a store of any size takes no longer than that of an empty one.
    r#"
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = 'CREATE TABLE events (
  first INTEGER NOT NULL,
  number INTEGER NOT NULL,
  resource TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  data TEXT,
  at TEXT NOT NULL,
  "commit" TEXT NOT NULL,
  trace TEXT,
  cause TEXT,
  meta TEXT,
  position INTEGER NOT NULL,
  PRIMARY KEY (first, number)
) WITHOUT ROWID, STRICT' WHERE type = 'table' AND name = 'events';
PRAGMA writable_schema = RESET;

CREATE TRIGGER events_are_not_replaced BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE first = new.first AND number = new.number)
  OR EXISTS (SELECT 1 FROM events WHERE position = new.position)
  OR new.number = 1 AND EXISTS (
    SELECT 1 FROM events WHERE resource = new.resource AND id = new.id AND number = 1
  )
BEGIN SELECT raise(FAIL, 'events are immutable'); END;

CREATE TABLE leases (
  subscription TEXT NOT NULL,
  resource TEXT NOT NULL,
  term INTEGER NOT NULL,
  lock TEXT NOT NULL,
  process INTEGER NOT NULL,
  host TEXT NOT NULL,
  since TEXT NOT NULL,
  PRIMARY KEY (subscription, resource)
) WITHOUT ROWID, STRICT;

CREATE TABLE seal (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  store TEXT NOT NULL,
  number INTEGER NOT NULL,
  in_file INTEGER NOT NULL,
  folded INTEGER NOT NULL
) STRICT;

INSERT INTO seal VALUES (1, lower(hex(randomblob(16))), 1, 0, 1);
"#,
];
