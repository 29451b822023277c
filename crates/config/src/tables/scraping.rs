//! The `[[scraper]]` tables.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{minutes, seconds};
use crate::setting::tables;

tables! {
    /// One scraper of Prometheus metrics.
    Scraper {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name of the job.
        name "name": String = "";
        /// prometheus.
        kind "type": String = "prometheus", filled;
        /// Database of its points.
        db "db": String = "";
        /// Retention policy of its points.
        rp "rp": String = "";
        /// http or https.
        scheme "scheme": String = "http", filled;
        /// Path of the metrics on a target.
        metrics_path "metrics-path": String = "/metrics", filled;
        /// Query parameters, each with its values.
        params "params": BTreeMap<String, Vec<String>> = BTreeMap::new();
        /// How often a target is scraped.
        scrape_interval "scrape-interval": Duration = minutes(1), filled;
        /// How long a scrape may take.
        scrape_timeout "scrape-timeout": Duration = seconds(10), filled;
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Name that the target's certificate must carry.
        ssl_server_name "ssl-server-name": String = "";
        /// Do not verify the target's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
        /// Bearer token.
        bearer_token "bearer-token": String = "", redacted;
        /// URL of an HTTP proxy.
        proxy_url "proxy-url": String = "";
        /// Id of the discoverer that yields the targets.
        discoverer_id "discoverer-id": String = "";
        /// Kind of that discoverer, such as consul or static-discovery.
        discoverer_service "discoverer-service": String = "";
        /// Targets that are not scraped.
        blacklist "blacklist": Vec<String> = Vec::new();
    }
}
