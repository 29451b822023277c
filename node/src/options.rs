//! From the configuration to the options of the parts.

use cluster::rpc::TlsFiles;
use config::Config;
use config::tables::Sync as SyncConfig;
use engine::ClusterOptions;
use handler::{Endpoint, Services};
use pipeline::nodes::http_post::Endpoint as NodeEndpoint;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;

/// The engine's options, with the data in `data_dir`.
pub fn engine(
    config: &Config,
    data_dir: &Path,
    server: pipeline::Server,
    disabled: &str,
) -> Result<engine::Options, String> {
    let farad = &config.farad;
    let mut options = engine::Options::new(data_dir);
    options.shards = u32::try_from(config.cluster.shards)
        .ok()
        .filter(|shards| (0..=1024).contains(shards))
        .ok_or("cluster.shards must be 0 to 1024")?;
    options.sync = match farad.sync {
        SyncConfig::Always => store::Sync::Always,
        SyncConfig::Interval => store::Sync::Interval(farad.sync_interval),
    };
    options.checkpoint_interval = farad.checkpoint_interval;
    options.log_bytes_max = farad.log_bytes_max.0;
    options.queue_bytes_max = usize::try_from(farad.queue_bytes_max.0).unwrap_or(usize::MAX);
    options.write_timeout = farad.write_timeout;
    options.group_ttl = farad.group_ttl;
    options.group_memory_max = farad.group_memory_max.0;
    options.default_retention_policy.clone_from(&config.default_retention_policy);
    options.deadman = deadman(config);
    options.server = pipeline::Server { endpoints: node_endpoints(config)?, ..server };
    options.cluster = cluster(config)?;
    options.services = Services {
        disabled: Services::parse_disabled(disabled),
        endpoints: endpoints(config)?,
        ..Services::default()
    };
    Ok(options)
}

/// What tasks are to do with `deadman`.
fn deadman(config: &Config) -> pipeline::nodes::deadman::Settings {
    let table = &config.deadman;
    pipeline::nodes::deadman::Settings {
        global: table.global,
        interval: i64::try_from(table.interval.as_nanos()).unwrap_or(i64::MAX),
        threshold: table.threshold,
        id: table.id.clone(),
        message: table.message.clone(),
    }
}

/// The cluster that the member takes part in; `None` for a member alone.
fn cluster(config: &Config) -> Result<Option<ClusterOptions>, String> {
    let (table, rpc) = (&config.cluster, &config.rpc);
    if !table.enabled {
        return Ok(None);
    }
    let advertised = |given: &str, bind: &str| advertise(given, bind, &config.hostname);
    let within = |name: &str, value: i64, allowed: RangeInclusive<u32>| {
        let fits = u32::try_from(value).ok().filter(|value| allowed.contains(value));
        fits.ok_or_else(|| {
            format!("cluster.{name} must be {} to {}, it is {value}", allowed.start(), allowed.end())
        })
    };
    let tls = rpc.tls_enabled.then(|| TlsFiles {
        ca: rpc.ssl_ca.clone().into(),
        cert: rpc.ssl_cert.clone().into(),
        key: rpc.ssl_key.clone().into(),
    });
    let roles = if table.roles.is_empty() { vec!["worker".to_owned()] } else { table.roles.clone() };
    Ok(Some(ClusterOptions {
        name: config.hostname.clone(),
        version: crate::run::VERSION.to_owned(),
        gossip_bind: table.bind_address.clone(),
        gossip_advertise: advertised(&table.advertise_address, &table.bind_address),
        peers: table.peers.clone(),
        bootstrap_expect: within("bootstrap-expect", table.bootstrap_expect, 0..=99)? as usize,
        secret: table.shared_secret.clone(),
        replication: within("replication-factor", table.replication_factor, 1..=9)?,
        rpc_bind: rpc.bind_address.clone(),
        rpc_advertise: advertised(&rpc.advertise_address, &rpc.bind_address),
        tls,
        api_advertise: advertised("", &config.http.bind_address),
        roles,
        replace_after: table.replace_after,
    }))
}

/// The address under which others reach what is bound: as given, else the bound host, else the
/// host name; with the bound port where none is given.
fn advertise(given: &str, bind: &str, hostname: &str) -> String {
    let (host, port) = bind.rsplit_once(':').unwrap_or((bind, ""));
    let any = matches!(host, "" | "0.0.0.0" | "[::]" | "*");
    match given {
        "" => format!("{}:{port}", if any { hostname } else { host }),
        given if given.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) => {
            given.to_owned()
        }
        given => format!("{given}:{port}"),
    }
}

/// The named receivers of `post`.
fn endpoints(config: &Config) -> Result<BTreeMap<String, Endpoint>, String> {
    let mut endpoints = BTreeMap::new();
    for table in &config.httppost {
        let endpoint = Endpoint {
            url: table.url.clone(),
            headers: table.headers.clone(),
            username: table.basic_auth.username.clone(),
            password: table.basic_auth.password.clone(),
            alert_template: template("alert", &table.alert_template, &table.alert_template_file)?,
        };
        endpoints.insert(table.endpoint.clone(), endpoint);
    }
    Ok(endpoints)
}

/// The same for the nodes of tasks.
fn node_endpoints(config: &Config) -> Result<BTreeMap<String, NodeEndpoint>, String> {
    let mut endpoints = BTreeMap::new();
    for table in &config.httppost {
        let endpoint = NodeEndpoint {
            url: table.url.clone(),
            headers: table.headers.clone(),
            username: table.basic_auth.username.clone(),
            password: table.basic_auth.password.clone(),
            row_template: template("row", &table.row_template, &table.row_template_file)?,
        };
        endpoints.insert(table.endpoint.clone(), endpoint);
    }
    Ok(endpoints)
}

fn template(what: &str, text: &str, file: &str) -> Result<Option<String>, String> {
    match (text, file) {
        ("", "") => Ok(None),
        ("", file) => std::fs::read_to_string(file)
            .map(Some)
            .map_err(|error| format!("cannot read the {what} template {file}: {error}")),
        (text, _) => Ok(Some(text.to_owned())),
    }
}

/// What the configuration asks for and this version cannot do: starting anyway would leave the
/// operator believing that it does.
pub fn refuse(config: &Config) -> Result<(), String> {
    let asked = [
        (config.http.auth_enabled, "http.auth-enabled: authentication"),
        (config.auth.enabled, "auth.enabled: authentication"),
        (config.http.https_enabled, "http.https-enabled: HTTPS"),
    ];
    for (asked, what) in asked {
        if asked {
            return Err(format!(
                "{what} is not available in this version of Farad; switch it off to start without it"
            ));
        }
    }
    Ok(())
}

/// Tables that are switched on but have no effect in this version.
pub fn without_effect(config: &Config) -> Vec<&'static str> {
    let tables = [
        ("fluxtask", config.fluxtask.enabled),
        ("load", config.load.enabled),
        ("graphite", config.graphite.iter().any(|table| table.enabled)),
        ("collectd", config.collectd.enabled),
        ("opentsdb", config.opentsdb.enabled),
        ("udp", config.udp.iter().any(|table| table.enabled)),
        ("alerta", config.alerta.enabled),
        ("bigpanda", config.bigpanda.enabled),
        ("discord", config.discord.iter().any(|table| table.enabled)),
        ("hipchat", config.hipchat.enabled),
        ("kafka", config.kafka.iter().any(|table| table.enabled)),
        ("mqtt", config.mqtt.iter().any(|table| table.enabled)),
        ("opsgenie", config.opsgenie.enabled),
        ("opsgenie2", config.opsgenie2.enabled),
        ("pagerduty", config.pagerduty.enabled),
        ("pagerduty2", config.pagerduty2.enabled),
        ("pushover", config.pushover.enabled),
        ("smtp", config.smtp.enabled),
        ("snmptrap", config.snmptrap.enabled),
        ("sensu", config.sensu.enabled),
        ("servicenow", config.servicenow.enabled),
        ("slack", config.slack.iter().any(|table| table.enabled)),
        ("talk", config.talk.enabled),
        ("teams", config.teams.enabled),
        ("telegram", config.telegram.enabled),
        ("victorops", config.victorops.enabled),
        ("zenoss", config.zenoss.enabled),
        ("scraper", config.scraper.iter().any(|table| table.enabled)),
        ("kubernetes", config.kubernetes.iter().any(|table| table.enabled)),
        ("swarm", config.swarm.iter().any(|table| table.enabled)),
        ("udf.functions", !config.udf.functions.is_empty()),
    ];
    tables.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::advertise;

    #[test]
    fn addresses_for_others() {
        for (given, bind, expected) in [
            ("", ":9090", "kapacitor-1:9090"),
            ("", "0.0.0.0:9090", "kapacitor-1:9090"),
            ("", "127.0.0.2:7000", "127.0.0.2:7000"),
            ("", "[::]:9090", "kapacitor-1:9090"),
            ("outside", ":9090", "outside:9090"),
            ("outside:1", ":9090", "outside:1"),
            ("[2001:db8::1]:1", ":9090", "[2001:db8::1]:1"),
        ] {
            assert_eq!(advertise(given, bind, "kapacitor-1"), expected, "{given:?} {bind:?}");
        }
    }
}
