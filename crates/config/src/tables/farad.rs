//! Tables that Kapacitor does not have: the engine's durability and limits, the cluster.

use std::time::Duration;

use super::{minutes, seconds};
use crate::scalars::choice;
use crate::setting::tables;
use crate::size::Size;

choice! {
    /// When an entry of the log must be on the disk.
    Sync, "\"interval\" or \"always\"" {
        /// At most `sync-interval` after the write was acknowledged. A dead process loses
        /// nothing; a machine without power loses at most the interval.
        Interval "interval",
        /// Before the write is acknowledged.
        Always "always",
    }
}

tables! {
    /// The member's engine: durability, queues and limits.
    Farad {
        /// When a write is forced to the disk: "interval" (at most sync-interval after the
        /// acknowledgement) or "always" (before it).
        sync "sync": Sync = Sync::Interval, own;
        /// Longest time that an acknowledged write is only in the system's cache.
        sync_interval "sync-interval": Duration = seconds(1), own, filled;
        /// How often the state of the tasks is saved; a restart replays what came after.
        checkpoint_interval "checkpoint-interval": Duration = seconds(10), own, filled;
        /// Largest body of a request after decompression; larger ones are refused with 413.
        /// 0 for no limit.
        max_body_bytes "max-body-bytes": Size = Size(1 << 30), own;
        /// Bytes of points that may wait before a shard; a full queue slows its writers.
        queue_bytes_max "queue-bytes-max": Size = Size(16 << 20), own, filled;
        /// How long the tasks remember a group after its last point; 0s for ever, as Kapacitor does. A
        /// script can say otherwise for its task: from().groupTTL(1h).
        group_ttl "group-ttl": Duration = seconds(0), own;
        /// Memory of the server above which the groups that have been idle longest are forgotten, which
        /// the log then says; 0 for no limit.
        group_memory_max "group-memory-max": Size = Size(0), own;
        /// How long a write may wait for a full queue before it is refused with 503.
        write_timeout "write-timeout": Duration = seconds(30), own, filled;
        /// Bytes of log on the disk above which a checkpoint is made at once, so that the log
        /// can be cut; 0 for no such limit.
        log_bytes_max "log-bytes-max": Size = Size(4 << 30), own;
    }

    /// The cluster this member belongs to.
    Cluster {
        /// Join other members.
        enabled "enabled": bool = false, own;
        /// Address for finding members, UDP.
        bind_address "bind-address": String = ":9090", own, filled;
        /// The same address as other members reach it; hostname and the port when empty.
        advertise_address "advertise-address": String = "", own;
        /// Members to ask first, as host:port; one DNS name may stand for many.
        peers "peers": Vec<String> = Vec::new(), own, commas;
        /// Members that must see each other before a new cluster starts; 0 never starts one, and waits
        /// until this member is added to one.
        bootstrap_expect "bootstrap-expect": i64 = 1, own, filled;
        /// Secret that all members share; packets between them are encrypted with it.
        shared_secret "shared-secret": String = "", own, redacted;
        /// Shards, fixed when the data directory is made. 0 takes what it has; for a new one 6 in a
        /// cluster, and twice the cores of this machine, 4 to 16, for a member alone.
        shards "shards": i64 = 0, own;
        /// Members that keep each shard.
        replication_factor "replication-factor": i64 = 3, own, filled;
        /// How long a member may be down before its shards get replicas elsewhere.
        replace_after "replace-after": Duration = minutes(5), own, filled;
        /// What this member does; everything when empty.
        roles "roles": Vec<String> = Vec::new(), own, commas;
    }

    /// Traffic between members.
    Rpc {
        /// Address to listen on, TCP.
        bind_address "bind-address": String = ":9091", own, filled;
        /// The same address as other members reach it; hostname and the port when empty.
        advertise_address "advertise-address": String = "", own;
        /// Speak mutual TLS; needs the three paths below.
        tls_enabled "tls-enabled": bool = false, own;
        /// Path of the certificate authorities that sign members' certificates, PEM.
        ssl_ca "ssl-ca": String = "", own;
        /// Path of this member's certificate, PEM.
        ssl_cert "ssl-cert": String = "", own;
        /// Path of this member's key, PEM.
        ssl_key "ssl-key": String = "", own;
    }
}
