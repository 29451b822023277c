#!/bin/bash
# Healthy is a member that answers a ping. Whether it can take writes is another question
# (GET /health): a member must not be killed because its peers are gone.
#
# The address is the port of KAPACITOR_HTTP_BIND_ADDRESS; KAPACITOR_URL when that is set.
set -eu

bind="${KAPACITOR_HTTP_BIND_ADDRESS:-:9092}"
url="${KAPACITOR_URL:-http://localhost:${bind##*:}}"
case "$url" in
    http://*) ;;
    # Nothing here speaks TLS: that the port is open must do.
    *) port_only=yes ;;
esac
address="${url#*://}"
address="${address%%/*}"
address="${address##*@}"
host="${address%:*}"
port="${address##*:}"
[ "$port" != "$address" ] || port=9092

exec 3<>"/dev/tcp/$host/$port"
[ -z "${port_only:-}" ] || exit 0
printf 'GET /kapacitor/v1/ping HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$address" >&3
read -r -t 4 _ status _ <&3
echo "ping: ${status:-no answer}"
[ "${status:-}" = 204 ] || [ "${status:-}" = 200 ]
