#!/usr/bin/env bash
# Interrupts the demo at several moments and insists that nothing stays behind: no process, no
# temporary folder, no shared memory.
#
#   tests/support/interrupt_demo.sh PROGRAM
#
# Each case is a demo of its own, all at once. Every process that a demo starts bears its mark, by
# which what is left of it is found, whoever its parent is by then.
set -euo pipefail

[ "$#" -eq 1 ] && [ -x "$1" ] || { echo 'usage: tests/support/interrupt_demo.sh PROGRAM' >&2; exit 64; }
readonly program="$1"
limit=60 # seconds for a demo to come to its moment, and to end

folder="$(mktemp -d /tmp/rescind-interrupt-XXXXXX)"
chmod 711 "$folder" # PostgreSQL's owner has to enter

# Every process whose environment holds the mark, which is a folder, or that works below it:
# PostgreSQL's processes write their titles over their environment.
marked() {
  local process where
  for process in /proc/[0-9]*; do
    where="$(readlink "$process/cwd" || true)"
    if [ "${where#"$1"}" != "$where" ] || grep -qzxF "DEMO_MARK=$1" "$process/environ"; then
      printf '%s\n' "${process#/proc/}"
    fi
  done 2>/dev/null
}

stop() {
  local mark pid
  for mark in "$folder"/*/; do
    for pid in $(marked "$mark"); do kill -KILL "$pid" 2>/dev/null || true; done
  done
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# wait_until COMMAND…
wait_until() {
  local turn
  for ((turn = 0; turn < limit * 20; ++turn)); do
    if "$@"; then return; fi
    sleep 0.05
  done
  return 1
}
wait_a_moment() { limit=2 wait_until "$@"; }
nothing_marked() { [ -z "$(marked "$1")" ]; }
has_said() { grep -qF -- "$1" "$2"; }
has_ended() { ! kill -0 "$1" 2>/dev/null; }
# What no process has mapped of what PostgreSQL has made there since we began.
shared_memory_left() {
  local file
  for file in /dev/shm/PostgreSQL.*; do
    if [ "$file" -nt "$folder/began" ] && ! grep -qF "$file" /proc/[0-9]*/maps; then
      printf '%s\n' "$file"
    fi
  done 2>/dev/null
}
no_shared_memory_left() { [ -z "$(shared_memory_left)" ]; }

# has_come_to MOMENT SAID MARK: a file below the servers' folder, or words that it has said.
has_come_to() {
  case $1 in
    /*) compgen -G "$3rescind-servers-*$1" >/dev/null ;;
    *) has_said "$1" "$2" ;;
  esac
}
has_come_or_ended() { has_come_to "$1" "$2" "$3" || has_ended "$4"; }

# interrupted NAME MOMENT SIGNAL STATUS: at the moment when it has come to MOMENT. A name that ends
# in `+` waits a little longer, into the middle of the step.
interrupted() {
  local name="$1" moment="$2" signal="$3" wanted="$4" mark="$folder/$1/" status=0 left demo
  local said="$folder/$name.said"
  mkdir -m 711 "$mark"
  : >"$said"
  # With job control each demo is a group of its own, as in a terminal.
  set -m
  DEMO_MARK="$mark" SERVERS_FOLDER="$mark" policies/examples/demo/run.sh "$program" >"$said" 2>&1 &
  demo=$!
  set +m
  wait_until has_come_or_ended "$moment" "$said" "$mark" "$demo" || true
  has_come_to "$moment" "$said" "$mark" ||
    { echo "$name: never came to: $moment"; tail -n 5 "$said"; return 1; }
  if [ "${name%+}" != "$name" ]; then sleep 0.7; fi
  # Ctrl-C and the end of a terminal reach the whole group, `kill` the script alone.
  if [ "$signal" = TERM ]; then kill -TERM "$demo"; else kill -s "$signal" -- "-$demo"; fi
  wait_until has_ended "$demo" || { echo "$name: did not end within $limit s"; return 1; }
  wait "$demo" || status=$?
  [ "$status" -eq "$wanted" ] || { echo "$name: ended with $status, not $wanted"; tail -n 5 "$said"; return 1; }
  # What was told to end at the same moment may still be at it, for a moment.
  if ! wait_a_moment nothing_marked "$mark"; then
    left="$(marked "$mark")"
    echo "$name: left processes behind:"
    ps -o pid,args -p "$(echo "$left" | paste -sd, -)" || true
    return 1
  fi
  left="$(ls -A "$mark")"
  if [ -n "$left" ]; then
    echo "$name: left a folder behind: $left"
    return 1
  fi
  echo "$name: nothing is left"
}

# initdb has made the cluster's files and starts a server that fills them.
readonly in_initdb=/postgres/data/postgresql.auto.conf

touch "$folder/began"
cases=()
begin() { interrupted "$@" & cases+=("$!"); }
begin start-int 'Start both servers' INT 130
begin start-term+ 'Start both servers' TERM 143
begin start-int+ 'Start both servers' INT 130
begin initdb-hup "$in_initdb" HUP 143
begin initdb-hup+ "$in_initdb" HUP 143
begin initdb-int "$in_initdb" INT 130
begin import-term 'rescind import' TERM 143
begin import-int 'rescind import facts/corp-ldap' INT 130
begin apply-term 'rescind apply' TERM 143
begin apply-int+ 'rescind apply' INT 130
failed=0
for pid in "${cases[@]}"; do wait "$pid" || failed=$((failed + 1)); done
if ! wait_a_moment no_shared_memory_left; then
  echo "error: shared memory is left behind: $(shared_memory_left | tr '\n' ' ')" >&2
  exit 1
fi
[ "$failed" -eq 0 ] || { echo "error: $failed of ${#cases[@]} interrupted demos left something behind" >&2; exit 1; }
