#!/usr/bin/env bash
# SQLite 3.50.4 and 3.54.1, as the Python package apsw brings them: a checkpoint that runs out of room.
#
# Guess:     a checkpoint that fails for want of room leaves the file as it was at the checkpoint before: without its log it
#            is an older database, and a whole one. Read without its log (immutable=1), as a check of a backup does, it is
#            "ok".
# Behaviour: a checkpoint writes pages in the order of their numbers, and makes the file longer with the last ones. The first
#            page, which says how many there are, is written before there is no room. Without its log the file is "malformed"
#            from the first statement on, though all tables that were there before are in it, page by page. With the log
#            nothing is missing. `PRAGMA writable_schema = ON` has SQLite go by the length of the file instead, and reads them.
# Seen:      checkpoint: disk I/O error (or: database or disk is full)
#            through the log: 400 rows
#            without it: database disk image is malformed
#            without it, by writable_schema: 1 row of the table from before
#
# Room runs out by a limit on the size of files. Needs Python 3.11 with venv and pip, on Linux. Exits with 1 when this is no
# longer so.
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
python3 -m venv "$FOLDER/venv"
for VERSION in 3.50.4 3.54.1; do
  "$FOLDER/venv/bin/pip" install --quiet --disable-pip-version-check "apsw==$VERSION.0"
  mkdir "$FOLDER/$VERSION"
  "$FOLDER/venv/bin/python" - "$VERSION" "$FOLDER/$VERSION/t.db" <<'PYTHON'
import resource
import signal
import sys

import apsw

version, path = sys.argv[1:]
assert apsw.sqlitelibversion() == version
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
base = apsw.Connection(path)


def one(connection, sql):
    return next(connection.execute(sql))[0]


base.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0")
base.execute("CREATE TABLE before (a); INSERT INTO before VALUES (1); PRAGMA wal_checkpoint")
base.execute("CREATE TABLE later (a)")
for _ in range(400):
    base.execute("INSERT INTO later VALUES (zeroblob(2000))")
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (16 << 10, limits[1]))
try:
    base.execute("PRAGMA wal_checkpoint").fetchall()
    checkpoint = "no error"
except apsw.Error as error:
    checkpoint = str(error)
through = one(base, "SELECT count(*) FROM later")


def alone(sql):
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"file:{path}?immutable=1", flags=flags)
    try:
        return one(connection, sql)
    except apsw.Error as error:
        return str(error)


def by_length():
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection(f"file:{path}?immutable=1", flags=flags)
    connection.execute("PRAGMA writable_schema = ON")
    return one(connection, "SELECT count(*) FROM before")


without, tolerant = alone("SELECT count(*) FROM before"), by_length()
print(version, "checkpoint:", checkpoint)
print(version, "through the log:", through, "rows")
print(version, "without it:", without)
print(version, "without it, by writable_schema:", tolerant, "row of the table from before")
as_described = checkpoint != "no error" and through == 400 and "malformed" in str(without) and tolerant == 1
sys.exit(0 if as_described else 1)
PYTHON
done
