#!/usr/bin/env bash
#
# Runs every fuzz target of the module, one after the other, for FUZZTIME each: a duration
# (default 30s) or a number of inputs (10000x). What a run finds goes to testdata/fuzz/.
set -euo pipefail

targets=$(go test -list '^Fuzz' ./... |
  awk '/^Fuzz/ { targets[n++] = $1 } $1 == "ok" { while (n) print $2, targets[--n] }')
if [[ -z $targets ]]; then
  echo 'fuzz: no fuzz targets found' >&2
  exit 1
fi

while read -r package target; do
  echo "--- $target ($package)"
  go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-30s}" "$package" </dev/null
done <<<"$targets"
