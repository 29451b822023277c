#!/bin/sh
# Loads fresh clusters of several sizes with workloads of loadbench.py, and prints what each member
# spent per point. Size 0 is one member with clustering off. All points are written to the first member.
# usage: load_cluster.sh LOADBENCH KAPACITORD [workload...]
# SIZES="0 1 3" BATCH=5000 POINTS=2000000 RUNS=3 SHARDS=12 REPLICAS=3 set what is done.
set -eu
loadbench=$1
kapacitord=$2
shift 2
[ $# -gt 0 ] || set -- window
port=${PORT:-19392}
points=${POINTS:-2000000}
batch=${BATCH:-5000}
ticks=$(getconf CLK_TCK)

# user + system time of a process, in ticks
spent() { sed 's/.*) //' "/proc/$1/stat" | awk '{print $12 + $13}'; }

start() { # number of members, folder
    peers=$(seq 1 "$1" | sed "s/.*/127.0.0.&:$((port + 1))/" | paste -sd,)
    clustered=true
    members=$1
    [ "$1" -gt 0 ] || { clustered=false members=1; }
    pids=
    for member in $(seq 1 "$members"); do
        KAPACITOR_HOSTNAME="m$member" KAPACITOR_DATA_DIR="$2/$member" \
            KAPACITOR_HTTP_BIND_ADDRESS="127.0.0.$member:$port" KAPACITOR_HTTP_LOG_ENABLED=false \
            KAPACITOR_LOGGING_LEVEL=ERROR KAPACITOR_LOGGING_FILE="$2/log$member" \
            KAPACITOR_CLUSTER_ENABLED=$clustered KAPACITOR_CLUSTER_PEERS="$peers" \
            KAPACITOR_CLUSTER_BIND_ADDRESS="127.0.0.$member:$((port + 1))" \
            KAPACITOR_RPC_BIND_ADDRESS="127.0.0.$member:$((port + 2))" \
            KAPACITOR_CLUSTER_BOOTSTRAP_EXPECT="$members" KAPACITOR_CLUSTER_SHARED_SECRET=of-a-benchmark \
            KAPACITOR_CLUSTER_SHARDS="${SHARDS:-12}" KAPACITOR_CLUSTER_REPLICATION_FACTOR="${REPLICAS:-3}" \
            "$kapacitord" -config /dev/null &
        pids="$pids $!"
    done
    waited=0
    url="http://127.0.0.1:$port/kapacitor/v1"
    until settled; do
        waited=$((waited + 1))
        [ "$waited" -lt 300 ] || { echo "the cluster does not come up; logs are in $2" >&2; exit 1; }
        sleep 0.2
    done
    sleep 5 # leaders go to where they belong once they have led for three seconds
}

# All members are there, each shard has all its replicas and the leader that is wanted.
settled() {
    status=$(curl -s -m 5 "$url/cluster") || return 1
    [ "$clustered" = true ] || return 0
    printf '%s' "$status" | python3 -c '
import json, sys
status, members = json.load(sys.stdin), int(sys.argv[1])
replicas = min(members, status["replication-factor"])
alive = [m for m in status["members"] if m["status"] == "alive"]
good = lambda s: len(s["group"]["voters"]) == replicas and s["group"]["leader"] == s["preferred-leader"]
sys.exit(not (len(alive) == members and status["shards"] and all(map(good, status["shards"]))))' "$members"
}

for workload in "$@"; do
    for size in ${SIZES:-0 1 3}; do
        run=0
        while [ "$run" -lt "${RUNS:-3}" ]; do
            run=$((run + 1))
            dir=$(mktemp -d)
            start "$size" "$dir"
            first=$(echo $pids | cut -d' ' -f1)
            before=$(for pid in $pids; do spent "$pid"; done)
            result=$(python3 "$loadbench" --url "http://127.0.0.1:$port" --pid "$first" --workload "$workload" \
                --points "$points" --batch "$batch")
            after=$(for pid in $pids; do spent "$pid"; done)
            printf '%s\n%s\n' "$before" "$after" | awk -v points="$points" -v ticks="$ticks" -v members="$members" \
                -v head="$workload size $size batch $batch" '
                NR <= members { before[NR] = $1; next }
                { us = ($1 - before[NR - members]) / ticks / points * 1e6; sum += us; each = each sprintf(" %.2f", us) }
                END { printf "%s: us/point %.2f, by member%s; ", head, sum, each }'
            printf '%s' "$result" | python3 -c '
import json, sys
r = json.load(sys.stdin)
print(r["points_per_s"], "points/s", r["collected"], "collected", *r["errors"])'
            kill $pids
            wait $pids 2>/dev/null || true
            rm -rf "$dir"
        done
    done
done
