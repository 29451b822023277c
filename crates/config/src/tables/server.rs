//! Tables of the server itself: HTTP, users, storage, log, statistics, user-defined functions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{minutes, seconds};
use crate::setting::tables;

tables! {
    /// Alert topics.
    Alert {
        /// Keep the state of topics over a restart.
        persist_topics "persist-topics": bool = true;
        /// Events that may wait for the handlers of one topic.
        topic_buffer_length "topic-buffer-length": i64 = 5000;
    }

    /// Users and their privileges.
    Auth {
        /// Keep users in the server.
        enabled "enabled": bool = false;
        /// How long a user's privileges may be remembered.
        cache_expiration "cache-expiration": Duration = minutes(10);
        /// Cost of hashing a password: 2^cost rounds of bcrypt.
        bcrypt_cost "bcrypt-cost": i64 = 10, filled;
        /// host:port of an InfluxDB Enterprise meta node that keeps the users instead.
        meta_addr "meta-addr": String = "";
        /// User name towards the meta node.
        meta_username "meta-username": String = "";
        /// Password towards the meta node.
        meta_password "meta-password": String = "", redacted;
        /// Shared secret for bearer tokens towards the meta node; user name and password are
        /// ignored when it is set.
        meta_internal_shared_secret "meta-internal-shared-secret": String = "", redacted;
        /// Speak TLS with the meta node.
        meta_use_tls "meta-use-tls": bool = false;
        /// Path of the certificate authorities, PEM.
        meta_ca "meta-ca": String = "";
        /// Path of the client certificate, PEM.
        meta_cert "meta-cert": String = "";
        /// Path of the client key, PEM.
        meta_key "meta-key": String = "";
        /// Do not verify the meta node's certificate. Insecure.
        meta_insecure_skip_verify "meta-insecure-skip-verify": bool = false;
    }

    /// The HTTP server: API and writes.
    Http {
        /// Address to listen on, host:port; an empty host means all.
        bind_address "bind-address": String = ":9092";
        /// Demand credentials.
        auth_enabled "auth-enabled": bool = false;
        /// Log each request.
        log_enabled "log-enabled": bool = true;
        /// Log the body of each write. For debugging only.
        write_tracing "write-tracing": bool = false;
        /// Let /debug/pprof be used without credentials.
        pprof_enabled "pprof-enabled": bool = false;
        /// Speak HTTPS.
        https_enabled "https-enabled": bool = false;
        /// Path of the certificate, PEM; may hold the key as well.
        https_certificate "https-certificate": String = "/etc/ssl/kapacitor.pem";
        /// Path of the key, PEM, when it is not in the certificate's file.
        https_private_key "https-private-key": String = "";
        /// How long running requests may take to finish when the server stops.
        shutdown_timeout "shutdown-timeout": Duration = seconds(10);
        /// Secret that signs bearer tokens.
        shared_secret "shared-secret": String = "", redacted;
    }

    /// Recordings.
    Replay {
        /// Directory of the recordings.
        dir "dir": String = "./replay";
    }

    /// The database file of Kapacitor.
    Storage {
        /// Path of Kapacitor's BoltDB file. Farad keeps its own data in data_dir.
        boltdb "boltdb": String = "./kapacitor.db";
    }

    /// Tasks.
    Task {
        /// Directory of the task database of Kapacitor before 1.0.
        dir "dir": String = "./tasks";
        /// How often the state of user-defined functions is saved.
        snapshot_interval "snapshot-interval": Duration = minutes(1);
    }

    /// Flux tasks.
    Fluxtask {
        /// Serve the API of Flux tasks.
        enabled "enabled": bool = false;
        /// Name of the InfluxDB that takes the history of runs; the default one when empty,
        /// no history with "none".
        task_run_influxdb "task-run-influxdb": String = "";
        /// Bucket (db/rp for InfluxDB 1.x) for the history of runs.
        task_run_bucket "task-run-bucket": String = "kapacitor_fluxtask_logs";
        /// Organization of the bucket, by name.
        task_run_org "task-run-org": String = "";
        /// Organization of the bucket, by id; only one of the two may be set.
        task_run_orgid "task-run-orgid": String = "";
        /// Measurement of the history of runs.
        task_run_measurement "task-run-measurement": String = "runs";
        /// Secrets that Flux scripts may read.
        secrets "secrets": BTreeMap<String, String> = BTreeMap::new(), redacted;
        /// Name of the InfluxDB that Flux scripts use; the default one when empty.
        default_influxdb "default-influxdb": String = "";
    }

    /// A folder of tasks, templates and handlers that are defined at start.
    Load {
        /// Read the folder at start and at SIGHUP.
        enabled "enabled": bool = false;
        /// The folder, as an absolute path, with tasks/, templates/ and handlers/.
        dir "dir": String = "./load";
    }

    /// The server's log.
    Logging {
        /// STDERR, STDOUT or the path of a file.
        file "file": String = "STDERR";
        /// DEBUG, INFO, WARN, ERROR or OFF.
        level "level": String = "DEBUG", filled;
    }

    /// Changing the configuration through the API.
    ConfigOverride {
        /// Allow it.
        enabled "enabled": bool = true;
    }

    /// TLS of the HTTP server.
    Tls {
        /// Cipher suites by their standard names; all safe ones when empty.
        ciphers "ciphers": Vec<String> = Vec::new();
        /// Lowest version to speak: tls1.2 or tls1.3.
        min_version "min-version": String = "";
        /// Highest version to speak: tls1.2 or tls1.3.
        max_version "max-version": String = "";
    }

    /// Usage reports to the vendor. Farad sends none.
    Reporting {
        /// Has no effect.
        enabled "enabled": bool = true;
        /// Has no effect.
        url "url": String = "https://usage.influxdata.com";
    }

    /// The server's own statistics, as points.
    Stats {
        /// Emit them into the stream.
        enabled "enabled": bool = true;
        /// How often.
        stats_interval "stats-interval": Duration = seconds(10);
        /// Database under which a task finds them.
        database "database": String = "_kapacitor";
        /// Retention policy under which a task finds them.
        retention_policy "retention-policy": String = "autogen";
        /// Share of the messages whose processing is timed, 0 to 1.
        timing_sample_rate "timing-sample-rate": f64 = 0.1;
        /// Timed messages that the moving average counts.
        timing_movavg_size "timing-movavg-size": i64 = 1000;
    }

    /// User-defined functions.
    Udf {
        /// The functions, by the name that TICKscripts use.
        functions "functions": BTreeMap<String, UdfFunction> = BTreeMap::new();
    }

    /// One user-defined function: a process (prog) or a socket.
    UdfFunction {
        /// How long it may stay silent before it counts as dead; more than 1ms.
        timeout "timeout": Duration = Duration::ZERO;
        /// Path of the Unix socket where it listens.
        socket "socket": String = "";
        /// Program to start.
        prog "prog": String = "";
        /// Arguments of the program.
        args "args": Vec<String> = Vec::new();
        /// Environment of the program.
        env "env": BTreeMap<String, String> = BTreeMap::new();
    }

    /// The dead man's switch on all tasks.
    Deadman {
        /// How often throughput is checked.
        interval "interval": Duration = seconds(10);
        /// Points per interval at or below which the alert goes off.
        threshold "threshold": f64 = 0.0;
        /// Id of the alert; NODE_NAME stands for the node's name.
        id "id": String = "{{ .Group }}:NODE_NAME for task '{{ .TaskName }}'";
        /// Message of the alert; INTERVAL stands for the interval.
        message "message": String = DEADMAN_MESSAGE;
        /// Put the switch on every task.
        global "global": bool = false;
    }
}

/// Scripts and handlers compare this text, so it is Kapacitor's to the letter.
const DEADMAN_MESSAGE: &str = "{{ .ID }} is {{ if eq .Level \"OK\" }}alive{{ else }}dead{{ end }}: {{ index .Fields \"emitted\" | printf \"%0.3f\" }} points/INTERVAL.";
