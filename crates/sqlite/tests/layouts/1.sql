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
