#!/usr/bin/env bash
# SQLite 3.54.1, as the Python package apsw 3.54.1.0 brings it; 3.40.0 does the same.
#
# Guess:     a write-ahead log whose database file is missing, or empty, is left alone or is an error: it may hold commits
#            that are nowhere else, and whoever puts the right file back beside it has them again. A connection that may
#            only read changes no file in any case.
# Behaviour: the first read removes the log, without a word, and answers as an empty database does. Where the file is there
#            but empty, a read-only connection does it, too. The file, put back, is without the commits of the log.
# Seen:      file there : log kept, read ['things'], put back: ['checkpointed', 'in the log']
#            missing    : log removed, read [], put back: ['checkpointed']
#            empty      : log removed, read [], put back: ['checkpointed']
#            read-only  : log removed, read [], put back: ['checkpointed']
#
# Needs Python 3 with venv and pip. Exits with 1 when this is no longer so.
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
python3 -m venv "$FOLDER"
"$FOLDER/bin/pip" install --quiet --disable-pip-version-check apsw==3.54.1.0
mkdir "$FOLDER/files"
cd "$FOLDER/files"
"$FOLDER/bin/python" - <<'PYTHON'
import os
import shutil
import sys

import apsw

TABLES = "SELECT name FROM sqlite_schema"
WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


def all_of(connection, query):
    return [row[0] for row in connection.cursor().execute(query)]


writer = apsw.Connection("origin")
all_of(writer, "PRAGMA journal_mode = WAL")
all_of(writer, "CREATE TABLE things (name TEXT)")
all_of(writer, "INSERT INTO things VALUES ('checkpointed')")
all_of(writer, "PRAGMA wal_checkpoint(TRUNCATE)")
all_of(writer, "INSERT INTO things VALUES ('in the log')")


def see(name, flags, whole, empty=False):
    # The two files as they are while the writer is at work, or after its end without a last checkpoint.
    shutil.copy("origin", name)
    shutil.copy("origin-wal", name + "-wal")
    if not whole:
        os.rename(name, "aside")
    if empty:
        open(name, "w").close()
    reader = apsw.Connection(name, flags)
    read = all_of(reader, TABLES)
    log = "kept" if os.path.exists(name + "-wal") else "removed"
    reader.close()
    if not whole:
        os.rename("aside", name)
    names = all_of(apsw.Connection(name), "SELECT name FROM things")
    print(f"{name:11}: log {log}, read {read}, put back: {names}")
    return log, read, names


seen = [
    see("file there", WRITE, whole=True),
    see("missing", WRITE, whole=False),
    see("empty", WRITE, whole=False, empty=True),
    see("read-only", apsw.SQLITE_OPEN_READONLY, whole=False, empty=True),
]
lost = ("removed", [], ["checkpointed"])
sys.exit(0 if seen == [("kept", ["things"], ["checkpointed", "in the log"]), lost, lost, lost] else 1)
PYTHON
