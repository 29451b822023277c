//! Guides whose outcome depends on the clock: dead hosts, collected alerts, statistics, and groups
//! that nobody writes to any more.

use crate::run::Desk;
use crate::support::{Server, Site, lines, until};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Defines and enables a task; `$DIR` is the folder of the site.
fn define(site: &Site, task: &str, script: &str) {
    let tick = site.path(&format!("{task}.tick"));
    let data = site.data();
    let dir = data.parent().expect("a folder").display().to_string();
    std::fs::write(&tick, script.replace("$DIR", &dir)).expect("written");
    site.kapacitor(&["define", task, "-tick", &tick.display().to_string(), "-dbrp", "telegraf.autogen"]);
    site.kapacitor(&["enable", task]);
}

/// The events in a file whose id contains a text.
fn events(site: &Site, file: &str, id: &str) -> Vec<Value> {
    let lines = lines(&site.path(file));
    // A line that is being written is not there yet.
    let events = lines.iter().map_while(|line| serde_json::from_str::<Value>(line).ok());
    events.filter(|event| event["id"].as_str().is_some_and(|own| own.contains(id))).collect()
}

fn levels(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["level"].as_str()).collect()
}

/// Writes the same lines ten times a second, until something is so. They take the server's time.
fn write_until(server: &Server, text: &str, what: &str, is_so: impl Fn() -> bool) {
    let mut last: Option<Instant> = None;
    until(what, || {
        if last.is_none_or(|last| last.elapsed() > Duration::from_millis(100)) {
            server.write("telegraf", "autogen", text);
            last = Some(Instant::now());
        }
        is_so()
    });
}

/// `guides/hierarchical-alert-suppression`: a host that is dead does not say that it is busy.
#[test]
fn a_dead_host_is_not_busy() {
    let Desk { site, server, .. } = Desk::open("");
    define(
        &site,
        "cpu_alert",
        "stream|from().measurement('cpu').groupBy('host')\n\
         |alert().category('system_alerts').crit(lambda: \"usage_idle\" < 10.0).log('$DIR/cpu.log')\n",
    );
    define(
        &site,
        "host_alert",
        "stream|from().measurement('uptime').groupBy('host')\n\
         |deadman(0.0, 1s).inhibit('system_alerts', 'host').log('$DIR/host.log')\n",
    );
    server.write("telegraf", "autogen", "uptime,host=a up=1i\n");
    let dead = || levels(&events(&site, "host.log", "host=a")).last() == Some(&"CRITICAL");
    write_until(&server, "uptime,host=b up=1i\n", "the death of a", dead);
    let busy = "cpu,host=a usage_idle=5\ncpu,host=b usage_idle=5\nuptime,host=b up=1i\n";
    write_until(&server, busy, "b to be busy", || !events(&site, "cpu.log", "host=b").is_empty());
    assert!(events(&site, "cpu.log", "host=a").is_empty(), "{:?}", lines(&site.path("cpu.log")));

    let alive = || levels(&events(&site, "host.log", "host=a")).last() == Some(&"OK");
    write_until(&server, "uptime,host=a up=1i\n", "a to live again", alive);
    let told = events(&site, "host.log", "host=a");
    let says = |event: &Value| event["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(says(&told[0]), "host=a:from1 for task 'host_alert' is dead: 0.000 points/1s.");
    let last = says(told.last().expect("an event"));
    assert!(last.starts_with("host=a:from1 for task 'host_alert' is alive: "), "{last}");
    let busy = "uptime,host=a up=1i\ncpu,host=a usage_idle=5\n";
    write_until(&server, busy, "a to be busy", || !events(&site, "cpu.log", "host=a").is_empty());
    server.terminate();
}

/// `reference/event_handlers/aggregate`: one message for all alerts of a while.
#[test]
fn alerts_are_collected() {
    let Desk { site, server, .. } = Desk::open("");
    define(
        &site,
        "cpu_alert",
        "stream|from().measurement('cpu').groupBy(*)|alert().crit(lambda: \"usage_idle\" < 10).topic('cpu')\n",
    );
    let log = site.path("aggregated.log").display().to_string();
    let aggregate = serde_json::json!({"id": "aggr_cpu_alerts", "kind": "aggregate", "options": {
        "interval": 700_000_000, "topic": "aggr_cpu", "message": "{{.Count}} CPU alerts in the last {{.Interval}}"}});
    let told = serde_json::json!({"id": "log", "kind": "log", "options": {"path": log}});
    for (topic, handler) in [("cpu", aggregate), ("aggr_cpu", told)] {
        let path = format!("/kapacitor/v1/alerts/topics/{topic}/handlers");
        let answer = server.request("POST", &path, &handler.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let points = "cpu,host=a usage_idle=5 1\ncpu,host=b usage_idle=4 2\ncpu,host=c usage_idle=50 3\ncpu,host=a usage_idle=3 4\n";
    server.write("telegraf", "autogen", points);
    // The interval may end between two of them.
    let counts = || -> Vec<u32> {
        let told = events(&site, "aggregated.log", "");
        let messages = told.iter().filter_map(|event| event["message"].as_str());
        let counts = messages.map(|message| message.strip_suffix(" CPU alerts in the last 700ms"));
        counts.map(|count| count.and_then(|count| count.parse().ok()).expect("a count")).collect()
    };
    until("three alerts", || counts().iter().sum::<u32>() >= 3);
    assert_eq!(counts().iter().sum::<u32>(), 3);
    let told = events(&site, "aggregated.log", "");
    assert!(levels(&told).iter().all(|level| *level == "CRITICAL"), "{told:?}");
    let series: usize =
        told.iter().filter_map(|event| event["data"]["series"].as_array()).map(Vec::len).sum();
    assert_eq!(series, 3, "{told:?}");
    assert_eq!(told.last().expect("an event")["time"], "1970-01-01T00:00:04Z");
    server.terminate();
}

/// `reference/nodes/stats_node`: what a node has sent on, shown while the data goes on.
#[test]
fn a_node_shows_its_statistics() {
    let Desk { site, server, .. } = Desk::open("");
    define(
        &site,
        "stats",
        "var data = stream|from().measurement('cpu')\n\
         data|stats(100ms)|httpOut('stats')\n\
         data|where(lambda: \"v\" > 1)|httpOut('data')\n",
    );
    server.write("telegraf", "autogen", "cpu v=1i 1\ncpu v=2i 2\ncpu v=3i 3\nmem v=4i 4\n");
    let mut shown = Value::Null;
    until("the statistics", || {
        shown = serde_json::from_str(&server.endpoint("stats", "stats")).expect("JSON");
        shown["series"][0]["values"][0][1] == 3
    });
    assert_eq!(shown["series"][0]["name"], "stats", "{shown}");
    assert_eq!(shown["series"][0]["columns"], serde_json::json!(["time", "emitted"]), "{shown}");
    assert!(server.endpoint("stats", "data").contains("[\"1970-01-01T00:00:03Z\",3]"));
    server.terminate();
}

/// `reference/nodes/barrier_node`: a window ends though no point comes after it, and its group too.
#[test]
fn a_barrier_ends_a_window() {
    let Desk { site, server, .. } = Desk::open("");
    define(
        &site,
        "top",
        "stream|from().measurement('cpu').groupBy('host')|barrier().idle(1100ms).delete(TRUE)\n\
         |window().period(1s).every(500ms)|top(2, 'value')|alert().crit(lambda: TRUE).log('$DIR/top.log')\n\
         |httpOut('top')\n",
    );
    server.write("telegraf", "autogen", "cpu,host=a value=1\ncpu,host=a value=7\n");
    until("the window", || !events(&site, "top.log", "host=a").is_empty());
    until("the end of the group", || {
        let shown: Value = serde_json::from_str(&server.endpoint("top", "top")).expect("JSON");
        shown["series"].as_array().is_none_or(Vec::is_empty)
    });
    let told = events(&site, "top.log", "");
    let values = told[0]["data"]["series"][0]["values"].as_array().expect("values");
    assert_eq!(values.iter().map(|row| &row[1]).collect::<Vec<_>>(), [7, 1], "{told:?}");
    assert_eq!(told.len(), 1, "{told:?}");
    server.terminate();
}
