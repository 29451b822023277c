//! Tables of the inputs beside HTTP: graphite, collectd, OpenTSDB, UDP.

use std::time::Duration;

use super::seconds;
use crate::setting::tables;

tables! {
    /// One Graphite input.
    Graphite {
        /// Listen.
        enabled "enabled": bool = false;
        /// Address to listen on.
        bind_address "bind-address": String = ":2003", filled;
        /// Database of its points.
        database "database": String = "graphite", filled;
        /// Retention policy of its points.
        retention_policy "retention-policy": String = "";
        /// tcp or udp.
        protocol "protocol": String = "tcp", filled;
        /// Points in one batch.
        batch_size "batch-size": i64 = 5000, filled;
        /// Batches that may wait.
        batch_pending "batch-pending": i64 = 10, filled;
        /// How long an incomplete batch waits.
        batch_timeout "batch-timeout": Duration = seconds(1), filled;
        /// Has no effect.
        consistency_level "consistency-level": String = "one", filled;
        /// Templates that turn a metric's name into measurement, tags and field.
        templates "templates": Vec<String> = Vec::new();
        /// Tags of every point, as key=value.
        tags "tags": Vec<String> = Vec::new();
        /// Text between the parts that a template joins.
        separator "separator": String = ".", filled;
        /// Bytes of the system's receive buffer; its own default when 0.
        udp_read_buffer "udp-read-buffer": i64 = 0;
    }

    /// The collectd input.
    Collectd {
        /// Listen.
        enabled "enabled": bool = false;
        /// Address to listen on (UDP).
        bind_address "bind-address": String = ":25826", filled;
        /// Database of its points.
        database "database": String = "collectd", filled;
        /// Retention policy of its points.
        retention_policy "retention-policy": String = "";
        /// Points in one batch.
        batch_size "batch-size": i64 = 5000, filled;
        /// Batches that may wait.
        batch_pending "batch-pending": i64 = 10, filled;
        /// How long an incomplete batch waits.
        batch_timeout "batch-timeout": Duration = seconds(10), filled;
        /// Bytes of the system's receive buffer; its own default when 0.
        read_buffer "read-buffer": i64 = 0;
        /// File or folder of collectd's type descriptions.
        typesdb "typesdb": String = "/usr/share/collectd/types.db", filled;
        /// none, sign or encrypt.
        security_level "security-level": String = "none", filled;
        /// Path of the file with users and passwords.
        auth_file "auth-file": String = "/etc/collectd/auth_file", filled;
        /// What becomes of a value with several parts: split or join.
        parse_multivalue_plugin "parse-multivalue-plugin": String = "split", filled;
    }

    /// The OpenTSDB input.
    Opentsdb {
        /// Listen.
        enabled "enabled": bool = false;
        /// Address to listen on, telnet and HTTP.
        bind_address "bind-address": String = ":4242", filled;
        /// Database of its points.
        database "database": String = "opentsdb", filled;
        /// Retention policy of its points.
        retention_policy "retention-policy": String = "";
        /// Has no effect.
        consistency_level "consistency-level": String = "one", filled;
        /// Speak TLS.
        tls_enabled "tls-enabled": bool = false;
        /// Path of certificate and key, PEM.
        certificate "certificate": String = "/etc/ssl/influxdb.pem";
        /// Points in one batch.
        batch_size "batch-size": i64 = 1000, filled;
        /// Batches that may wait.
        batch_pending "batch-pending": i64 = 5, filled;
        /// How long an incomplete batch waits.
        batch_timeout "batch-timeout": Duration = seconds(1), filled;
        /// Log each line that cannot be read.
        log_point_errors "log-point-errors": bool = true;
    }

    /// One input for line protocol in UDP datagrams.
    Udp {
        /// Listen.
        enabled "enabled": bool = false;
        /// Address to listen on.
        bind_address "bind-address": String = "";
        /// Bytes of the system's receive buffer; its own default when 0.
        read_buffer "read-buffer": i64 = 0;
        /// Datagrams that may wait.
        buffer "buffer": i64 = 1000, filled;
        /// Database of its points.
        database "database": String = "";
        /// Retention policy of its points.
        retention_policy "retention-policy": String = "";
    }
}
