//! All tables of the configuration: one list, in the order in which they are printed.

mod discovery;
mod events;
mod farad;
mod influxdb;
mod inputs;
mod messengers;
mod pagers;
mod scraping;
mod server;

use std::time::Duration;

pub use discovery::{
    Azure, Consul, Dns, Ec2, FileDiscovery, Gce, Kubernetes, Marathon, Nerve, Serverset, StaticDiscovery,
    Swarm, Triton,
};
pub use events::{
    BasicAuth, Httppost, Kafka, Mqtt, Sensu, Servicenow, Severity, SeverityMap, Snmptrap, Zenoss,
};
pub use farad::{Cluster, Farad, Rpc, Sync};
pub use influxdb::{Influxdb, SubscriptionMode};
pub use inputs::{Collectd, Graphite, Opentsdb, Udp};
pub use messengers::{Discord, Hipchat, Slack, Smtp, Talk, Teams, Telegram};
pub use pagers::{Alerta, Bigpanda, Opsgenie, Opsgenie2, Pagerduty, Pagerduty2, Pushover, Victorops};
pub use scraping::Scraper;
pub use server::{
    Alert, Auth, ConfigOverride, Deadman, Fluxtask, Http, Load, Logging, Replay, Reporting, Stats, Storage,
    Task, Tls, Udf, UdfFunction,
};

use crate::setting::tables;

tables! {
    /// The configuration of one member.
    Config {
        /// Name under which other hosts, InfluxDB among them, reach this member.
        hostname "hostname": String = "localhost";
        /// Directory for the member's identity and all its data.
        data_dir "data_dir": String = "";
        /// Start without the overrides that were set through the API.
        /// A way out when an override keeps the server from starting.
        skip_config_overrides "skip-config-overrides": bool = false;
        /// Retention policy of a write that names none.
        default_retention_policy "default-retention-policy": String = "";

        /// Alert topics.
        alert "alert": Alert = Alert::default();
        /// Users and their privileges.
        auth "auth": Auth = Auth::default();
        /// The HTTP server: API and writes.
        http "http": Http = Http::default();
        /// Recordings.
        replay "replay": Replay = Replay::default();
        /// The database file of Kapacitor.
        storage "storage": Storage = Storage::default();
        /// Tasks.
        task "task": Task = Task::default();
        /// Flux tasks.
        fluxtask "fluxtask": Fluxtask = Fluxtask::default();
        /// A folder of tasks, templates and handlers that are defined at start.
        load "load": Load = Load::default();
        /// InfluxDB clusters: subscribed to, queried and written to.
        /// With several enabled ones exactly one is the default.
        influxdb "influxdb": Vec<Influxdb> = vec![Influxdb::default()], elements("name");
        /// The server's log.
        logging "logging": Logging = Logging::default();
        /// Changing the configuration through the API.
        config_override "config-override": ConfigOverride = ConfigOverride::default();
        /// TLS of the HTTP server.
        tls "tls": Tls = Tls::default();

        /// Graphite inputs.
        graphite "graphite": Vec<Graphite> = Vec::new();
        /// The collectd input.
        collectd "collectd": Collectd = Collectd::default();
        /// The OpenTSDB input.
        opentsdb "opentsdb": Opentsdb = Opentsdb::default();
        /// Inputs for line protocol in UDP datagrams.
        udp "udp": Vec<Udp> = Vec::new();

        /// The Alerta handler.
        alerta "alerta": Alerta = Alerta::default(), overridable;
        /// The BigPanda handler.
        bigpanda "bigpanda": Bigpanda = Bigpanda::default(), overridable;
        /// Discord workspaces for the discord handler.
        discord "discord": Vec<Discord> = vec![Discord::default()], elements("workspace"), single;
        /// The HipChat handler.
        hipchat "hipchat": Hipchat = Hipchat::default(), overridable;
        /// Kafka clusters for the kafka handler.
        kafka "kafka": Vec<Kafka> = vec![Kafka::default()], elements("id");
        /// Brokers for the mqtt handler.
        mqtt "mqtt": Vec<Mqtt> = vec![Mqtt::default()], elements("name");
        /// The OpsGenie handler, version 1 of its API.
        opsgenie "opsgenie": Opsgenie = Opsgenie::default(), overridable;
        /// The OpsGenie handler, version 2 of its API.
        opsgenie2 "opsgenie2": Opsgenie2 = Opsgenie2::default(), overridable;
        /// The PagerDuty handler, version 1 of its API.
        pagerduty "pagerduty": Pagerduty = Pagerduty::default(), overridable;
        /// The PagerDuty handler, version 2 of its API.
        pagerduty2 "pagerduty2": Pagerduty2 = Pagerduty2::default(), overridable;
        /// The Pushover handler.
        pushover "pushover": Pushover = Pushover::default(), overridable;
        /// Endpoints for the post handler and the httpPost node.
        httppost "httppost": Vec<Httppost> = vec![Httppost::default()], elements("endpoint");
        /// The e-mail handler.
        smtp "smtp": Smtp = Smtp::default(), overridable;
        /// The SNMP trap handler.
        snmptrap "snmptrap": Snmptrap = Snmptrap::default(), overridable;
        /// The Sensu handler.
        sensu "sensu": Sensu = Sensu::default(), overridable;
        /// The ServiceNow handler.
        servicenow "servicenow": Servicenow = Servicenow::default(), overridable;
        /// Slack workspaces for the slack handler.
        slack "slack": Vec<Slack> = vec![Slack::default()], elements("workspace"), single;
        /// The Talk handler.
        talk "talk": Talk = Talk::default(), overridable;
        /// The Microsoft Teams handler.
        teams "teams": Teams = Teams::default(), overridable;
        /// The Telegram handler.
        telegram "telegram": Telegram = Telegram::default(), overridable;
        /// The VictorOps (Splunk On-Call) handler.
        victorops "victorops": Victorops = Victorops::default(), overridable;
        /// The Zenoss handler.
        zenoss "zenoss": Zenoss = Zenoss::default(), overridable;

        /// Scrapers of Prometheus metrics.
        scraper "scraper": Vec<Scraper> = Vec::new(), elements("name");
        /// Scrape targets from Azure.
        azure "azure": Vec<Azure> = Vec::new(), elements("id");
        /// Scrape targets from Consul.
        consul "consul": Vec<Consul> = Vec::new(), elements("id");
        /// Scrape targets from DNS records.
        dns "dns": Vec<Dns> = Vec::new(), elements("id");
        /// Scrape targets from EC2; also the credentials of ec2Autoscale.
        ec2 "ec2": Vec<Ec2> = Vec::new(), elements("id");
        /// Scrape targets from files.
        file_discovery "file-discovery": Vec<FileDiscovery> = Vec::new(), elements("id");
        /// Scrape targets from Google Compute Engine.
        gce "gce": Vec<Gce> = Vec::new(), elements("id");
        /// Scrape targets from Marathon.
        marathon "marathon": Vec<Marathon> = Vec::new(), elements("id");
        /// Scrape targets from Nerve.
        nerve "nerve": Vec<Nerve> = Vec::new(), elements("id");
        /// Scrape targets from Serversets.
        serverset "serverset": Vec<Serverset> = Vec::new(), elements("id");
        /// Scrape targets listed here.
        static_discovery "static-discovery": Vec<StaticDiscovery> = Vec::new(), elements("id");
        /// Scrape targets from Triton.
        triton "triton": Vec<Triton> = Vec::new(), elements("id");

        /// Kubernetes clusters, for k8sAutoscale and as scrape targets.
        kubernetes "kubernetes": Vec<Kubernetes> = Vec::new(), elements("id"), single, implicit_index;
        /// Docker Swarm clusters, for swarmAutoscale.
        swarm "swarm": Vec<Swarm> = Vec::new(), elements("id");

        /// Usage reports to the vendor. Farad sends none.
        reporting "reporting": Reporting = Reporting::default();
        /// The server's own statistics, as points.
        stats "stats": Stats = Stats::default();
        /// User-defined functions.
        udf "udf": Udf = Udf::default();
        /// The dead man's switch on all tasks.
        deadman "deadman": Deadman = Deadman::default();

        /// The member's engine: durability, queues and limits.
        farad "farad": Farad = Farad::default(), own;
        /// The cluster this member belongs to.
        cluster "cluster": Cluster = Cluster::default(), own;
        /// Traffic between members.
        rpc "rpc": Rpc = Rpc::default(), own;
        retired {
            "static" => "the labels of a [[static-discovery]] belong in [static-discovery.labels]";
        }
    }
}

/// A whole number of seconds.
const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A whole number of minutes.
const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

/// Owned texts.
fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|&item| item.to_owned()).collect()
}
