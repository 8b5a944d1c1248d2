#!/bin/sh
# Submits a run of quern: ./submit takes the flags of `quern run`; SPARK_FLAGS has those of spark-submit.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC2086 # several flags
exec "${SPARK_HOME:+$SPARK_HOME/bin/}spark-submit" --name quern ${SPARK_FLAGS:-} --files "$here/quern" "$here/driver.py" start run --engine spark --attached "$@"
