# The company of the demo: fills both servers and makes HR's files. Read by run.sh, which has set
# where the servers are ($ldap_uri, $postgres_port, …), $demo (this folder), $base (now, in seconds)
# and $workspace.

# The lines of a table of this folder, without its heading.
rows() { grep -v '^#' "$demo/$1"; }

# The date or instant so many days after now.
day_in() { date -u -d "@$((base + $1 * 86400))" +%F; }
instant_ago() { date -u -d "@$((base - $1 * 86400))" +%FT%TZ; }

# One password a person for both servers. Rescind gets them too, as the passwords of test accounts:
# it tries the log-in before it calls an account closed.
make_passwords() {
  local id
  mkdir -p "$workspace/secrets/probes"
  for id in $(rows people.psv | cut -d '|' -f 1) intern2019 etl_old breakglass; do
    printf '%s' "$(head -c 12 /dev/urandom | base64 | tr '+/' 'xy')" \
      >"$workspace/secrets/probes/$id"
  done
  chmod 600 "$workspace"/secrets/probes/*
}
password_file() { printf '%s' "$workspace/secrets/probes/$1"; }
password_of() { cat "$workspace/secrets/probes/$1"; }

# hr_csv before|today: what HR's system exports, a line a person.
hr_csv() {
  local id name kind status before today job manager ends accounts
  echo id,name,kind,status,department,job,manager,contract_end
  rows people.psv | while IFS='|' read -r id name kind status before today job manager ends accounts; do
    if [ "$1" = before ]; then
      today=$before
      status=active
    fi
    if [ -n "$ends" ]; then ends="$(day_in "$ends")"; fi
    printf '%s,%s,%s,%s,%s,%s,%s,%s\n' \
      "$id" "$name" "$kind" "$status" "$today" "$job" "$manager" "$ends"
  done
}

# ldif_person UID NAME [ATTRIBUTE: VALUE]
ldif_person() {
  printf 'dn: uid=%s,ou=people,%s\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\n' \
    "$1" "$ldap_base_dn" "$1" "$2" "${2##* }"
  printf 'userPassword: %s\n%s\n\n' "$(password_of "$1")" "${3:-description: no owner}"
}

directory_ldif() {
  local id name rest group username
  rows people.psv | while IFS='|' read -r id name rest; do
    ldif_person "$id" "$name" "employeeNumber: $id"
  done
  ldif_person intern2019 "Intern 2019"
  ldif_person breakglass "Break Glass" "description: break-glass"
  for group in $(rows access.psv | awk -F '|' '$1 == "corp-ldap" { print $3 }' | sort -u); do
    printf 'dn: cn=%s,ou=groups,%s\nobjectClass: groupOfNames\ncn: %s\n' \
      "$group" "$ldap_base_dn" "$group"
    for username in $(rows access.psv |
      awk -F '|' -v group="$group" '$1 == "corp-ldap" && $3 == group { print $2 }'); do
      printf 'member: uid=%s,ou=people,%s\n' "$username" "$ldap_base_dn"
    done
    echo
  done
}

fill_directory() {
  directory_ldif | ldapadd -x -H "$ldap_uri" -D "$ldap_admin_dn" -y "$ldap_password_file" >/dev/null
}

database_sql() {
  local id rest entitlement username accounts
  cat <<'SQL'
CREATE SCHEMA sales;
CREATE SCHEMA finance;
CREATE TABLE sales.customers (name text);
CREATE TABLE finance.ledger (entry text);
CREATE TABLE finance.invoices (number int);
CREATE ROLE crm_readers NOLOGIN;
CREATE ROLE ledger_readers NOLOGIN;
COMMENT ON ROLE crm_readers IS 'entitlement';
COMMENT ON ROLE ledger_readers IS 'entitlement';
GRANT USAGE ON SCHEMA sales, finance TO PUBLIC;
GRANT SELECT ON sales.customers TO crm_readers;
GRANT SELECT ON finance.ledger TO ledger_readers;
SQL
  printf "CREATE ROLE rescind SUPERUSER LOGIN PASSWORD '%s';\n" "$(cat "$workspace/secrets/crm-db")"
  for id in $(rows people.psv | awk -F '|' '$10 ~ /postgres/ { print $1 }') etl_old breakglass; do
    printf "CREATE ROLE \"%s\" LOGIN PASSWORD '%s';\n" "$id" "$(password_of "$id")"
    case $id in
      etl_old) echo "COMMENT ON ROLE etl_old IS 'no owner';" ;;
      breakglass) echo "ALTER ROLE breakglass SUPERUSER; COMMENT ON ROLE breakglass IS 'break-glass';" ;;
      *) printf "COMMENT ON ROLE \"%s\" IS 'owner %s';\n" "$id" "$id" ;;
    esac
  done
  rows access.psv | while IFS='|' read -r id username entitlement rest; do
    [ "$id" = crm-db ] || continue
    case $entitlement in
      table:finance.invoices:SELECT) printf 'GRANT SELECT ON finance.invoices TO "%s";\n' "$username" ;;
      *) printf 'GRANT "%s" TO "%s";\n' "$entitlement" "$username" ;;
    esac
  done
}

as_database_admin() {
  PGPASSWORD="$(<"$postgres_password_file")" psql -XAtq -v ON_ERROR_STOP=1 \
    -h "$postgres_host" -p "$postgres_port" -U "$postgres_user" "$@"
}

fill_database() {
  as_database_admin -d postgres -c 'CREATE DATABASE crm'
  database_sql | as_database_admin -d crm
}

systems_ndjson() {
  cat <<'NDJSON'
{"entity":"system","id":"corp-ldap","name":"Company directory","criticality":"high"}
{"entity":"system","id":"crm-db","name":"CRM database","criticality":"high"}
NDJSON
}

write_workspace_file() {
  local text name
  text="$(<"$demo/rescind.toml")"
  for name in ldap_uri ldap_admin_dn ldap_password_file ldap_base_dn postgres_host postgres_port \
    ca_file; do
    text="${text//@$name@/${!name}}"
  done
  printf '%s\n' "$text" >"$workspace/rescind.toml"
  # Instead of the policy that `rescind init` begins with.
  rm -f "$workspace"/policies/*.rescind
  cp "$demo"/policies/*.rescind "$workspace/policies/"
}
