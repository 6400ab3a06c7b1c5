#!/usr/bin/env bash
# SQLite 3.40.0 and 3.40.1, as the Python package apsw brings them; 3.39.4 and 3.41.0 are without it. Debian 12 has 3.40.1.
#
# Guess:     what PRAGMA integrity_check reports is wrong with the file: "NULL value in" a NOT NULL column of a row that
#            has a value there means that the row is damaged.
# Behaviour: these versions report it of sound rows. It takes a WITHOUT ROWID table whose last column is in its key. Such
#            a table keeps the key first, whatever the order of its columns; the columns that are kept after the last one
#            are reported when they are NOT NULL. A column that is not in the key, put last, avoids it. So does the key
#            put first, in the order of the columns. PRAGMA quick_check reports the same, and more: see the second table.
# Seen:      of one row without any NULL, from 3.40.0
#            key (b) of (a, b)       integrity_check: NULL value in t.a; quick_check: NULL value in t.a
#            key (b, a) of (a, b)    integrity_check: ok; quick_check: NULL value in t.a
#            key (a, c) of (a, b, c) integrity_check: NULL value in t.b; quick_check: NULL value in t.b
#            key (b) of (a, b, c)    integrity_check: ok; quick_check: ok
#            key (a, b) of (a, b)    integrity_check: ok; quick_check: ok
#            The same from 3.40.1; nothing but "ok" from 3.39.4 and 3.41.0.
#
# Needs Python 3.11 with venv and pip. Exits with 1 when this is no longer so.
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
python3 -m venv "$FOLDER"
for VERSION in 3.39.4 3.40.0 3.40.1 3.41.0; do
  "$FOLDER/bin/pip" install --quiet --disable-pip-version-check "apsw==$VERSION.0"
  "$FOLDER/bin/python" - "$VERSION" <<'PYTHON'
import sys

import apsw

version = sys.argv[1]
assert apsw.sqlitelibversion() == version
# Columns, key, and the columns of which each check reports what is not so.
tables = [
    (["a", "b"], ["b"], "a", "a"),
    (["a", "b"], ["b", "a"], "", "a"),
    (["a", "b", "c"], ["a", "c"], "b", "b"),
    (["a", "b", "c"], ["b"], "", ""),
    (["a", "b"], ["a", "b"], "", ""),
]
as_described = True
for columns, key, *reported in tables:
    cursor = apsw.Connection(":memory:").cursor()
    definitions = ", ".join(f"{column} NOT NULL" for column in columns)
    cursor.execute(f"CREATE TABLE t ({definitions}, PRIMARY KEY ({', '.join(key)})) WITHOUT ROWID")
    cursor.execute(f"INSERT INTO t VALUES ({', '.join('123'[: len(columns)])})")
    found = {}
    for check, column in zip(["integrity_check", "quick_check"], reported):
        found[check] = ", ".join(row[0] for row in cursor.execute(f"PRAGMA {check}"))
        faulty = column and version in ["3.40.0", "3.40.1"]
        as_described &= found[check] == (f"NULL value in t.{column}" if faulty else "ok")
    table = f"key ({', '.join(key)}) of ({', '.join(columns)})"
    print(version, f"{table:23}", "; ".join(f"{check}: {text}" for check, text in found.items()))
sys.exit(0 if as_described else 1)
PYTHON
done
