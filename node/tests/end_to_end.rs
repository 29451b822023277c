//! The server and the client as users run them: defined, written to, killed, stopped, started
//! wrongly. What a task must say was recorded from Kapacitor 1.5.7 (`cases/`).

mod support;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use support::{Server, Site, case, lines, until};

/// The scripts of Kapacitor's getting-started guide, and one with a window and a mean; what each
/// shows at its endpoint.
const CASES: [(&str, Option<&str>); 4] =
    [("cpu_alert", None), ("cpu_sigma", None), ("cpu_mean", Some("mean")), ("cpu_percentile", Some("sigma"))];

/// The events of a file, each once, in order, by event id: across groups the order is free.
fn events(lines: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut events: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines {
        let event: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let of_id = events.entry(event["id"].as_str().expect("an id").to_owned()).or_default();
        if !of_id.contains(line) {
            of_id.push(line.clone());
        }
    }
    events
}

fn define(site: &Site) {
    for (name, _) in CASES {
        let id = format!("e2e_{name}");
        let (tick, _) = site.script(name);
        site.kapacitor(&["define", &id, "-tick", &tick.display().to_string()]);
        site.kapacitor(&["enable", &id]);
    }
}

fn bodies() -> Vec<String> {
    let points: Vec<String> = case("cpu.lines").lines().map(|line| format!("{line}\n")).collect();
    points.chunks(9).map(<[String]>::concat).collect()
}

/// Everything is as Kapacitor had it.
fn compare(site: &Site, server: &Server) {
    for (name, endpoint) in CASES {
        let recorded: Vec<String> = case(&format!("{name}.alerts")).lines().map(str::to_owned).collect();
        let expected = events(&recorded);
        let file = site.path(&format!("{name}.alerts"));
        until(&format!("the alerts of {name}"), || {
            events(&lines(&file)).values().flatten().count() >= recorded.len()
        });
        assert_eq!(events(&lines(&file)), expected, "{name}");
        if let Some(endpoint) = endpoint {
            let shown = server.endpoint(&format!("e2e_{name}"), endpoint);
            assert_eq!(shown.trim_end(), case(&format!("{name}.{endpoint}")).trim_end(), "{name}");
        }
    }
}

#[test]
fn the_guides_examples_say_what_kapacitor_says() {
    let site = Site::new();
    let server = site.start();
    define(&site);
    for body in bodies() {
        server.write("telegraf", "autogen", &body);
    }
    compare(&site, &server);
    for (name, _) in CASES {
        let recorded = case(&format!("{name}.alerts")).lines().count();
        assert_eq!(lines(&site.path(&format!("{name}.alerts"))).len(), recorded, "nothing is told twice");
    }
    server.terminate();
}

#[test]
fn killing_the_server_changes_nothing() {
    let site = Site::new();
    site.configure("[farad]\ncheckpoint-interval = \"1s\"\n");
    let mut server = site.start();
    define(&site);
    for (at, body) in bodies().iter().enumerate() {
        if at % 6 == 5 {
            server.kill();
            server = site.start();
        }
        server.write("telegraf", "autogen", body);
    }
    compare(&site, &server);
    server.terminate();
}

#[test]
fn the_client_sees_and_changes_tasks() {
    let site = Site::new();
    let server = site.start();
    let (tick, alerts) = site.script("cpu_mean");
    let tick = tick.display().to_string();
    assert_eq!(site.kapacitor(&["define", "cpu", "-tick", &tick]), "");
    let list = site.kapacitor(&["list", "tasks"]);
    assert_eq!(
        list,
        "ID  Type      Status    Executing Databases and Retention Policies\ncpu stream    disabled  false     [\"telegraf\".\"autogen\"]\n"
    );
    server.write("telegraf", "autogen", "cpu,host=a usage_idle=1 1\n");
    site.kapacitor(&["enable", "cpu"]);
    server.write(
        "telegraf",
        "autogen",
        &(0..7).map(|at| format!("cpu,host=a usage_idle=50 {}\n", at * 20)).collect::<String>(),
    );
    assert!(server.endpoint("cpu", "mean").contains("[\"1970-01-01T00:01:50Z\",50]"));
    until("the alert", || lines(&alerts).len() == 1);
    let shown = site.kapacitor(&["show", "cpu"]);
    for part in [
        "ID: cpu\n",
        "Status: enabled\n",
        "Executing: true\n",
        "digraph cpu {",
        "from1 -> window2 [processed=\"7\"]",
        "alerts_triggered=\"1\"",
    ] {
        assert!(shown.contains(part), "{part:?} is missing:\n{shown}");
    }
    site.kapacitor(&["disable", "cpu"]);
    assert_eq!(server.request("GET", "/kapacitor/v1/tasks/cpu/mean", "").status, 404);
    site.kapacitor(&["delete", "tasks", "cpu"]);
    assert!(!site.try_kapacitor(&["show", "cpu"]).success);

    let wrong = site.path("wrong.tick");
    std::fs::write(&wrong, "dbrp \"a\".\"b\"\nstream\n    |frm()\n").expect("written");
    let refused = site.try_kapacitor(&["define", "wrong", "-tick", &wrong.display().to_string()]);
    assert!(!refused.success && refused.stderr.contains("no method or property \"frm\""), "{refused:?}");
    server.terminate();
}

#[test]
fn stopping_delivers_what_was_written_just_before() {
    let site = Site::new();
    for round in 1..=3 {
        let server = site.start();
        if round == 1 {
            let (tick, _) = site.script("cpu_alert");
            site.kapacitor(&["define", "cpu", "-tick", &tick.display().to_string()]);
            site.kapacitor(&["enable", "cpu"]);
        }
        server.write("telegraf", "autogen", "cpu usage_idle=1 1\ncpu usage_idle=2 2\n");
        server.terminate();
        assert_eq!(lines(&site.path("cpu_alert.alerts")).len(), 2 * round);
    }
    assert!(site.log().contains("msg=stopped"), "{}", site.log());
}

#[test]
fn a_second_server_is_told_what_is_in_its_way() {
    let site = Site::new();
    let server = site.start();
    // The same port.
    let refused = site.fails(&["run"], &[]);
    assert!(!refused.success, "{refused:?}");
    assert!(refused.stderr.contains(&format!("127.0.0.1:{}", site.port())), "{}", refused.stderr);
    assert!(refused.stderr.contains("in use"), "{}", refused.stderr);
    // Another port, the same data.
    let free =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port");
    let refused = site.fails(&["run"], &[("KAPACITOR_HTTP_BIND_ADDRESS", &free.to_string())]);
    assert!(!refused.success, "{refused:?}");
    let holder = format!("is in use by process {}", server.pid());
    assert!(
        refused.stderr.contains(&holder) && refused.stderr.contains("stop that process"),
        "{}",
        refused.stderr
    );
    assert_eq!(server.request("GET", "/kapacitor/v1/ping", "").status, 204, "the first one does not mind");
    server.terminate();
    site.start().terminate();
}

#[test]
fn what_is_wrong_with_the_configuration_is_said() {
    let site = Site::new();
    type Case<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)], &'a [&'a str]);
    let cases: [Case<'_>; 8] = [
        ("[htp]\n", &["run"], &[], &["htp"]),
        ("[farad]\nsync = \"sometimes\"\n", &["run"], &[], &["sync", "sometimes"]),
        ("[http\n", &["run"], &[], &["kapacitor.conf"]),
        ("", &["run"], &[("KAPACITOR_HTTP_BIND_ADDRESS", "nowhere")], &["http.bind-address", "nowhere"]),
        ("", &["run"], &[("KAPACITOR_DATA_DIR", "/proc/nowhere")], &["/proc/nowhere"]),
        ("", &["run", "-log-level", "loud"], &[], &["loud"]),
        ("", &["run", "-no-such-flag"], &[], &["no-such-flag"]),
        ("[auth]\nenabled = true\n", &["run"], &[], &["auth.enabled", "not available"]),
    ];
    for (more, arguments, environment, said) in cases {
        site.configure(more);
        let refused = site.fails(arguments, environment);
        assert!(!refused.success, "{more:?} {arguments:?} {environment:?}");
        for text in said {
            assert!(refused.stderr.contains(text), "{text:?} is missing in {:?}", refused.stderr);
        }
    }
    site.configure("");
    let refused = site.fails(&["nonsense"], &[]);
    assert!(!refused.success && refused.stderr.contains("unknown command \"nonsense\""), "{refused:?}");
    let printed = site.fails(&["config"], &[]);
    assert!(
        printed.success && printed.stdout.contains(&format!("bind-address = \"127.0.0.1:{}\"", site.port())),
        "{printed:?}"
    );
}

#[test]
fn handlers_can_be_switched_off() {
    let site = Site::new();
    let server = site.start_with(&["-disable-handlers", "exec,log"]);
    let (tick, _) = site.script("cpu_alert");
    site.kapacitor(&["define", "cpu", "-tick", &tick.display().to_string()]);
    let refused = site.try_kapacitor(&["enable", "cpu"]);
    assert!(!refused.success && refused.stderr.contains("disabled"), "{refused:?}");
    server.terminate();

    // A task from before the switch goes on without that handler.
    let server = site.start();
    assert_eq!(site.kapacitor(&["enable", "cpu"]), "");
    server.write("telegraf", "autogen", "cpu usage_idle=1 1\n");
    server.terminate();
    let told = |site: &Site| lines(Path::new(&site.path("cpu_alert.alerts"))).len();
    assert_eq!(told(&site), 1);
    let server = site.start_with(&["-disable-handlers", "log"]);
    server.write("telegraf", "autogen", "cpu usage_idle=2 2\n");
    server.terminate();
    assert_eq!(told(&site), 1);
    let server = site.start();
    server.write("telegraf", "autogen", "cpu usage_idle=3 3\n");
    server.terminate();
    assert_eq!(told(&site), 2);
}
