#!/usr/bin/env bash
# AWS SAM CLI 1.148.0.
#
# Guess:     `sam deploy --parameter-overrides Name=` sets a parameter to the empty text, as `aws cloudformation deploy`
#            takes it; if not, the long form `ParameterKey=Name,ParameterValue=` does.
# Behaviour: the short form is refused. The long form is taken, without a word, for a parameter called `ParameterKey` with
#            the value `Name,ParameterValue=`: the parameter that was meant keeps its previous value. Only quotes that reach
#            SAM say it: Name='""' in a shell.
# Seen:      Name= : BadParameter; ParameterKey=Name,ParameterValue= : {'ParameterKey': 'Name,ParameterValue='};
#            Name="" : {'Name': ''}
#
# Needs Python 3 with venv and pip. Exits with 1 when this is no longer so.
set -euo pipefail
FOLDER=$(mktemp -d)
trap 'rm -rf "$FOLDER"' EXIT
python3 -m venv "$FOLDER"
"$FOLDER/bin/pip" install --quiet --disable-pip-version-check aws-sam-cli==1.148.0
SAM_CLI_TELEMETRY=0 "$FOLDER/bin/python" - <<'PYTHON'
import sys

from click import BadParameter
from samcli.cli.types import CfnParameterOverridesType


def read(override):
    try:
        return CfnParameterOverridesType().convert((override,), None, None)
    except BadParameter:
        return "BadParameter"


seen = {override: read(override) for override in ["Name=", "ParameterKey=Name,ParameterValue=", 'Name=""']}
for override, value in seen.items():
    print(override, ":", value)
expected = ["BadParameter", {"ParameterKey": "Name,ParameterValue="}, {"Name": ""}]
sys.exit(0 if list(seen.values()) == expected else 1)
PYTHON
