//! Rules about what a member refused from others: wrong secrets, clocks, clusters, versions.

use super::warning;
use crate::status::{ClusterStatus, Problem};
use std::collections::BTreeMap;

/// What a reason of refusal hints at: a part of its name, and what to do.
const HINTS: &[(&str, &str)] = &[
    (
        "key",
        "the sender has another secret: compare [cluster] shared-secret (KAPACITOR_CLUSTER_SHARED_SECRET) on all members",
    ),
    (
        "secret",
        "the caller has another secret: compare [cluster] shared-secret (KAPACITOR_CLUSTER_SHARED_SECRET) on all members",
    ),
    (
        "certificate",
        "compare the certificate authority, the names in the certificates and their end with the advertised host names ([rpc] ssl-ca, ssl-cert and ssl-key)",
    ),
    ("old", "clocks differ by minutes: synchronise them on all members (NTP, chrony)"),
    ("clock", "clocks differ by minutes: synchronise them on all members (NTP, chrony)"),
    ("time", "clocks differ by minutes: synchronise them on all members (NTP, chrony)"),
    (
        "twin",
        "two processes are the same member, as a rule because a data directory was copied: stop one, and start it with an empty data directory",
    ),
    (
        "replay",
        "somebody sends what was sent before: look for a duplicating network or an intruder near the peer ports",
    ),
    (
        "cluster",
        "a member of another cluster uses an address of this one: compare [cluster] peers on all members, and look at kapacitorctl member list of both",
    ),
    ("version", "a member speaks another protocol: bring all members to versions that go together"),
];

/// For reasons that hint at nothing in particular.
const OTHERS: &str = "something else sends to this port: close it to all but the members";

pub(super) fn gossip(status: &ClusterStatus, found: &mut Vec<Problem>) {
    if let Some(gossip) = &status.gossip {
        refused(status, "gossip packets", &gossip.rejected, found);
    }
}

pub(super) fn rpc(status: &ClusterStatus, found: &mut Vec<Problem>) {
    if let Some(rpc) = &status.rpc {
        refused(status, "calls of members", &rpc.rejected, found);
    }
}

fn refused(status: &ClusterStatus, what: &str, reasons: &BTreeMap<String, u64>, found: &mut Vec<Problem>) {
    for (reason, number) in reasons.iter().filter(|(_, number)| **number > 0) {
        let hint = HINTS.iter().find(|(part, _)| reason.contains(part)).map_or(OTHERS, |(_, advice)| advice);
        found.push(warning(
            format!(
                "{} refused {number} {what} since it started: {}",
                status.member_name,
                reason.replace(['_', '-'], " ")
            ),
            hint,
        ));
    }
}
