#!/bin/sh
# Starts the command of the container as the user kapacitor.
#
#   arguments that begin with a dash   are kapacitord's
#   KAPACITOR_HOSTNAME                 the container's name, unless it is set
#   KAPACITOR_AS_ROOT=true             stay root; so does a container that was not started as root
set -eu

case "${1:-}" in
    -*) set -- kapacitord "$@" ;;
esac

: "${KAPACITOR_HOSTNAME:=${HOSTNAME:-$(cat /proc/sys/kernel/hostname)}}"
export KAPACITOR_HOSTNAME

if [ "$(id -u)" -ne 0 ] || [ "${KAPACITOR_AS_ROOT:-}" = true ]; then
    exec "$@"
fi

as_kapacitor="setpriv --reuid=kapacitor --regid=kapacitor --init-groups"
data="${KAPACITOR_DATA_DIR:-/var/lib/kapacitor}"
# A folder of the host belongs to whoever made it. To change its owner is not for us to do.
if [ "${1:-}" = kapacitord ] && [ -d "$data" ] && ! $as_kapacitor test -w "$data"; then
    echo "The user kapacitor (1000:1000) cannot write to $data: change its owner (chown -R 1000:1000 on the host), or set KAPACITOR_AS_ROOT=true." >&2
fi

# Root's home is closed to the user kapacitor, who looks for a configuration at home first.
export HOME=/var/lib/kapacitor
exec $as_kapacitor "$@"
