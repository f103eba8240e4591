#!/usr/bin/env bash
# The demo of Rescind: `./dev demo` builds the program and runs this.
#
#   policies/examples/demo/run.sh PROGRAM [--keep]
#
# Starts an OpenLDAP and a PostgreSQL of its own, fills them with a small company, and has PROGRAM
# take away what has lost its reason. Every claim that it prints was checked against the servers by
# their own tools. The first thing that is not as it should be ends it with status 1. Nothing is left
# behind, however it ends; with --keep the workspace stays for reading.
set -euo pipefail

usage() {
  echo 'usage: policies/examples/demo/run.sh PROGRAM [--keep]' >&2
  exit 64
}
[ "$#" -ge 1 ] && [ "$#" -le 2 ] && [ "${2:---keep}" = --keep ] || usage
[ -x "$1" ] || { echo "error: there is no program $1: ./dev build makes it" >&2; exit 1; }
readonly program="$(realpath "$1")" keep="${2:-}"
readonly demo="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
readonly base="$(date +%s)"
cd "$demo/../../.."
# The demo is the same on every machine.
unset "${!RESCIND_@}" PGHOST PGPORT PGUSER PGDATABASE PGPASSFILE PGSERVICE PGOPTIONS PGSSLMODE LDAPCONF LDAPRC
export LDAPNOINIT=1 LC_ALL=C.UTF-8 PGCONNECT_TIMEOUT=10

folder=
workspace=
facts=
servers_pid=
servers_input=
session_pid=
child_pid=
step_count=0

say() { printf '%s\n' "$*"; }
die() {
  printf '\nerror: %s\nThe demo stops here.\n' "$*" >&2
  exit 1
}
step() {
  step_count=$((step_count + 1))
  printf '\n--- %d. %s\n' "$step_count" "$*"
}

stop() {
  local status=$?
  trap '' INT TERM HUP
  for pid in $child_pid $session_pid; do kill "$pid" 2>/dev/null || true; done
  # The servers live as long as their standard input is open.
  if [ -n "$servers_pid" ]; then
    eval "exec ${servers_input}>&-"
    while kill -0 "$servers_pid" 2>/dev/null; do wait "$servers_pid" 2>/dev/null || true; done
  fi
  wait 2>/dev/null || true
  exit "$status"
}
trap stop EXIT
trap 'say; say "interrupted: stopping the servers"; exit 130' INT
trap 'exit 143' TERM HUP

. "$demo/company.sh"
. "$demo/export.sh"

start_servers() {
  local line ready=no
  coproc SERVERS { exec tests/support/servers.sh ldap postgres; }
  servers_pid=$SERVERS_PID
  servers_input=${SERVERS[1]}
  while read -r line <&"${SERVERS[0]}"; do
    if [ "$line" = ready ]; then
      ready=yes
      break
    fi
    declare -g "${line%%=*}=${line#*=}"
  done
  [ "$ready" = yes ] || die "the servers did not start; the reason stands above"
}

# In the background, so that an interruption is not kept waiting.
watched() {
  local status=0
  "$@" </dev/null &
  child_pid=$!
  wait "$child_pid" || status=$?
  child_pid=
  return "$status"
}

# rescind WORD…: shows the command and runs it in the workspace; the status is in $status.
rescind() {
  status=0
  printf '\n$ rescind %s\n' "$*"
  watched env -C "$workspace" setpriv --pdeathsig TERM -- timeout --foreground -k 5 60 \
    "$program" "$@" || status=$?
}
must() {
  rescind "$@"
  case $status in
    0) ;;
    64) die "this build of rescind does not know the command \`rescind $*\`" ;;
    124) die "\`rescind $*\` took more than a minute" ;;
    *) die "\`rescind $*\` failed with status $status" ;;
  esac
}

# ---- What people can do, asked of the servers themselves: 0 yes, 1 no, anything else ends the demo.

bind_as() {
  local said status=0
  said="$(ldapwhoami -x -H "$ldap_uri" -D "uid=$1,ou=people,$ldap_base_dn" \
    -y "$(password_file "$1")" 2>&1)" || status=$?
  case $status in
    0) return 0 ;;
    49) return 1 ;;  # invalid credentials, which is also what a locked account gets
    *) die "the directory answers the log-in of $1 with: $said" ;;
  esac
}

# psql_as USER [SQL]
psql_as() {
  local said
  if said="$(PGPASSWORD="$(password_of "$1")" psql -XAtqw -h "$postgres_host" -p "$postgres_port" \
    -U "$1" -d crm -c "${2:-SELECT 1}" 2>&1)"; then
    return 0
  fi
  case $said in
    *"not permitted to log in"* | *"password authentication failed"* | *"permission denied"*) return 1 ;;
    *) die "the database answers $1 with: $said" ;;
  esac
}

is_member() {
  [ -n "$(ldapsearch -x -LLL -H "$ldap_uri" -D "$ldap_admin_dn" -y "$ldap_password_file" \
    -b "cn=$2,ou=groups,$ldap_base_dn" -s base "(member=uid=$1,ou=people,$ldap_base_dn)" dn)" ]
}

session_is_open() {
  [ "$(as_database_admin -d crm \
    -c "SELECT count(*) FROM pg_stat_activity WHERE usename = '$1'")" -gt 0 ]
}

# check yes|no QUESTION COMMAND…: asks, shows the answer, and insists on it.
check() {
  local wanted="$1" question="$2" answer=no
  shift 2
  if "$@"; then answer=yes; fi
  printf '  %-3s  %s\n' "$answer" "$question"
  [ "$answer" = "$wanted" ] || die "the answer above should be \"$wanted\""
}

check_leavers() {
  check "$1" "can ben, whose contract ended yesterday, log in to the directory?" bind_as ben
  check "$1" "can ben log in to the database?" psql_as ben
  check "$1" "is ben's database session, open since before, still there?" session_is_open ben
  check "$1" "can dmitri, who has left, log in to the directory?" bind_as dmitri
  check "$1" "can dmitri log in to the database?" psql_as dmitri
  check "$1" "can intern2019, whom nobody owns, log in to the directory?" bind_as intern2019
  check "$1" "can etl_old, whom nobody owns, log in to the database?" psql_as etl_old
}

check_lost_grants() {
  check "$1" "can ann, who moved to sales, read finance's ledger?" \
    psql_as ann 'SELECT * FROM finance.ledger'
  check "$1" "can ann read finance's invoices?" psql_as ann 'SELECT * FROM finance.invoices'
  check "$1" "is ann in the directory's group finance?" is_member ann finance
  check "$1" "is eve in the group reports, unused for 200 days?" is_member eve reports
}

check_kept() {
  local id rest
  check yes "can ann read sales' customers, as her new job needs?" \
    psql_as ann 'SELECT * FROM sales.customers'
  check yes "is ann in the groups sales and vpn?" eval 'is_member ann sales && is_member ann vpn'
  check yes "is eve in the group vpn, which she uses?" is_member eve vpn
  check yes "can breakglass, which is protected, log in to both?" \
    eval 'bind_as breakglass && psql_as breakglass'
  for id in $(rows people.psv | awk -F '|' '$1 != "ben" && $1 != "dmitri" { print $1 }'); do
    bind_as "$id" || die "$id should be able to log in to the directory"
  done
  check yes "can everybody else log in to the directory?" true
  check yes "can ivan read the ledger, and hana the customers?" \
    eval 'psql_as ivan "SELECT * FROM finance.ledger" && psql_as hana "SELECT * FROM sales.customers"'
}

open_session() {
  PGPASSWORD="$(password_of ben)" psql -XAtqw -h "$postgres_host" -p "$postgres_port" -U ben -d crm \
    -c 'SELECT pg_sleep(600)' </dev/null >/dev/null 2>&1 &
  session_pid=$!
  local turn
  for ((turn = 0; turn < 100; ++turn)); do
    if session_is_open ben; then return; fi
    sleep 0.05
  done
  die "ben's database session did not open"
}

# Both servers, read as they are now.
read_servers() {
  export_directory >"$facts/corp-ldap.ndjson" || die "the directory could not be read"
  export_database >"$facts/all-of-crm-db" || die "the database could not be read"
  grep -v '^{"entity" : "session"' "$facts/all-of-crm-db" >"$facts/crm-db.ndjson" || true
  # One empty line says that there is none.
  grep '^{"entity" : "session"' "$facts/all-of-crm-db" >"$facts/crm-sessions.ndjson" ||
    echo >"$facts/crm-sessions.ndjson"
  rm "$facts/all-of-crm-db"
  say "  facts/corp-ldap.ndjson  $(wc -l <"$facts/corp-ldap.ndjson") facts, as the directory has them now"
  say "  facts/crm-db.ndjson     $(wc -l <"$facts/crm-db.ndjson") facts, as the database has them now"
  say "  facts/crm-sessions.ndjson $(grep -c session "$facts/crm-sessions.ndjson") logged in there now"
}
import_servers() {
  must import facts/corp-ldap.ndjson --source corp-ldap --snapshot
  must import facts/crm-db.ndjson --source crm-db --snapshot
  must import facts/crm-sessions.ndjson --entity session --source crm-sessions --snapshot
}

plan_id_of() { sed -n 's/.*"plan_id": *"\([^"]*\)".*/\1/p' "$1" | head -n 1; }

main() {
  say "Rescind takes access away when the reason for it is gone. This demo shows it on a company of"
  say "a dozen people with a real directory (OpenLDAP) and a real database (PostgreSQL)."

  step "Start both servers, in a temporary folder, and fill them with the company"
  start_servers
  # Below the servers' own folder, which goes with them even if this script is killed.
  if [ -n "$keep" ]; then folder="$(mktemp -d /tmp/rescind-demo-XXXXXX)"; else folder="$folder/demo"; fi
  workspace="$folder/company"
  facts="$workspace/facts"
  mkdir -m 700 -p "$folder"
  mkdir "$workspace" "$facts"
  must init
  make_passwords
  (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' 'xy' | tr -d '\n' >"$workspace/secrets/crm-db")
  write_workspace_file
  fill_directory || die "the directory could not be filled"
  fill_database || die "the database could not be filled"
  open_session
  say "  the directory listens at $ldap_uri, the database at $postgres_host:$postgres_port"

  step "What people can do now: too much"
  check_leavers yes
  check_lost_grants yes
  check_kept

  step "The rules that should change that"
  say "  (in policies/examples/demo/policies; a person can read them, and \`check\` proves them sound)"
  sed -n '/^policy contract_ended/,/^}/p' "$workspace/policies/leavers.rescind" | sed 's/^/  | /'
  must check

  step "Read the facts: HR as CSV, then both servers"
  hr_csv before >"$facts/hr-30-days-ago.csv"
  hr_csv today >"$facts/hr-10-days-ago.csv"
  hr_csv today >"$facts/hr-today.csv"
  systems_ndjson >"$facts/systems.ndjson"
  read_servers
  say "  HR's older files are loaded as of their day, so that Rescind knows when ann moved."
  must import facts/hr-30-days-ago.csv --entity identity --source hr --snapshot \
    --at "$(instant_ago 30)"
  must import facts/hr-10-days-ago.csv --entity identity --source hr --snapshot \
    --at "$(instant_ago 10)"
  must import facts/hr-today.csv --entity identity --source hr --snapshot
  must import facts/systems.ndjson --source inventory
  import_servers

  step "The plan: what would be taken away, from whom, and why. Nothing happens yet"
  must plan --out plan.json
  check_leavers yes >/dev/null

  step "Apply exactly that plan; a person confirms it by its id"
  local plan_id
  plan_id="$(plan_id_of "$workspace/plan.json")"
  [ -n "$plan_id" ] || die "the plan has no id"
  must apply plan.json --confirm "$plan_id"

  step "What people can do now, asked of the servers themselves"
  check_leavers no
  check_lost_grants no
  check_kept
  if kill -0 "$session_pid" 2>/dev/null; then sleep 0.5; fi
  if kill -0 "$session_pid" 2>/dev/null; then die "the program of ben's session still runs"; fi
  session_pid=

  step "Read both servers again and plan again: nothing is left to do"
  read_servers
  import_servers
  rescind plan --detailed-exitcode
  case $status in
    0) say "  nothing left to do (exit status 0)" ;;
    2) die "the second plan still wants to change something" ;;
    *) die "\`rescind plan\` failed with status $status" ;;
  esac

  step "The evidence: export the audit log and check it with nothing but the public key"
  must audit export audit
  (cd "$workspace" && "$program" audit key) >"$workspace/audit-key.pub" || die "there is no audit key"
  must audit verify audit --key audit-key.pub

  summary
}

summary() {
  cat <<SUMMARY

--- Summary, after $SECONDS seconds

  ben         contract ended yesterday      both accounts disabled, open session ended
  dmitri      left the company              both accounts disabled
  ann         moved to sales                finance's access gone, sales' access and VPN still work
  eve         had not used one group        that membership gone, the rest still works
  intern2019  nobody owns it                disabled
  etl_old     nobody owns it                disabled
  breakglass  nobody owns it, protected     untouched
  the others  every reason still holds      untouched

  Every line was tried on the servers, before and after. The same rules run again and find nothing
  left to do. Each step is in an audit log that anybody can check with its public key.

  Next: read policies/examples/demo/policies, then make a workspace of your own: rescind init
SUMMARY
  if [ -n "$keep" ]; then say "  Kept for reading: $workspace"; fi
}

main
