//! Tables of the services that tell where things run: scrape targets and autoscaled clusters.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{minutes, seconds};
use crate::setting::tables;

tables! {
    /// Scrape targets from Azure.
    Azure {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// Port of the targets.
        port "port": i64 = 80, filled;
        /// Id of the subscription.
        subscription_id "subscription-id": String = "";
        /// Id of the tenant.
        tenant_id "tenant-id": String = "";
        /// Id of the client.
        client_id "client-id": String = "";
        /// Secret of the client.
        client_secret "client-secret": String = "", redacted;
        /// How often the targets are looked up.
        refresh_interval "refresh-interval": Duration = minutes(5), filled;
    }

    /// Scrape targets from Consul.
    Consul {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// Consul as host:port.
        address "address": String = "127.0.0.1:8500", filled;
        /// Token.
        token "token": String = "", redacted;
        /// Datacenter.
        datacenter "datacenter": String = "";
        /// Text between the tags of a service.
        tag_separator "tag-separator": String = ",", filled;
        /// http or https.
        scheme "scheme": String = "http", filled;
        /// User name.
        username "username": String = "";
        /// Password.
        password "password": String = "", redacted;
        /// Services to look for; all when empty.
        services "services": Vec<String> = Vec::new();
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Name that the server's certificate must carry.
        ssl_server_name "ssl-server-name": String = "";
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
    }

    /// Scrape targets from DNS records.
    Dns {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// Names to look up.
        record_names "record-names": Vec<String> = Vec::new();
        /// How often the targets are looked up.
        refresh_interval "refresh-interval": Duration = seconds(30), filled;
        /// SRV, A or AAAA.
        kind "type": String = "SRV", filled;
        /// Port of the targets; SRV records bring their own.
        port "port": i64 = 0;
    }

    /// Scrape targets from EC2; also the credentials of ec2Autoscale.
    Ec2 {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers and scripts choose it.
        id "id": String = "";
        /// Region.
        region "region": String = "";
        /// Access key.
        access_key "access-key": String = "";
        /// Secret key.
        secret_key "secret-key": String = "", redacted;
        /// Profile of the shared credentials.
        profile "profile": String = "";
        /// How often the targets are looked up.
        refresh_interval "refresh-interval": Duration = minutes(1), filled;
        /// Port of the targets.
        port "port": i64 = 80, filled;
    }

    /// Scrape targets from files.
    FileDiscovery {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// Paths ending in .json, .yml or .yaml; the file's name may hold one *.
        files "files": Vec<String> = Vec::new();
        /// How often the files are read again.
        refresh_interval "refresh-interval": Duration = minutes(5), filled;
    }

    /// Scrape targets from Google Compute Engine.
    Gce {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// Project.
        project "project": String = "";
        /// Zone.
        zone "zone": String = "";
        /// Filter over instances.
        filter "filter": String = "";
        /// How often the targets are looked up.
        refresh_interval "refresh-interval": Duration = minutes(1), filled;
        /// Port of the targets.
        port "port": i64 = 80, filled;
        /// Text between the tags of an instance.
        tag_separator "tag-separator": String = ",", filled;
    }

    /// Scrape targets from Marathon.
    Marathon {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// URLs of its servers.
        servers "servers": Vec<String> = Vec::new();
        /// How often the targets are looked up.
        refresh_interval "refresh-interval": Duration = seconds(30), filled;
        /// Bearer token.
        bearer_token "bearer-token": String = "", redacted;
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Name that the server's certificate must carry.
        ssl_server_name "ssl-server-name": String = "";
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
        retired {
            "timeout" => "Kapacitor no longer uses it";
        }
    }

    /// Scrape targets from Nerve.
    Nerve {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// ZooKeeper servers.
        servers "servers": Vec<String> = Vec::new();
        /// Paths to look under, each from /.
        paths "paths": Vec<String> = Vec::new();
        /// How long ZooKeeper may stay silent.
        timeout "timeout": Duration = seconds(10), filled;
    }

    /// Scrape targets from Serversets.
    Serverset {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// ZooKeeper servers.
        servers "servers": Vec<String> = Vec::new();
        /// Paths to look under, each from /.
        paths "paths": Vec<String> = Vec::new();
        /// How long ZooKeeper may stay silent.
        timeout "timeout": Duration = seconds(10), filled;
    }

    /// Scrape targets listed here.
    StaticDiscovery {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// Targets as host:port.
        targets "targets": Vec<String> = Vec::new();
        /// Labels of every target.
        labels "labels": BTreeMap<String, String> = BTreeMap::new();
    }

    /// Scrape targets from Triton.
    Triton {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scrapers choose it.
        id "id": String = "";
        /// Account.
        account "account": String = "";
        /// Suffix of the targets' names.
        dns_suffix "dns-suffix": String = "";
        /// Host of the discovery service.
        endpoint "endpoint": String = "";
        /// Port of the discovery service.
        port "port": i64 = 9163, filled;
        /// How often the targets are looked up.
        refresh_interval "refresh-interval": Duration = minutes(1), filled;
        /// Version of the discovery service's API.
        version "version": i64 = 1, filled;
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Name that the server's certificate must carry.
        ssl_server_name "ssl-server-name": String = "";
        /// Do not verify the server's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
    }

    /// One Kubernetes cluster.
    Kubernetes {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scripts and scrapers choose it.
        id "id": String = "";
        /// The server runs in this cluster; everything else is found out.
        in_cluster "in-cluster": bool = false;
        /// URLs of the API servers.
        api_servers "api-servers": Vec<String> = Vec::new();
        /// Bearer token.
        token "token": String = "", redacted;
        /// Path of the certificate authorities, PEM.
        ca_path "ca-path": String = "";
        /// Namespace where a script names none.
        namespace "namespace": String = "";
        /// What is a scrape target: node, pod, service or endpoints.
        resource "resource": String = "";
    }

    /// One Docker Swarm cluster.
    Swarm {
        /// Use it.
        enabled "enabled": bool = false;
        /// Name by which scripts choose it.
        id "id": String = "";
        /// URLs of its managers.
        servers "servers": Vec<String> = Vec::new();
        /// Path of the certificate authorities, PEM.
        ssl_ca "ssl-ca": String = "";
        /// Path of the client certificate, PEM.
        ssl_cert "ssl-cert": String = "";
        /// Path of the client key, PEM.
        ssl_key "ssl-key": String = "";
        /// Do not verify the manager's certificate. Insecure.
        insecure_skip_verify "insecure-skip-verify": bool = false;
    }
}
