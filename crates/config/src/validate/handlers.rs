//! Checks of the handlers' tables.

use std::path::Path;

use super::Checks;
use super::addresses::{mail, url};
use crate::tables::{Config, Httppost, Kafka, Mqtt, Smtp};

/// SASL mechanisms of [[kafka]]; empty means PLAIN.
const SASL_MECHANISMS: [&str; 6] = ["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"];

pub(super) fn check(config: &Config, checks: &mut Checks) {
    needed(config, checks);
    urls(config, checks);
    workspaces(config, checks);
    kafka(&config.kafka, checks);
    mqtt(&config.mqtt, checks);
    httppost(&config.httppost, checks);
    smtp(&config.smtp, checks);
}

/// What a handler cannot do without once it is enabled.
fn needed(config: &Config, checks: &mut Checks) {
    let c = config;
    let needs: [(bool, &str, &str); 15] = [
        (c.alerta.enabled, "alerta.url", &c.alerta.url),
        (c.bigpanda.enabled, "bigpanda.url", &c.bigpanda.url),
        (c.bigpanda.enabled, "bigpanda.app-key", &c.bigpanda.app_key),
        (c.bigpanda.enabled, "bigpanda.token", &c.bigpanda.token),
        (c.hipchat.enabled, "hipchat.url", &c.hipchat.url),
        (c.opsgenie.enabled, "opsgenie.api-key", &c.opsgenie.api_key),
        (c.opsgenie2.enabled, "opsgenie2.api-key", &c.opsgenie2.api_key),
        (c.pushover.enabled, "pushover.token", &c.pushover.token),
        (c.pushover.enabled, "pushover.user-key", &c.pushover.user_key),
        (c.snmptrap.enabled, "snmptrap.addr", &c.snmptrap.addr),
        (c.sensu.enabled, "sensu.addr", &c.sensu.addr),
        (c.talk.enabled, "talk.url", &c.talk.url),
        (c.teams.enabled, "teams.channel-url", &c.teams.channel_url),
        (c.telegram.enabled, "telegram.token", &c.telegram.token),
        (c.zenoss.enabled, "zenoss.url", &c.zenoss.url),
    ];
    for (enabled, key, value) in needs {
        checks.require(!enabled || !value.is_empty(), key, "must be set when the handler is enabled");
    }
    // A file that a program wrote holds disabled tables with empty values, which Kapacitor refuses
    // for these; here they matter only once the handler is enabled.
    let defaults: [(bool, &str, &str); 9] = [
        (c.opsgenie.enabled, "opsgenie.url", &c.opsgenie.url),
        (c.opsgenie.enabled, "opsgenie.recovery_url", &c.opsgenie.recovery_url),
        (c.opsgenie2.enabled, "opsgenie2.url", &c.opsgenie2.url),
        (c.pagerduty.enabled, "pagerduty.url", &c.pagerduty.url),
        (c.pagerduty2.enabled, "pagerduty2.url", &c.pagerduty2.url),
        (c.pushover.enabled, "pushover.url", &c.pushover.url),
        (c.servicenow.enabled, "servicenow.url", &c.servicenow.url),
        (c.telegram.enabled, "telegram.url", &c.telegram.url),
        (c.victorops.enabled, "victorops.url", &c.victorops.url),
    ];
    for (enabled, key, value) in defaults {
        checks.require(
            !enabled || !value.is_empty(),
            key,
            "cannot be empty; leave the key out for the default",
        );
    }
    if c.opsgenie2.enabled {
        checks.one_of("opsgenie2.recovery_action", &c.opsgenie2.recovery_action, &["notes", "close"]);
    }
}

fn urls(config: &Config, checks: &mut Checks) {
    let c = config;
    let all: [(&str, &str); 15] = [
        ("alerta.url", &c.alerta.url),
        ("bigpanda.url", &c.bigpanda.url),
        ("hipchat.url", &c.hipchat.url),
        ("opsgenie.url", &c.opsgenie.url),
        ("opsgenie.recovery_url", &c.opsgenie.recovery_url),
        ("opsgenie2.url", &c.opsgenie2.url),
        ("pagerduty.url", &c.pagerduty.url),
        ("pagerduty2.url", &c.pagerduty2.url),
        ("pushover.url", &c.pushover.url),
        ("servicenow.url", &c.servicenow.url),
        ("talk.url", &c.talk.url),
        ("teams.channel-url", &c.teams.channel_url),
        ("telegram.url", &c.telegram.url),
        ("victorops.url", &c.victorops.url),
        ("zenoss.url", &c.zenoss.url),
    ];
    for (key, text) in all {
        checks.accept(key, url(text));
    }
}

/// One workspace of Slack or Discord, as far as both are alike.
struct Workspace<'a> {
    enabled: bool,
    default: bool,
    name: &'a str,
    url: &'a str,
    global: bool,
    changes_only: bool,
}

fn workspaces(config: &Config, checks: &mut Checks) {
    let slack = config.slack.iter().map(|c| Workspace {
        enabled: c.enabled,
        default: c.default,
        name: &c.workspace,
        url: &c.url,
        global: c.global,
        changes_only: c.state_changes_only,
    });
    check_workspaces("slack", &slack.collect::<Vec<_>>(), checks);
    let discord = config.discord.iter().map(|c| Workspace {
        enabled: c.enabled,
        default: c.default,
        name: &c.workspace,
        url: &c.url,
        global: c.global,
        changes_only: c.state_changes_only,
    });
    check_workspaces("discord", &discord.collect::<Vec<_>>(), checks);
}

fn check_workspaces(section: &str, list: &[Workspace<'_>], checks: &mut Checks) {
    let several = list.len() > 1;
    for (index, workspace) in list.iter().enumerate() {
        let key = |name: &str| format!("{section}[{index}].{name}");
        checks.require(
            !workspace.enabled || !workspace.url.is_empty(),
            &key("url"),
            "must be set when the handler is enabled",
        );
        checks.accept(&key("url"), url(workspace.url));
        checks.require(
            !several || !workspace.name.is_empty(),
            &key("workspace"),
            "must be set when there are several",
        );
        // A lone workspace is the default without saying so.
        let default = workspace.default || !several;
        checks.require(
            !workspace.global || default,
            &key("global"),
            "only the default workspace can be global",
        );
        let changes = !workspace.changes_only || (default && workspace.global);
        checks.require(
            changes,
            &key("state-changes-only"),
            "needs a workspace that is both default and global",
        );
    }
    let default = !several || list.iter().any(|workspace| workspace.default);
    checks.require(default, section, "one workspace must be marked as default");
}

fn kafka(clusters: &[Kafka], checks: &mut Checks) {
    for (index, cluster) in clusters.iter().enumerate().filter(|(_, cluster)| cluster.enabled) {
        let key = |name: &str| format!("kafka[{index}].{name}");
        checks.filled(&key("id"), &cluster.id);
        checks.require(!cluster.brokers.is_empty(), &key("brokers"), "must hold at least one broker");
        checks.one_of(&key("sasl-mechanism"), &cluster.sasl_mechanism, &SASL_MECHANISMS);
        if cluster.sasl_mechanism.eq_ignore_ascii_case("OAUTHBEARER") {
            oauth(cluster, index, checks);
        }
    }
}

fn oauth(cluster: &Kafka, index: usize, checks: &mut Checks) {
    let key = |name: &str| format!("kafka[{index}].{name}");
    let served = !cluster.sasl_oauth_service.is_empty() || !cluster.sasl_oauth_token_url.is_empty();
    if !cluster.sasl_access_token.is_empty() {
        checks.require(
            !served,
            &key("sasl-access-token"),
            "cannot be set with sasl-oauth-service or sasl-oauth-token-url",
        );
        return;
    }
    checks.filled(&key("sasl-oauth-client-id"), &cluster.sasl_oauth_client_id);
    checks.filled(&key("sasl-oauth-client-secret"), &cluster.sasl_oauth_client_secret);
    let service = cluster.sasl_oauth_service.to_lowercase();
    match service.as_str() {
        "azuread" => {
            checks.filled(&key("sasl-oauth-tenant-id"), &cluster.sasl_oauth_tenant_id);
            let own = cluster.sasl_oauth_token_url.is_empty();
            checks.require(own, &key("sasl-oauth-token-url"), "cannot be set for azuread");
        }
        "" | "custom" | "auth0" => {
            checks.filled(&key("sasl-oauth-token-url"), &cluster.sasl_oauth_token_url);
            let audience = cluster.sasl_oauth_parameters.get("audience").is_some_and(|text| !text.is_empty());
            checks.require(
                service != "auth0" || audience,
                &key("sasl-oauth-parameters"),
                "auth0 needs an audience",
            );
        }
        _ => checks.one_of(&key("sasl-oauth-service"), &service, &["custom", "auth0", "azuread"]),
    }
}

fn mqtt(brokers: &[Mqtt], checks: &mut Checks) {
    for (index, broker) in brokers.iter().enumerate() {
        checks.filled(&format!("mqtt[{index}].name"), &broker.name);
        let reachable = !broker.enabled || !broker.url.is_empty();
        checks.require(reachable, &format!("mqtt[{index}].url"), "must be set when the handler is enabled");
    }
    let defaults = brokers.iter().filter(|broker| broker.default).count();
    checks.require(defaults <= 1, "mqtt", "more than one broker is marked as default");
    checks.require(brokers.len() <= 1 || defaults > 0, "mqtt", "no broker is marked as default");
}

fn httppost(endpoints: &[Httppost], checks: &mut Checks) {
    for (index, endpoint) in endpoints.iter().enumerate() {
        let key = |name: &str| format!("httppost[{index}].{name}");
        checks.filled(&key("endpoint"), &endpoint.endpoint);
        checks.filled(&key("url"), &endpoint.url);
        // A template is a URL only once it is filled in.
        if !endpoint.url.contains("{{") {
            checks.accept(&key("url"), url(&endpoint.url));
        }
        for (name, text, file) in [
            ("alert-template", &endpoint.alert_template, &endpoint.alert_template_file),
            ("row-template", &endpoint.row_template, &endpoint.row_template_file),
        ] {
            let one = text.is_empty() || file.is_empty();
            checks.require(one, &key(name), format!("only one of {name} and {name}-file may be set"));
            let absolute = file.is_empty() || Path::new(file).is_absolute();
            checks.require(absolute, &key(&format!("{name}-file")), "must be an absolute path");
        }
    }
}

fn smtp(smtp: &Smtp, checks: &mut Checks) {
    if smtp.enabled {
        checks.filled("smtp.host", &smtp.host);
        checks.require((1..=65_535).contains(&smtp.port), "smtp.port", format!("invalid port {}", smtp.port));
        checks.filled("smtp.from", &smtp.from);
    }
    if !smtp.from.is_empty() {
        checks.accept("smtp.from", mail(&smtp.from));
    }
    for address in &smtp.to {
        checks.accept("smtp.to", mail(address));
    }
}
