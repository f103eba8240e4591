#!/bin/sh
# A program for the exec executor, as the owner of a workspace would write one. Its system is a
# folder: account X is on while the file on-X is there. A test puts fault-OPERATION there to make
# it go wrong. Each request is appended to the file `requests`.
request=$(cat)
operation=$(printf '%s' "$request" | sed 's/.*"operation":"\([a-z]*\)".*/\1/')
id=$(printf '%s' "$request" | sed 's/.*"id":"\([^"]*\)".*/\1/')
printf '%s\n' "$request" >>requests

reply() { printf '{"format":"rescind.exec/1",%s}' "$1"; }

if [ -e "on-$id" ]; then on=true wanted=false; else on=false wanted=true; fi
if [ -e "fault-$operation" ]; then . "./fault-$operation"; fi

case $operation in
  observe) reply "\"exists\":true,\"in_wanted_state\":$wanted,\"preimage\":{\"on\":$on}" ;;
  apply)
    rm -f "on-$id"
    reply '"outcome":"applied","detail":"removed"'
    ;;
  undo)
    : >"on-$id"
    reply '"outcome":"applied"'
    ;;
  verify)
    if $on; then
      reply '"outcome":"still_effective","via":"the file"'
    else
      reply '"outcome":"verified","evidence":"the file is gone"'
    fi
    ;;
esac
