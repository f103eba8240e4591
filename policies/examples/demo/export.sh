# Reads both servers and writes what is there as NDJSON, one fact a line. Read by run.sh.
#
# Neither server knows when and why somebody was given something, nor when it was last used: that
# comes from access.psv, as it would from a ticket system and from access logs.

export_directory() {
  {
    rows access.psv | while IFS='|' read -r system username entitlement granted source used; do
      [ "$system" = corp-ldap ] || continue
      printf 'access: %s/%s %s %s %s\n' "$username" "$entitlement" "$(instant_ago "$granted")" \
        "$source" "${used:+$(instant_ago "$used")}"
    done
    echo
    ldapsearch -x -LLL -o ldif-wrap=no -H "$ldap_uri" -D "$ldap_admin_dn" -y "$ldap_password_file" \
      -b "ou=people,$ldap_base_dn" '(objectClass=inetOrgPerson)' \
      uid employeeNumber description pwdAccountLockedTime
    ldapsearch -x -LLL -o ldif-wrap=no -H "$ldap_uri" -D "$ldap_admin_dn" -y "$ldap_password_file" \
      -b "ou=groups,$ldap_base_dn" '(objectClass=groupOfNames)' cn member
  } | awk -v now="$(instant_ago 0)" '
    function text(name, value) { return ",\"" name "\":\"" value "\"" }
    function flush(    id, i, key, a) {
      if (uid != "") {
        id = "corp-ldap/" uid
        printf "{\"entity\":\"account\",\"id\":\"%s\"%s%s%s%s%s%s}\n", id, text("system", "corp-ldap"),
          text("username", uid), text("status", locked ? "disabled" : "active"),
          ",\"privileged\":" (glass ? "true" : "false"),
          owner == "" ? ",\"owner\":null" : text("owner", owner),
          glass ? ",\"tags\":[\"break-glass\"]" : ""
      }
      if (cn != "") {
        printf "{\"entity\":\"entitlement\",\"id\":\"corp-ldap/%s\"%s%s}\n", cn,
          text("system", "corp-ldap"), text("name", cn)
        for (i = 1; i <= members; ++i) {
          key = member[i] "/" cn
          split(key in access ? access[key] : now " direct", a, " ")
          printf "{\"entity\":\"grant\",\"id\":\"corp-ldap/%s\"%s%s%s%s%s}\n", key,
            text("account", "corp-ldap/" member[i]), text("entitlement", "corp-ldap/" cn),
            text("granted_at", a[1]), text("source", a[2]), a[3] == "" ? "" : text("last_used", a[3])
        }
      }
      uid = cn = owner = ""; locked = glass = members = 0
    }
    # A value in base64, or one that JSON would need to escape, is not of this company.
    /::/ || (/[\\"]/ && $1 != "#") { print "unexpected: " $0 >"/dev/stderr"; exit 1 }
    $1 == "access:" { access[$2] = $3 " " $4 " " $5 }
    $1 == "uid:" { uid = $2 }
    $1 == "cn:" { cn = $2 }
    $1 == "employeeNumber:" { owner = $2 }
    $1 == "description:" { glass = $2 == "break-glass" }
    $1 == "pwdAccountLockedTime:" { locked = 1 }
    $1 == "member:" && /uid=/ { sub(/^uid=/, "", $2); sub(/,.*/, "", $2); member[++members] = $2 }
    $0 == "" { flush() }
    END { flush() }'
}

export_database() {
  {
    cat <<'SQL'
SET TimeZone = 'UTC';
CREATE TEMP TABLE access (system text, username text, entitlement text, granted int, source text,
                          used int);
\copy access FROM pstdin WITH (FORMAT csv, DELIMITER '|')
SQL
    rows access.psv
    printf '\\.\n'
    cat <<'SQL'
CREATE FUNCTION pg_temp.at(seconds double precision) RETURNS text LANGUAGE sql
  RETURN to_char(to_timestamp(seconds), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
CREATE TEMP VIEW account AS
  SELECT oid, rolname::text AS name, rolcanlogin, rolsuper,
         coalesce(shobj_description(oid, 'pg_authid'), '') AS remark
  FROM pg_roles WHERE rolname NOT LIKE 'pg\_%' AND rolname NOT IN ('admin', 'rescind')
                  AND coalesce(shobj_description(oid, 'pg_authid'), '') <> 'entitlement';
CREATE TEMP VIEW given AS
  SELECT a.name AS username, g.rolname::text AS entitlement
  FROM pg_auth_members m JOIN account a ON a.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
  UNION
  SELECT a.name, format('table:%s.%s:%s', n.nspname, c.relname, e.privilege_type)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) e
       JOIN account a ON a.oid = e.grantee
  WHERE n.nspname IN ('sales', 'finance');
SELECT json_strip_nulls(json_build_object('entity', 'account', 'id', 'crm-db/' || name,
  'system', 'crm-db', 'username', name, 'privileged', rolsuper,
  'status', CASE WHEN rolcanlogin THEN 'active' ELSE 'disabled' END,
  'owner', substring(remark FROM '^owner (.*)$'),
  'tags', CASE WHEN remark = 'break-glass' THEN '["break-glass"]'::json END)) FROM account;
SELECT json_build_object('entity', 'entitlement', 'id', 'crm-db/' || name, 'system', 'crm-db',
  'name', name) FROM (SELECT entitlement AS name FROM access WHERE system = 'crm-db'
                      UNION SELECT entitlement FROM given) AS known;
SELECT json_strip_nulls(json_build_object('entity', 'grant',
  'id', format('crm-db/%s/%s', username, entitlement), 'account', 'crm-db/' || username,
  'entitlement', 'crm-db/' || entitlement,
  'granted_at', pg_temp.at(:base - 86400.0 * coalesce(a.granted, 0)),
  'source', coalesce(a.source, 'direct'), 'last_used', pg_temp.at(:base - 86400.0 * a.used)))
FROM given LEFT JOIN (SELECT * FROM access WHERE system = 'crm-db') AS a
     USING (username, entitlement);
SELECT json_build_object('entity', 'session',
  'id', format('crm-db/%s/%s@%s', a.name, s.pid,
               to_char(s.backend_start, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
  'account', 'crm-db/' || a.name,
  'started_at', to_char(s.backend_start, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  'origin', host(s.client_addr))
FROM pg_stat_activity s JOIN account a ON a.oid = s.usesysid;
SQL
  } | as_database_admin -d crm -v base="$base"
}
