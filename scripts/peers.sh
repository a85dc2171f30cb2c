#!/usr/bin/env bash
#
# Runs the integration tests of the official Go client, which Google runs on the service, on
# firestoretest and on the official emulator, and prints how they differ:
#
#   scripts/peers.sh LEAST
#
# Fails if fewer than LEAST of the tests that pass on the emulator pass on firestoretest.
#
# Those that pass on the emulator alone need what package firestoretest does not offer: listeners, vector
# search, reads of the past.
#
# The tests come from the module cache, in the version that go.mod names, and run in a copy outside
# of the repository. The copy is changed in one place: the tests insist on credentials, of which an
# emulator has no need.
set -euo pipefail

least=${1:?usage: peers.sh LEAST}
root=$(cd "$(dirname "$0")/.." && pwd)
parent=TestIntegration_DefaultDB
tmp=$(mktemp -d)
server=''

stop() {
  [[ -z $server ]] || kill "$server" 2>/dev/null || :
  rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
  echo "peers: $1" >&2
  exit 1
}

# run_one DIRECTORY TEST runs one test on the Firestore at FIRESTORE_EMULATOR_HOST, and appends
# its name and PASS, FAIL or SKIP to the results in the directory. Each is a process of its own, with
# a project of its own: one that hangs or panics does not end the others.
run_one() {
  local log=$1/$2.log result=FAIL project
  project=peers-$(tr '[:upper:]_' '[:lower:]-' <<<"$2")
  GCLOUD_TESTS_GOLANG_FIRESTORE_PROJECT_ID=$project "$tmp/client.test" \
    -test.run "^$parent\$/^$2\$" -test.v -test.timeout 30s >"$log" 2>&1 || :
  if grep -q "^    --- PASS: $parent/$2 " "$log"; then result=PASS; fi
  if grep -q "^    --- SKIP: $parent/$2 " "$log"; then result=SKIP; fi
  printf '%s %s\n' "$2" "$result" >>"$1/results"
}

run_all() {
  mkdir "$1"
  xargs -P 8 -I TEST bash -euo pipefail -c 'run_one "$0" TEST' "$1" <"$tmp/tests"
  sort -o "$1/results" "$1/results"
}

export tmp parent
export -f run_one run_all

cd "$root"
go mod download cloud.google.com/go/firestore
version=$(go list -m -f '{{.Version}}' cloud.google.com/go/firestore)
go build -o "$tmp/server" ./cmd/firestoretest
cp -R "$(go list -m -f '{{.Dir}}' cloud.google.com/go/firestore)" "$tmp/client"
chmod -R u+w "$tmp/client"

cd "$tmp/client"
sed -i.original \
  -e '/ts := testutil.TokenSourceEnv(/,/^	}$/d' \
  -e 's/append(ti.CallOptions(), option.WithTokenSource(ts))/ti.CallOptions()/' integration_test.go
grep -q 'copts := ti.CallOptions()' integration_test.go && ! grep -q TokenSourceEnv integration_test.go ||
  fail "the tests of version $version ask for credentials in another place; adapt this script"
go test -c -o "$tmp/client.test" .
sed -n "/^func $parent(/,/^}/s/.*t\.Run(\"\([^\"]*\)\".*/\1/p" integration_test.go >"$tmp/tests"
[[ -s $tmp/tests ]] || fail "version $version has no tests in $parent; adapt this script"

mkfifo "$tmp/address"
# Some tests expect that two commits take place in different milliseconds.
"$tmp/server" -port 0 -delay 1ms >"$tmp/address" &
server=$!
read -r address <"$tmp/address" || fail 'firestoretest did not start'
(eval "$address" && run_all "$tmp/firestoretest")
"$root/scripts/with-emulator.sh" bash -euo pipefail -c 'run_all "$tmp/emulator"'

join "$tmp/firestoretest/results" "$tmp/emulator/results" >"$tmp/results"
echo "The integration tests of cloud.google.com/go/firestore $version:"
echo
awk '
  BEGIN { format = "%-40s %-15s %s\n"; printf format, "test", "firestoretest", "emulator" }
  { printf format, $1, $2, $3 }
' "$tmp/results"

while read -r test here there; do
  [[ $here != "$there" ]] || continue
  printf '\n%s: %s on firestoretest, %s on the emulator\n' "$test" "$here" "$there"
  log=$tmp/firestoretest/$test.log
  [[ $here == FAIL ]] || log=$tmp/emulator/$test.log
  grep -E '^ +[a-z_]+\.go:[0-9]+: |^panic: ' "$log" | cut -c -300 | tail -2
done <"$tmp/results"

both=$(grep -c ' PASS PASS$' "$tmp/results" || :)
emulator=$(grep -c ' PASS$' "$tmp/results" || :)
echo
echo "$both of the $emulator tests that pass on the emulator pass on firestoretest; at least $least must."
((both >= least))
