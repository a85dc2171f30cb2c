#!/usr/bin/env bash
#
# Rehearses a release of what is committed: tags both modules in a copy of the repository, in the
# order of CONTRIBUTING.md, and builds and runs a program on each of Echo 4, Echo 5 and net/http
# outside of the repository, on the tags. Nothing of the copy is left, and nothing is published.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly module=github.com/echofirestore/echofirestore
readonly root_version=v0.999.0 v5_version=v5.0.0-beta.999

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT

# The modules come from the copy, all others from where they come from otherwise. They have a cache
# of their own, since a version that is cached is never asked for again.
proxy="file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)"
export GIT_CONFIG_COUNT=2
export GIT_CONFIG_KEY_0="url.file://$work/repository.insteadOf" GIT_CONFIG_VALUE_0="https://$module"
export GIT_CONFIG_KEY_1=safe.directory GIT_CONFIG_VALUE_1='*'
export GOMODCACHE="$work/modules" GOPROXY="$proxy" GOPRIVATE="$module" GOWORK=off GOFLAGS=-buildvcs=false

# quietly runs a command and shows what it says only if it fails.
quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    return 1
  }
}

commit() {
  git -C "$work/repository" -c user.name=rehearsal -c user.email=rehearsal@localhost commit -q "$@"
}

git clone -q "file://$PWD" "$work/repository" 2>/dev/null
git -C "$work/repository" tag "$root_version"
(cd "$work/repository/v5" && go mod edit -require="$module@$root_version" && quietly go mod tidy)
commit -am "build(v5): require $root_version"
git -C "$work/repository" tag "$v5_version"

# program NAME VERSION MODULES builds a program of scripts/rehearsal on modules at their versions, and
# says which packages of labstack's it compiles.
program() {
  local name=$1
  mkdir "$work/$name"
  sed '/^\/\/go:build ignore$/d' "scripts/rehearsal/$name.go" >"$work/$name/main.go"
  cd "$work/$name"
  quietly go mod init "example.com/$name"
  quietly go get "${@:2}"
  quietly go mod tidy
  go build -o program .
  printf '\n%s, on %s\n' "$name" "$(go list -m -f '{{.Path}} {{.Version}}' all | grep "^$module" | paste -sd, | sed 's/,/, /')"
  ./program
  go list -deps . | grep -E '^github.com/labstack/' | sed 's/^/  compiles /' || echo '  compiles nothing of labstack'
  cd - >/dev/null
}

# compiles NAME PATTERN and compiles_no NAME PATTERN check the packages of a program.
compiles() { (cd "$work/$1" && go list -deps . | grep "$2" >/dev/null) || fail "$1 does not compile $2"; }
compiles_no() { (cd "$work/$1" && ! go list -deps . | grep "$2") || fail "$1 compiles $2"; }
fail() {
  echo "rehearse: $1" >&2
  exit 1
}

program echo4 "$module@$root_version"
program echo5 "$module/v5@$v5_version"
program nethttp "$module@$root_version"

# The commands, as a user of the module runs them.
for command in echofirestore firestoretest; do
  (cd "$work/echo4" && quietly go run "$module/cmd/$command" -help) || fail "a program that requires the module cannot run $command"
done

compiles echo4 '^github.com/labstack/echo/v4$'
compiles_no echo4 "^github.com/labstack/echo/v5\|^$module/v5"
compiles echo5 '^github.com/labstack/echo/v5$'
compiles_no echo5 "^github.com/labstack/echo/v4\|^github.com/labstack/gommon\|^$module\$"
compiles_no nethttp '^github.com/labstack/'
