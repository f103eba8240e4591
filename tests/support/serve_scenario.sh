#!/usr/bin/env bash
# `rescind serve` as its users have it: with the real program, real signals and real time.
#
#   tests/support/serve_scenario.sh PROGRAM
#
# A leaver's access goes without anybody typing a command; the server is stopped, started, killed
# while a client waits, and started again; nothing is done twice.
set -euo pipefail

[ "$#" -eq 1 ] && [ -x "$1" ] || { echo 'usage: tests/support/serve_scenario.sh PROGRAM' >&2; exit 64; }
program="$(realpath "$1")"
badge="$(realpath tests/unit/runtime/executors/badge_program.sh)"
readonly program badge
unset "${!RESCIND_@}"

folder="$(mktemp -d /tmp/rescind-serve-XXXXXX)"
server=
stop() {
  if [ -n "$server" ]; then kill -KILL "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
  printf 'serve_scenario: %s\n' "$*" >&2
  sed 's/^/  serve: /' "$folder/serve.log" >&2 || true
  exit 1
}
# until_true WHAT COMMAND…: within twenty seconds.
until_true() {
  local what="$1"
  shift
  for _ in $(seq 200); do
    if "$@" 2>/dev/null; then return 0; fi
    sleep 0.1
  done
  fail "it never came to this: $what"
}
gone() { [ ! -e "$1" ]; }
# Without a server the command would hold the store itself, so that none could begin.
begun() { [ "$(grep -c ' info serving ' serve.log)" -eq "$1" ]; }
starts=0
start() {
  "$program" serve >>serve.out 2>>serve.log &
  server=$!
  starts=$((starts + 1))
  until_true 'it serves' begun "$starts"
  "$program" status | grep -q '^served by' || fail 'a command is not run by the server'
}
hire() {
  : >"on-$1-vpn"
  printf '%s\n' \
    '{"entity":"account","id":"'"$1"'","system":"corp","username":"'"$1"'","status":"active","privileged":false}' \
    '{"entity":"grant","id":"'"$1"'-vpn","account":"'"$1"'","entitlement":"vpn","granted_at":"2026-01-01T00:00:00Z","source":"request"}' |
    "$program" import - --format ndjson --source directory 2>>import.log
}
# How often the system was asked to take that access away.
takings() { grep '"operation":"apply"' requests | grep -c '"id":"'"$1"'-vpn"' || true; }

cd "$folder"
"$program" init . >/dev/null 2>&1
rm policies/starter.rescind
cp "$badge" program && chmod 700 program
cat >rescind.toml <<'TOML'
[workspace]
timezone = "UTC"
oncall = "oncall"
[limits]
per_policy = 1000
[channel.oncall]
kind = "command"
command = ["/bin/true"]
[target.corp]
executor = "exec"
command = ["./program"]
can = ["revoke grant"]
TOML
cat >policies/access.rescind <<'POLICY'
policy stale "Unused access goes" {
  controls iso_27001 "A.5.18"
  mode enforce
  for g in grant
  when g.granted_at older than 90d
  then { revoke g }
}
POLICY

# What the policy is to do is confirmed once, by a person, through the server.
start
printf '%s\n' '{"entity":"system","id":"corp"}' \
  '{"entity":"entitlement","id":"vpn","system":"corp","name":"vpn"}' >system.ndjson
"$program" import system.ndjson --source directory 2>>import.log
hire ann
[ -e on-ann-vpn ] || fail 'a policy that nobody has confirmed has removed something'
"$program" plan --out p.json >plan.out 2>&1
id="$(grep -o 'sha256:[0-9a-f]*' plan.out | tail -1)"
"$program" apply p.json --confirm "$id" >apply.out 2>&1 || fail "apply: $(cat apply.out)"
gone on-ann-vpn || fail 'what was confirmed was not carried out'

# From then on nobody types anything.
hire bob
until_true 'the access of bob is gone' gone on-bob-vpn

# Only one serves; what nobody reads keeps nobody else waiting.
status=0
"$program" serve >second.out 2>&1 || status=$?
[ "$status" -eq 1 ] && grep -q "locked by process $server" second.out || fail "a second one: $(cat second.out)"
"$program" plan -o json | sleep 2 &
"$program" exempt list >/dev/null 2>&1 || fail 'a client waits for another that does not read'
wait "$!" || true

# Told to end, it does so with 0, and leaves no socket.
kill -TERM "$server"
status=0
wait "$server" || status=$?
[ "$status" -eq 0 ] || fail "it ended with $status"
gone data/command.sock || fail 'the socket stays'
"$program" status | grep -q '^served by' && fail 'status names a server that has ended'
hire eve
[ -e on-eve-vpn ] || fail 'something was removed although nobody serves'
start
until_true 'what was imported meanwhile is carried out' gone on-eve-vpn

# Killed when the access has just gone, before that is recorded, while a client waits.
printf 'rm -f "on-$id"; touch begun; sleep 5\n' >fault-apply
hire kim
until_true 'the removal has begun' test -e begun
"$program" status >client.out 2>&1 &
client=$!
sleep 0.5
kill -KILL "$server"
status=0
wait "$client" || status=$?
[ "$status" -eq 1 ] && grep -q 'ended before the command was done' client.out ||
  fail "the client ended with $status: $(cat client.out)"
wait "$server" 2>/dev/null || true
[ -S data/command.sock ] || fail 'the killed one leaves its socket, which the next one takes over'
"$program" facts show grant kim-vpn >/dev/null || fail 'without a server the command does it itself'
rm fault-apply
start
finished() { "$program" status | grep -q '4 verified'; }
until_true 'what was begun is finished' finished

for who in ann bob eve; do
  [ "$(takings "$who")" -eq 1 ] || fail "$who: taken away $(takings "$who") times"
done
[ "$(takings kim)" -eq 1 ] || fail "kim: taken away $(takings kim) times"
kill -TERM "$server"
wait "$server" || fail 'it did not end well'
server=
"$program" audit export out >/dev/null 2>&1
"$program" audit verify out --key "$("$program" audit key)" >verify.out 2>&1 || fail "$(cat verify.out)"
printf 'served: %s removals, none twice\n' "$(grep -c '"operation":"apply"' requests)"
