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
