#!/usr/bin/env bash
# Starts real servers for tests and the demo: an OpenLDAP and a PostgreSQL on loopback, on free
# ports, in a temporary folder. They live as long as standard input stays open: whoever started
# this script holds the other end of that pipe, so they go when it does, however it ends.
#
#   tests/support/servers.sh [ldap] [postgres]
#
# When all are ready it prints NAME=VALUE lines and `ready` (README.md lists the names). On any
# failure it says why on standard error, with the end of the server's log, and ends with status 1.
set -euo pipefail

readonly BASE_DN=dc=example,dc=org
readonly SLAPD=${SLAPD:-/usr/sbin/slapd}
readonly SERVERS_FOLDER=${SERVERS_FOLDER:-/tmp}  # where the temporary folder is made
readonly STARTUP_TRIES=300  # of 0.1 s

# What the starter holds open must not stay open through us or our servers.
for descriptor in /proc/self/fd/*; do
  descriptor=${descriptor##*/}
  if [ "$descriptor" -gt 2 ] && [ "$descriptor" -ne 255 ]; then eval "exec $descriptor>&-"; fi
done

# slapd has no business with the settings of whoever runs the tests.
unset LDAPCONF LDAPRC PGHOST PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE PGSERVICE PGSSLMODE
export LDAPNOINIT=1 LC_ALL=C.UTF-8

folder=
pids=()      # of servers, from when they are started: an interrupted start is stopped as well
as_owner=()  # runs a program as the user that owns PostgreSQL's files

say() { printf '%s\n' "$*" >&2; }

stop() {
  trap '' INT TERM HUP
  local pid turn
  for pid in "${pids[@]}"; do kill -INT "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    for ((turn = 0; turn < 100; ++turn)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  if [ -n "$folder" ]; then rm -rf "$folder"; fi
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# fail MESSAGE [LOG]
fail() {
  say "error: $1"
  if [ -n "${2:-}" ] && [ -s "${2:-}" ]; then tail -n 20 "$2" >&2; fi
  exit 1
}

need() { command -v "$1" >/dev/null || fail "$1 is not installed: ./dev setup installs it"; }

new_secret() { head -c 18 /dev/urandom | base64 | tr '+/' 'xy'; }

# A port below the range from which outgoing connections take theirs, that nobody listens on. Two
# may choose the same: the later server then fails to start, and another port is tried.
free_port() {
  local port
  while :; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if ! (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s' "$port"
      return
    fi
  done
}

# A certificate authority and a certificate for 127.0.0.1 (not for the name localhost), in $folder/pki.
make_certificates() {
  local pki="$folder/pki"
  mkdir "$pki"
  {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
      -subj "/CN=Rescind test authority" -keyout "$pki/ca.key" -out "$pki/ca.pem" &&
      openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
        -subj "/CN=Rescind test server" -keyout "$pki/server.key" -out "$pki/server.csr" &&
      openssl x509 -req -in "$pki/server.csr" -CA "$pki/ca.pem" -CAkey "$pki/ca.key" -days 30 \
        -CAcreateserial -out "$pki/server.pem" \
        -extfile <(printf 'subjectAltName=IP:127.0.0.1') &&
      # An authority that signed nothing here, for tests that must fail.
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=Somebody else" -keyout "$pki/other.key" -out "$pki/other-ca.pem"
  } >"$folder/pki.log" 2>&1 || fail "openssl could not make certificates" "$folder/pki.log"
  chmod 755 "$pki"
  chmod 644 "$pki"/*.pem
}

# Three naming contexts: with a password policy (cn=default locks, cn=soft does not), without one
# (dc=plain), and with the attributes of Active Directory (dc=ad).
write_slapd_conf() {
  local schema=/etc/ldap/schema name
  for name in core cosine inetorgperson nis dyngroup msuser; do
    [ -r "$schema/$name.schema" ] && printf 'include %s/%s.schema\n' "$schema" "$name"
  done
  cat <<CONF
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
TLSCACertificateFile $folder/pki/ca.pem
TLSCertificateFile $folder/pki/server.pem
TLSCertificateKeyFile $folder/pki/server.key
sizelimit 500
threads 4
CONF
  for name in example plain ad; do
    mkdir -p "$folder/ldap/$name"
    cat <<CONF
database mdb
suffix "dc=$name,dc=org"
rootdn "cn=admin,dc=$name,dc=org"
rootpw $1
directory $folder/ldap/$name
maxsize 67108864
dbnosync
index objectClass,uid,member,uniqueMember,memberUid eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=$name,dc=org" read by users read by * none
CONF
    if [ "$name" = example ]; then
      printf 'overlay ppolicy\nppolicy_default "cn=default,ou=policies,%s"\n' "$BASE_DN"
    fi
  done
}

# write_first_entries CONTEXT
write_first_entries() {
  local suffix="dc=$1,dc=org" unit policy
  printf 'dn: %s\nobjectClass: dcObject\nobjectClass: organization\ndc: %s\no: %s\n\n' \
    "$suffix" "$1" "$1"
  for unit in people groups services policies; do
    printf 'dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n' "$unit" "$suffix" "$unit"
  done
  if [ "$1" != example ]; then return; fi
  for policy in default:TRUE soft:FALSE; do
    cat <<LDIF
dn: cn=${policy%:*},ou=policies,$suffix
objectClass: device
objectClass: pwdPolicy
cn: ${policy%:*}
pwdAttribute: userPassword
pwdLockout: ${policy#*:}
pwdMaxFailure: 50

LDIF
  done
}

start_ldap() {
  need "$SLAPD"
  need ldapadd
  mkdir "$folder/ldap"
  local secret log="$folder/slapd.log" attempt turn
  secret="$(new_secret)"
  (umask 077 && printf '%s' "$secret" >"$folder/ldap-password")
  write_slapd_conf "$secret" >"$folder/slapd.conf"
  chmod 600 "$folder/slapd.conf"
  for ((attempt = 0; attempt < 10; ++attempt)); do
    ldap_port="$(free_port)"
    ldap_tls_port="$(free_port)"
    setpriv --pdeathsig TERM -- "$SLAPD" -d 0 -f "$folder/slapd.conf" \
      -h "ldap://127.0.0.1:$ldap_port ldaps://127.0.0.1:$ldap_tls_port" \
      </dev/null >"$log" 2>&1 &
    ldap_pid=$!
    pids+=("$ldap_pid")
    for ((turn = 0; turn < STARTUP_TRIES; ++turn)); do
      if ldapwhoami -x -H "ldap://127.0.0.1:$ldap_port" -D "cn=admin,$BASE_DN" \
        -y "$folder/ldap-password" -o nettimeout=2 >/dev/null 2>&1; then
        add_first_entries
        return
      fi
      kill -0 "$ldap_pid" 2>/dev/null || break
      sleep 0.05
    done
    kill -KILL "$ldap_pid" 2>/dev/null || true
  done
  fail "slapd did not start" "$log"
}

# One administrator for each naming context, all with the same password.
add_first_entries() {
  local name
  for name in example plain ad; do
    write_first_entries "$name" |
      ldapadd -x -H "ldap://127.0.0.1:$ldap_port" -D "cn=admin,dc=$name,dc=org" \
        -y "$folder/ldap-password" >"$folder/first.log" 2>&1 ||
      fail "the directory could not be filled" "$folder/first.log"
  done
}

tell_ldap() {
  cat <<TOLD
ldap_uri=ldap://127.0.0.1:$ldap_port
ldap_tls_uri=ldaps://127.0.0.1:$ldap_tls_port
ldap_port=$ldap_port
ldap_base_dn=$BASE_DN
ldap_admin_dn=cn=admin,$BASE_DN
ldap_password_file=$folder/ldap-password
ldap_pid=$ldap_pid
TOLD
}

postgres_bin() {
  local found
  found="$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -V | tail -n 1)"
  [ -x "$found" ] || fail "PostgreSQL is not installed: ./dev setup installs it"
  dirname "$found"
}

start_postgres() {
  local bin log="$folder/postgres.log" attempt turn data="$folder/postgres/data"
  bin="$(postgres_bin)"
  need psql
  mkdir -p "$folder/postgres"
  (umask 077 && new_secret >"$folder/postgres-password")
  cp "$folder/postgres-password" "$folder/postgres/first-password"
  cp "$folder/pki/server.pem" "$folder/pki/server.key" "$folder/postgres"
  chmod 600 "$folder/postgres/server.key"
  if [ "$(id -u)" -eq 0 ]; then
    # The server refuses to run as root.
    id postgres >/dev/null 2>&1 || fail "there is no user \`postgres\`: ./dev setup makes it"
    chown -R postgres:postgres "$folder/postgres"
    as_owner=(setpriv --reuid=postgres --regid=postgres --init-groups)
  fi
  # In a session of its own, where no signal to our group reaches it: the server that sets the
  # cluster up would end at once, and leave its shared memory in /dev/shm.
  (cd "$folder/postgres" && exec setsid "${as_owner[@]}" "$bin/initdb" --pgdata="$data" \
    --username=admin --pwfile="$folder/postgres/first-password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --no-sync --no-instructions) </dev/null >"$log" 2>&1 &
  pids+=("$!")
  wait "$!" || fail "initdb failed" "$log"
  unset 'pids[-1]'
  for ((attempt = 0; attempt < 10; ++attempt)); do
    postgres_port="$(free_port)"
    (cd "$folder/postgres" && exec "${as_owner[@]}" setpriv --pdeathsig INT -- "$bin/postgres" \
      -D "$data" -p "$postgres_port" -c listen_addresses=127.0.0.1 \
      -c unix_socket_directories="$folder/postgres" -c max_connections=60 -c shared_buffers=16MB \
      -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off \
      -c ssl=on -c ssl_cert_file="$folder/postgres/server.pem" \
      -c ssl_key_file="$folder/postgres/server.key") </dev/null >"$log" 2>&1 &
    postgres_pid=$!
    pids+=("$postgres_pid")
    for ((turn = 0; turn < STARTUP_TRIES; ++turn)); do
      if PGPASSWORD="$(<"$folder/postgres-password")" PGCONNECT_TIMEOUT=2 psql -XAtqw \
        -h 127.0.0.1 -p "$postgres_port" -U admin -d postgres -c 'select 1' >/dev/null 2>&1; then
        return
      fi
      kill -0 "$postgres_pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$postgres_pid" 2>/dev/null || true
  done
  fail "PostgreSQL did not start" "$log"
}

tell_postgres() {
  cat <<TOLD
postgres_host=127.0.0.1
postgres_port=$postgres_port
postgres_socket_folder=$folder/postgres
postgres_user=admin
postgres_password_file=$folder/postgres-password
postgres_pid=$postgres_pid
TOLD
}

main() {
  local name
  if [ "$#" -eq 0 ]; then set -- ldap postgres; fi
  for name in "$@"; do
    case $name in
      ldap | postgres) ;;
      *) fail "there is no server \"$name\": the servers are ldap and postgres" ;;
    esac
  done
  need openssl
  # Where another user may enter: PostgreSQL's owner has to.
  folder="$(mktemp -d "$SERVERS_FOLDER/rescind-servers-XXXXXX")"
  chmod 711 "$folder"
  make_certificates
  for name in "$@"; do
    "start_$name"
  done
  printf 'folder=%s\nca_file=%s\nother_ca_file=%s\n' \
    "$folder" "$folder/pki/ca.pem" "$folder/pki/other-ca.pem"
  for name in "$@"; do "tell_$name"; done
  echo ready
  # Until the other end of standard input is closed.
  while read -r _; do :; done
}

main "$@"
