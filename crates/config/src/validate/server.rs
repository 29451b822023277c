//! Checks of the server's own tables, the inputs and the cluster.

use std::path::Path;
use std::time::Duration;

use super::Checks;
use super::addresses::{bind, peer, url};
use crate::tables::{Config, Influxdb};

/// Levels of the log; WARN and OFF are Kapacitor's old names.
const LEVELS: [&str; 5] = ["DEBUG", "INFO", "WARN", "ERROR", "OFF"];

/// TLS versions by Kapacitor's names.
const TLS_VERSIONS: [&str; 9] = ["", "TLS1.0", "1.0", "TLS1.1", "1.1", "TLS1.2", "1.2", "TLS1.3", "1.3"];

/// Most shards a cluster may have: each is a Raft group.
const SHARDS_MAX: i64 = 4096;

pub(super) fn check(config: &Config, checks: &mut Checks) {
    checks.filled("hostname", &config.hostname);
    checks.filled("data_dir", &config.data_dir);
    checks.filled("replay.dir", &config.replay.dir);
    checks.filled("storage.boltdb", &config.storage.boltdb);
    let cost = config.auth.bcrypt_cost;
    checks.require(
        !config.auth.enabled || (4..=31).contains(&cost),
        "auth.bcrypt-cost",
        format!("must be from 4 to 31, got {cost}"),
    );
    checks.accept("http.bind-address", bind(&config.http.bind_address));
    checks.require(
        config.alert.topic_buffer_length >= 0,
        "alert.topic-buffer-length",
        "must not be negative",
    );
    checks.one_of("logging.level", &config.logging.level, &LEVELS);
    checks.filled("logging.file", &config.logging.file);
    checks.one_of("tls.min-version", &config.tls.min_version, &TLS_VERSIONS);
    checks.one_of("tls.max-version", &config.tls.max_version, &TLS_VERSIONS);
    let orgs = !config.fluxtask.task_run_org.is_empty() && !config.fluxtask.task_run_orgid.is_empty();
    checks.require(
        !(config.fluxtask.enabled && orgs),
        "fluxtask",
        "only one of task-run-org and task-run-orgid should be set",
    );
    let absolute = Path::new(&config.load.dir).is_absolute();
    checks.require(!config.load.enabled || absolute, "load.dir", "must be an absolute path");
    influxdb(&config.influxdb, checks);
    inputs(config, checks);
    statistics(config, checks);
    functions(config, checks);
    cluster(config, checks);
}

fn influxdb(clusters: &[Influxdb], checks: &mut Checks) {
    checks.distinct("influxdb", "name", clusters.iter().map(|cluster| cluster.name.as_str()));
    let enabled = clusters.iter().filter(|cluster| cluster.enabled);
    let defaults: Vec<&str> = enabled.clone().filter(|c| c.default).map(|c| c.name.as_str()).collect();
    checks.require(
        defaults.len() <= 1,
        "influxdb",
        format!("more than one default: {}", defaults.join(", ")),
    );
    let undecided = enabled.count() > 1 && defaults.is_empty();
    checks.require(!undecided, "influxdb", "one of the enabled clusters must be marked as default");
    for (index, cluster) in clusters.iter().enumerate() {
        let key = |name: &str| format!("influxdb[{index}].{name}");
        let named =
            cluster.name.chars().all(|c| c.is_alphabetic() || c.is_ascii_digit() || "-._".contains(c));
        checks.filled(&key("name"), &cluster.name);
        checks.require(named, &key("name"), "may hold only letters, digits, '.', '-' and '_'");
        checks.require(!cluster.urls.is_empty(), &key("urls"), "must hold at least one URL");
        for address in &cluster.urls {
            checks.accept(&key("urls"), url(address));
        }
        let pair = cluster.ssl_cert.is_empty() == cluster.ssl_key.is_empty();
        checks.require(pair, &key("ssl-cert"), "certificate and key must be given together");
        checks.one_of(
            &key("subscription-protocol"),
            &cluster.subscription_protocol,
            &["http", "https", "udp"],
        );
        checks.one_of(&key("compression"), &cluster.compression, &["gzip", "none"]);
        checks.require((0..=65_535).contains(&cluster.http_port), &key("http-port"), "must be a port, or 0");
        checks.require(cluster.udp_buffer >= 0, &key("udp-buffer"), "must not be negative");
    }
}

fn inputs(config: &Config, checks: &mut Checks) {
    for (index, input) in config.graphite.iter().enumerate().filter(|(_, input)| input.enabled) {
        checks.accept(&format!("graphite[{index}].bind-address"), bind(&input.bind_address));
        checks.one_of(&format!("graphite[{index}].protocol"), &input.protocol, &["tcp", "udp"]);
    }
    if config.collectd.enabled {
        checks.accept("collectd.bind-address", bind(&config.collectd.bind_address));
        checks.one_of(
            "collectd.security-level",
            &config.collectd.security_level,
            &["none", "sign", "encrypt"],
        );
    }
    if config.opentsdb.enabled {
        checks.accept("opentsdb.bind-address", bind(&config.opentsdb.bind_address));
    }
    for (index, input) in config.udp.iter().enumerate().filter(|(_, input)| input.enabled) {
        checks.accept(&format!("udp[{index}].bind-address"), bind(&input.bind_address));
    }
}

fn statistics(config: &Config, checks: &mut Checks) {
    let stats = &config.stats;
    let timed = !stats.enabled || stats.stats_interval > Duration::ZERO;
    checks.require(timed, "stats.stats-interval", "must be more than 0");
    let share = (0.0..=1.0).contains(&stats.timing_sample_rate);
    checks.require(share, "stats.timing-sample-rate", "must be from 0 to 1");
    let deadman = !config.deadman.global || config.deadman.interval > Duration::ZERO;
    checks.require(deadman, "deadman.interval", "must be more than 0");
}

fn functions(config: &Config, checks: &mut Checks) {
    for (name, function) in &config.udf.functions {
        let key = format!("udf.functions.{name}");
        checks.require(
            function.timeout > Duration::from_millis(1),
            &key,
            "timeout must be more than 1ms, such as \"10s\"",
        );
        let process = !function.prog.is_empty() || !function.args.is_empty() || !function.env.is_empty();
        let both = !function.socket.is_empty() && process;
        checks.require(!both, &key, "both socket and process are configured; keep one");
        let neither = function.socket.is_empty() && function.prog.is_empty();
        checks.require(!neither, &key, "must set either prog or socket");
    }
}

fn cluster(config: &Config, checks: &mut Checks) {
    let cluster = &config.cluster;
    let shards = (0..=SHARDS_MAX).contains(&cluster.shards);
    checks.require(shards, "cluster.shards", format!("must be from 0 to {SHARDS_MAX}"));
    checks.require(cluster.replication_factor >= 1, "cluster.replication-factor", "must be at least 1");
    checks.require(cluster.bootstrap_expect >= 1, "cluster.bootstrap-expect", "must be at least 1");
    if !cluster.enabled {
        return;
    }
    checks.filled("cluster.shared-secret", &cluster.shared_secret);
    checks.accept("cluster.bind-address", bind(&cluster.bind_address));
    checks.accept("rpc.bind-address", bind(&config.rpc.bind_address));
    for (key, address) in [
        ("cluster.advertise-address", &cluster.advertise_address),
        ("rpc.advertise-address", &config.rpc.advertise_address),
    ] {
        if !address.is_empty() {
            checks.accept(key, peer(address));
        }
    }
    for address in &cluster.peers {
        checks.accept("cluster.peers", peer(address));
    }
    let rpc = &config.rpc;
    let paths = !rpc.ssl_ca.is_empty() && !rpc.ssl_cert.is_empty() && !rpc.ssl_key.is_empty();
    checks.require(!rpc.tls_enabled || paths, "rpc.tls-enabled", "needs ssl-ca, ssl-cert and ssl-key");
}
