//! Checks of scrapers, discovery and orchestrators.

use super::Checks;
use super::addresses::url;
use crate::tables::{Config, Kubernetes};

/// What Kubernetes can discover; Kapacitor's check knows the singular, its manual the plural.
const RESOURCES: [&str; 6] = ["", "node", "pod", "service", "endpoint", "endpoints"];

pub(super) fn check(config: &Config, checks: &mut Checks) {
    names(config, checks);
    scrapers(config, checks);
    for (index, dns) in config.dns.iter().enumerate() {
        let key = |name: &str| format!("dns[{index}].{name}");
        checks.one_of(&key("type"), &dns.kind, &["SRV", "A", "AAAA"]);
        let port = dns.kind.eq_ignore_ascii_case("SRV") || dns.port > 0;
        checks.require(port, &key("port"), format!("must be set for type {}", dns.kind));
    }
    for (index, ec2) in config.ec2.iter().enumerate() {
        checks.filled(&format!("ec2[{index}].region"), &ec2.region);
    }
    for (index, files) in config.file_discovery.iter().enumerate() {
        for path in &files.files {
            let key = format!("file-discovery[{index}].files");
            checks.require(
                is_target_file(path),
                &key,
                format!("{path:?} must end in .json, .yml or .yaml, with at most one * in the file's name"),
            );
        }
    }
    let nerve = config.nerve.iter().flat_map(|nerve| &nerve.paths).map(|path| ("nerve.paths", path));
    let serverset = config.serverset.iter().flat_map(|set| &set.paths).map(|path| ("serverset.paths", path));
    for (key, path) in nerve.chain(serverset) {
        checks.require(path.starts_with('/'), key, format!("{path:?} must begin with /"));
    }
    kubernetes(&config.kubernetes, checks);
    for (index, swarm) in config.swarm.iter().enumerate().filter(|(_, swarm)| swarm.enabled) {
        checks.require(
            !swarm.servers.is_empty(),
            &format!("swarm[{index}].servers"),
            "must hold at least one URL",
        );
    }
}

/// Every discoverer must have an id.
fn names(config: &Config, checks: &mut Checks) {
    let c = config;
    let lists: [(&str, Vec<&str>); 11] = [
        ("azure", c.azure.iter().map(|d| d.id.as_str()).collect()),
        ("consul", c.consul.iter().map(|d| d.id.as_str()).collect()),
        ("dns", c.dns.iter().map(|d| d.id.as_str()).collect()),
        ("ec2", c.ec2.iter().map(|d| d.id.as_str()).collect()),
        ("file-discovery", c.file_discovery.iter().map(|d| d.id.as_str()).collect()),
        ("gce", c.gce.iter().map(|d| d.id.as_str()).collect()),
        ("marathon", c.marathon.iter().map(|d| d.id.as_str()).collect()),
        ("nerve", c.nerve.iter().map(|d| d.id.as_str()).collect()),
        ("serverset", c.serverset.iter().map(|d| d.id.as_str()).collect()),
        ("static-discovery", c.static_discovery.iter().map(|d| d.id.as_str()).collect()),
        ("triton", c.triton.iter().map(|d| d.id.as_str()).collect()),
    ];
    for (section, ids) in lists {
        for (index, id) in ids.into_iter().enumerate() {
            checks.filled(&format!("{section}[{index}].id"), id);
        }
    }
}

fn scrapers(config: &Config, checks: &mut Checks) {
    for (index, scraper) in config.scraper.iter().enumerate() {
        let key = |name: &str| format!("scraper[{index}].{name}");
        checks.filled(&key("name"), &scraper.name);
        checks.filled(&key("db"), &scraper.db);
        checks.filled(&key("rp"), &scraper.rp);
        checks.one_of(&key("type"), &scraper.kind, &["prometheus"]);
        checks.accept(&key("proxy-url"), url(&scraper.proxy_url));
    }
}

fn kubernetes(clusters: &[Kubernetes], checks: &mut Checks) {
    for (index, cluster) in clusters.iter().enumerate() {
        let key = |name: &str| format!("kubernetes[{index}].{name}");
        let named = clusters.len() == 1 || !cluster.id.is_empty();
        checks.require(named, &key("id"), "must be set when there are several");
        if !cluster.enabled {
            continue;
        }
        if cluster.in_cluster {
            let alone = cluster.api_servers.is_empty()
                && cluster.token.is_empty()
                && cluster.ca_path.is_empty()
                && cluster.namespace.is_empty();
            checks.require(
                alone,
                &key("in-cluster"),
                "cannot be combined with api-servers, token, ca-path or namespace",
            );
        } else {
            checks.require(
                !cluster.api_servers.is_empty(),
                &key("api-servers"),
                "must hold at least one URL",
            );
        }
        for server in &cluster.api_servers {
            checks.accept(&key("api-servers"), url(server));
        }
        checks.one_of(&key("resource"), &cluster.resource, &RESOURCES);
    }
}

/// A path of targets: the right ending, and a `*` only in the last part.
fn is_target_file(path: &str) -> bool {
    let ending = [".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"]
        .iter()
        .find_map(|ending| path.strip_suffix(ending));
    ending.is_some_and(|stem| match stem.split_once('*') {
        Some((_, after)) => !after.contains('/'),
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::is_target_file;

    #[test]
    fn target_files() {
        for (path, good) in [
            ("/a/b.json", true),
            ("/a/*.yml", true),
            ("/a/*x*.yaml", true),
            ("/*/b.json", false),
            ("/a/b.txt", false),
            ("x.JSON", true),
        ] {
            assert_eq!(is_target_file(path), good, "{path}");
        }
    }
}
