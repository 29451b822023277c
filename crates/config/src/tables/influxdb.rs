//! The `[[influxdb]]` tables.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{minutes, texts};
use crate::scalars::choice;
use crate::setting::tables;

choice! {
    /// How many subscriptions a cluster of members keeps.
    SubscriptionMode, "\"cluster\" or \"server\"" {
        /// One set for the cluster.
        Cluster "cluster",
        /// One set for each member.
        Server "server",
    }
}

/// Points about the server itself are not fed back into it.
fn excluded() -> BTreeMap<String, Vec<String>> {
    BTreeMap::from([("_kapacitor".to_owned(), texts(&["autogen"]))])
}

tables! {
    /// One InfluxDB cluster.
    Influxdb {
        /// Use it.
        enabled "enabled": bool = true;
        /// Name by which scripts choose it.
        name "name": String = "default";
        /// Use it where a script names none.
        default "default": bool = false;
        /// URLs of its servers.
        urls "urls": Vec<String> = texts(&["http://localhost:8086"]);
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
        /// API token (InfluxDB 2.x), instead of user name and password.
        token "token": String = "", redacted;
        /// Sign requests with the shared secret of [http].
        http_shared_secret "http-shared-secret": bool = false;
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
        /// How long a request may take; 0 for no limit.
        timeout "timeout": Duration = Duration::ZERO;
        /// Do not subscribe; tasks then see only what is written to this server.
        disable_subscriptions "disable-subscriptions": bool = false;
        /// How InfluxDB sends subscribed points: http, https or udp.
        subscription_protocol "subscription-protocol": String = "http", filled;
        /// One set of subscriptions for the cluster, or one for each server.
        subscription_mode "subscription-mode": SubscriptionMode = SubscriptionMode::Cluster;
        /// Databases, each with its retention policies, to subscribe to; all when empty.
        subscriptions "subscriptions": BTreeMap<String, Vec<String>> = BTreeMap::new();
        /// Databases, each with its retention policies, never to subscribe to.
        excluded_subscriptions "excluded-subscriptions": BTreeMap<String, Vec<String>> = excluded();
        /// Name under which this InfluxDB reaches the server; hostname when empty.
        kapacitor_hostname "kapacitor-hostname": String = "";
        /// Port under which this InfluxDB reaches the server; that of [http] when 0.
        http_port "http-port": i64 = 0;
        /// Host part of the address for UDP subscriptions.
        udp_bind "udp-bind": String = "";
        /// UDP packets that may wait.
        udp_buffer "udp-buffer": i64 = 1000, filled;
        /// Bytes of the system's receive buffer; its own default when 0.
        udp_read_buffer "udp-read-buffer": i64 = 0;
        /// How long to try to connect at start.
        startup_timeout "startup-timeout": Duration = minutes(5), filled;
        /// How often new databases are looked for.
        subscriptions_sync_interval "subscriptions-sync-interval": Duration = minutes(1), filled;
        /// Path that is put before /write in the subscription's URL.
        subscription_path "subscription-path": String = "";
        /// Compression of writes: gzip or none.
        compression "compression": String = "gzip", filled;
    }
}
