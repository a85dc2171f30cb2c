#!/usr/bin/env bash
#
# Runs a command on the official Firestore emulator:
#
#   scripts/with-emulator.sh go test ./...
#
# The command finds it in FIRESTORE_EMULATOR_HOST. The emulator lives as long as the command,
# whichever way that ends, and the exit status is the command's.
set -euo pipefail

startup_seconds=120

fail() {
  echo "with-emulator: $1" >&2
  exit 1
}

# A process group of its own: gcloud starts Python, which starts a shell, which starts Java.
in_group() {
  set -m
  "$@" &
  set +m
}

# Below the range from which systems hand out ports to outgoing connections.
free_port() {
  local port
  while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
  echo "$port"
}

answers() (
  exec 3<>"/dev/tcp/127.0.0.1/$port" &&
    printf 'GET / HTTP/1.0\r\n\r\n' >&3 &&
    read -rt 2 status <&3 &&
    [[ $status == *' 200 '* ]]
) 2>/dev/null

emulator='' command='' log=$(mktemp)

stop() {
  trap '' INT TERM HUP
  [[ -z $command ]] || kill -TERM -- "-$command" 2>/dev/null || :
  # Its data lives in memory: there is nothing to save.
  [[ -z $emulator ]] || kill -KILL -- "-$emulator" 2>/dev/null || :
  rm -f "$log"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[[ $# -gt 0 ]] || fail 'usage: with-emulator.sh COMMAND [ARGUMENT]...'
command -v gcloud >/dev/null || fail 'gcloud is not installed'

port=$(free_port)
CLOUDSDK_CORE_DISABLE_PROMPTS=1 in_group \
  gcloud emulators firestore start --host-port="127.0.0.1:$port" </dev/null >"$log" 2>&1
emulator=$!
disown "$emulator"

until answers; do
  if ! kill -0 "$emulator" 2>/dev/null || ((SECONDS > startup_seconds)); then
    cat "$log" >&2
    fail 'the Firestore emulator did not start'
  fi
  sleep 0.2
done

export FIRESTORE_EMULATOR_HOST=127.0.0.1:$port
in_group "$@"
command=$!
wait "$command" && status=0 || status=$?
command=''
exit "$status"
