//! `kapacitor stats`: the server in numbers.

use super::Command;
use super::list::widest;
use crate::session::{Failure, Session};
use crate::shapes::DebugVars;

pub(super) const STATS: Command = Command {
    name: "stats",
    summary: "Display various stats about Kapacitor.",
    usage: "Usage: kapacitor stats <general|ingress>

	Print statistics of the server.

	general - The server, its tasks and its subscriptions.
	ingress - Points received, by database, retention policy and measurement.
",
    flags: &[],
    run,
};

fn run(session: &mut Session<'_>, args: &[String]) -> Result<(), Failure> {
    let [category] = args else {
        return Err(Failure::FailedWithUsage("must provide a stats category".to_owned()));
    };
    let vars = session.client.debug_vars()?;
    match category.as_str() {
        "general" => general(session, &vars),
        "ingress" => ingress(session, &vars),
        _ => Err(Failure::FailedWithUsage(format!(
            "unknown stats category '{category}' did you mean 'general' or 'ingress'?"
        ))),
    }
}

fn general(session: &mut Session<'_>, vars: &DebugVars) -> Result<(), Failure> {
    let rows: [(&str, &dyn std::fmt::Display); 8] = [
        ("ClusterID:", &vars.cluster_id),
        ("ServerID:", &vars.server_id),
        ("Host:", &vars.host),
        ("Tasks:", &vars.num_tasks),
        ("Enabled Tasks:", &vars.num_enabled_tasks),
        ("Subscriptions:", &vars.num_subscriptions),
        ("Platform:", &vars.platform),
        ("Version:", &vars.version),
    ];
    for (name, value) in rows {
        let value = value.to_string();
        writeln!(session.out, "{name:<30}{value:<30}")?;
    }
    Ok(())
}

fn ingress(session: &mut Session<'_>, vars: &DebugVars) -> Result<(), Failure> {
    let tag = |stat: &crate::shapes::Stat, name: &str| stat.tags.get(name).cloned().unwrap_or_default();
    let mut rows: Vec<(String, String, String, i64)> = vars
        .kapacitor
        .values()
        .filter(|stat| {
            stat.name == "ingress" && stat.tags.get("task_master").is_some_and(|name| name == "main")
        })
        .map(|stat| {
            let points = stat.values.get("points_received");
            let points =
                points.and_then(|points| points.as_i64().or_else(|| points.as_f64().map(|f| f as i64)));
            (
                tag(stat, "database"),
                tag(stat, "retention_policy"),
                tag(stat, "measurement"),
                points.unwrap_or(0),
            )
        })
        .collect();
    rows.sort();
    let database = 1 + widest(8, rows.iter().map(|row| row.0.as_str()));
    let policy = 1 + widest(16, rows.iter().map(|row| row.1.as_str()));
    let measurement = 1 + widest(11, rows.iter().map(|row| row.2.as_str()));
    let out = &mut session.out;
    writeln!(
        out,
        "{:<database$}{:<policy$}{:<measurement$}Points Received",
        "Database", "Retention Policy", "Measurement"
    )?;
    for row in &rows {
        writeln!(out, "{:<database$}{:<policy$}{:<measurement$}{:>15}", row.0, row.1, row.2, row.3)?;
    }
    Ok(())
}
