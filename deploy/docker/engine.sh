#!/bin/sh
# A Docker engine where none runs, and a base image without a registry.
#
#   deploy/docker/engine.sh start   starts an engine of our own, unless one answers; prints its address
#   deploy/docker/engine.sh base    makes the image farad-base:CODENAME of this machine's Debian;
#                                   prints its name
#   deploy/docker/engine.sh stop    stops the engine that `start` started
#   deploy/docker/engine.sh running prints the address of an engine that answers already
#
# Needs Debian's docker.io, iptables and debootstrap, and root for all that does not exist yet. All is
# kept in $FARAD_DOCKER_HOME (~/.cache/farad/docker); what `base` made once is imported again.
# Status 69: not possible on this machine, for the reason on stderr.
set -eu

home="${FARAD_DOCKER_HOME:-$HOME/.cache/farad/docker}"
socket="$home/docker.sock"
pidfile="$home/docker.pid"
log="$home/dockerd.log"

# Debian has the daemon where an ordinary user does not look.
PATH="$PATH:/usr/sbin:/sbin"

impossible() {
    echo "$*" >&2
    exit 69
}

need() {
    command -v "$1" >/dev/null 2>&1 || impossible "there is no $1: apt-get install $2"
}

# The engine that an address answers for, if it does.
answers() {
    DOCKER_HOST="$1" timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# The address of an engine: the one of the environment or the system's, then our own.
address() {
    for candidate in "${DOCKER_HOST:-unix:///var/run/docker.sock}" "unix://$socket"; do
        if answers "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

# The process of our own engine, if it runs. A pid file may outlive its process, and another process
# may have got the number since.
process() {
    pid="$(cat "$pidfile" 2>/dev/null)" && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] && echo "$pid"
}

running() {
    address || impossible "no Docker engine answers"
}

start() {
    need docker docker.io
    if address; then
        return 0
    fi
    need dockerd docker.io
    need iptables iptables
    [ "$(id -u)" = 0 ] || impossible "no Docker engine answers, and only root can start one"
    mkdir -p "$home"
    # The engine must survive this script and must not hold its output open.
    setsid dockerd --host "unix://$socket" --data-root "$home/data" --exec-root "$home/exec" \
        --pidfile "$pidfile" >"$log" 2>&1 </dev/null &
    started=$!
    tries=0
    until answers "unix://$socket"; do
        tries=$((tries + 1))
        if [ "$tries" -gt 120 ] || ! kill -0 "$started" 2>/dev/null; then
            stop || true
            impossible "dockerd does not start here: $(tail -n 1 "$log") (whole log: $log)"
        fi
        sleep 0.25
    done
    echo "unix://$socket"
}

stop() {
    pid="$(process)" || return 0
    kill "$pid"
    tries=0
    while [ -d "/proc/$pid" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 120 ]; then
            echo "the engine (process $pid) does not stop; see $log" >&2
            return 1
        fi
        sleep 0.25
    done
}

# The mirror that this machine's own packages come from.
mirror() {
    apt-get indextargets --format '$(SITE) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null \
        | awk -v codename="$1" '$2 == codename && $3 == "main" { print $1; exit }'
}

# Writes a small Debian as a tar file. What an image has no use for is left out.
bootstrap() {
    codename="$1" archive="$2"
    need debootstrap debootstrap
    [ "$(id -u)" = 0 ] || impossible "only root can make a base image with debootstrap"
    site="$(mirror "$codename")"
    [ -n "$site" ] || impossible "apt knows no mirror of $codename"
    root="$(mktemp -d "$home/base.XXXXXX")"
    trap 'rm -rf "$root"' EXIT
    if ! debootstrap --variant=minbase --include=ca-certificates "$codename" "$root" "$site" >"$home/debootstrap.log" 2>&1
    then
        impossible "debootstrap failed: $(tail -n 1 "$home/debootstrap.log") (whole log: $home/debootstrap.log)"
    fi
    tar -C "$root" --numeric-owner --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' \
        --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
        --exclude='./dev/*' -cf "$archive.new" .
    mv "$archive.new" "$archive"
}

base() {
    need docker docker.io
    DOCKER_HOST="$(address)" || impossible "no Docker engine answers: $0 start"
    export DOCKER_HOST
    codename="$(. /etc/os-release && echo "${VERSION_CODENAME:-}")"
    image="farad-base:$codename"
    mkdir -p "$home"
    # Two tests may want it at a time.
    exec 9>"$home/base.lock"
    flock 9
    if ! docker image inspect "$image" >/dev/null 2>&1; then
        archive="$home/base-$codename.tar"
        [ -f "$archive" ] || bootstrap "$codename" "$archive"
        docker import --change 'CMD ["bash"]' - "$image" <"$archive" >/dev/null
    fi
    echo "$image"
}

case "${1:-}" in
    start | base | stop | running) "$1" ;;
    *)
        echo "usage: $0 start|base|stop|running" >&2
        exit 2
        ;;
esac
