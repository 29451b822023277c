#!/bin/sh
# Loads a fresh kapacitord with each workload of loadbench.py and of workloads.py, and prints what each cost.
# usage: load.sh LOADBENCH KAPACITORD [workload...]
set -eu
loadbench=$1
kapacitord=$2
shift 2
[ $# -gt 0 ] || set -- none alert window eval join union changedetect deadman storm tasks100 tasks1000 card
port=${PORT:-19392}
runs=${RUNS:-3}
for workload in "$@"; do
    points=${POINTS:-2000000}
    [ "$workload" = tasks100 ] && points=${POINTS:-1000000}
    [ "$workload" = tasks1000 ] && points=${POINTS:-200000}
    [ "$workload" = storm ] && points=${POINTS:-200000}
    [ "$workload" = card ] && points=${POINTS:-400000}
    hosts=1000
    [ "$workload" = deadman ] && hosts=10000
    run=0
    while [ "$run" -lt "$runs" ]; do
        run=$((run + 1))
        dir=$(mktemp -d)
        cat > "$dir/kapacitor.conf" <<CONF
data_dir = "$dir/data"
[http]
bind-address = "127.0.0.1:$port"
log-enabled = false
[logging]
file = "$dir/log"
level = "ERROR"
[[influxdb]]
enabled = false
CONF
        "$kapacitord" -config "$dir/kapacitor.conf" &
        pid=$!
        waited=0
        until [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/kapacitor/v1/ping")" = 204 ]; do
            waited=$((waited + 1))
            if [ "$waited" -gt 200 ]; then
                echo "kapacitord does not answer; its log:" >&2
                cat "$dir/log" >&2
                kill "$pid"
                exit 1
            fi
            sleep 0.05
        done
        empty=$(awk '/^VmHWM/ {print $2}' "/proc/$pid/status")
        python3 "$(dirname "$0")/workloads.py" "$loadbench" --hosts "$hosts" --url "http://127.0.0.1:$port" --pid "$pid" --workload "$workload" --points "$points" \
            ${BATCH:+--batch "$BATCH"} | sed "s/}\$/, \"empty_rss_mb\": $((empty / 1024))}/"
        kill "$pid"
        wait "$pid" || true
        rm -rf "$dir"
    done
done
