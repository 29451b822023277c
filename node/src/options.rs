//! From the configuration to the options of the parts.

use config::Config;
use config::tables::Sync as SyncConfig;
use handler::{Endpoint, Services};
use std::collections::BTreeMap;
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
    options.default_retention_policy.clone_from(&config.default_retention_policy);
    options.server = server;
    options.services = Services {
        disabled: Services::parse_disabled(disabled),
        endpoints: endpoints(config)?,
        ..Services::default()
    };
    Ok(options)
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
            alert_template: template(&table.alert_template, &table.alert_template_file)?,
        };
        endpoints.insert(table.endpoint.clone(), endpoint);
    }
    Ok(endpoints)
}

fn template(text: &str, file: &str) -> Result<Option<String>, String> {
    match (text, file) {
        ("", "") => Ok(None),
        ("", file) => std::fs::read_to_string(file)
            .map(Some)
            .map_err(|error| format!("cannot read the alert template {file}: {error}")),
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
        (config.cluster.enabled, "cluster.enabled: clustering"),
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
        ("deadman", config.deadman.global),
    ];
    tables.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}
