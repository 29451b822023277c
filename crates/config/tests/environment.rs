//! `KAPACITOR_*` variables over a file.

mod probe;

use std::path::Path;

use config::{Config, Environment, Error, Loaded, Search, Shape, Table};
use probe::probe;

/// Loads with the variables and no file, or the text as the file.
fn load(file: &str, variables: &[(&str, &str)]) -> Result<Loaded, Error> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kapacitor.conf");
    std::fs::write(&path, format!("data_dir='/d'\n{file}")).unwrap();
    let env: Environment = variables.iter().copied().collect();
    Config::load(&Search::new(Some(&path), &env, Some(dir.path())))
}

const TWO: &str =
    "[[influxdb]]\nname='a'\nurls=['http://a','http://b']\n[[influxdb]]\nname='b'\nurls=['http://c']\n";

#[test]
fn variables_override() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [(&'a str, &'a str)]);
    let cases: &[Case<'_>] = &[
        ("", &[("KAPACITOR_HOSTNAME", "h")], &[("hostname", "\"h\"")]),
        ("", &[("KAPACITOR_DATA_DIR", "/e")], &[("data_dir", "\"/e\"")]),
        (
            "",
            &[("KAPACITOR_HTTP_BIND_ADDRESS", ":1"), ("KAPACITOR_HTTP_LOG_ENABLED", "F")],
            &[("http.bind-address", "\":1\""), ("http.log-enabled", "false")],
        ),
        ("", &[("KAPACITOR_INFLUXDB_0_URLS_0", "http://x")], &[("influxdb[0].urls", r#"["http://x"]"#)]),
        (
            TWO,
            &[("KAPACITOR_INFLUXDB_0_URLS_1", "http://x"), ("KAPACITOR_INFLUXDB_1_PASSWORD", "p")],
            &[("influxdb[0].urls", r#"["http://a", "http://x"]"#), ("influxdb[1].password", "\"p\"")],
        ),
        (
            "",
            &[("KAPACITOR_INFLUXDB_0_SUBSCRIPTIONS_SYNC_INTERVAL", "3m")],
            &[
                ("influxdb[0].subscriptions-sync-interval", "\"3m0s\""),
                ("influxdb[0].subscriptions", "0 entries"),
            ],
        ),
        (
            "",
            &[("KAPACITOR_INFLUXDB_0_SUBSCRIPTION_MODE", "server")],
            &[("influxdb[0].subscription-mode", "\"server\"")],
        ),
        (
            "",
            &[("KAPACITOR_HTTPPOST_0_HEADERS_Authorization", "x"), ("KAPACITOR_HTTPPOST_0_HEADERS_X_Y", "z")],
            &[("httppost[0].headers.Authorization", "\"x\""), ("httppost[0].headers.X_Y", "\"z\"")],
        ),
        (
            "",
            &[("KAPACITOR_HTTPPOST_0_BASIC_AUTH_USERNAME", "u")],
            &[("httppost[0].basic-auth.username", "\"u\"")],
        ),
        (
            "",
            &[
                ("KAPACITOR_KAFKA_0_SASL_USERNAME", "u"),
                ("KAPACITOR_KAFKA_0__SASL_PASSWORD", "p"),
                ("KAPACITOR_KAFKA_0_SASL_VERSION", "0x1"),
            ],
            &[
                ("kafka[0].sasl-username", "\"u\""),
                ("kafka[0].sasl-password", "\"p\""),
                ("kafka[0].sasl-version", "1"),
            ],
        ),
        ("[kubernetes]\n", &[("KAPACITOR_KUBERNETES_TOKEN", "t")], &[("kubernetes[0].token", "\"t\"")]),
        ("[[kubernetes]]\n", &[("KAPACITOR_KUBERNETES_0_TOKEN", "t")], &[("kubernetes[0].token", "\"t\"")]),
        ("", &[("KAPACITOR_FLUXTASK_SECRETS_key", "v")], &[("fluxtask.secrets.key", "\"v\"")]),
        (
            "[udf.functions.my-f]\nprog='p'\ntimeout='1s'",
            &[("KAPACITOR_UDF_FUNCTIONS_MY_F_TIMEOUT", "2s")],
            &[("udf.functions.my-f.timeout", "\"2s\"")],
        ),
        ("", &[("KAPACITOR_ZENOSS_SEVERITY_MAP_OK", "0")], &[("zenoss.severity-map.OK", "0")]),
        ("", &[("KAPACITOR_CLUSTER_PEERS", "a:1, b:2")], &[("cluster.peers", r#"["a:1", "b:2"]"#)]),
        (
            "",
            &[("KAPACITOR_CLUSTER_PEERS", "a:1,b:2"), ("KAPACITOR_CLUSTER_PEERS_1", "c:3")],
            &[("cluster.peers", r#"["a:1", "c:3"]"#)],
        ),
        ("", &[("KAPACITOR_FARAD_MAX_BODY_BYTES", "5m")], &[("farad.max-body-bytes", "\"5MiB\"")]),
        (
            "[stats]\ntiming-sample-rate=0.5",
            &[("KAPACITOR_STATS_TIMING_SAMPLE_RATE", "")],
            &[("stats.timing-sample-rate", "0.5")],
        ),
        (
            "",
            &[("KAPACITOR_DEADMAN_THRESHOLD", "1e2"), ("KAPACITOR_SMTP_PORT", "0o31")],
            &[("deadman.threshold", "100.0"), ("smtp.port", "25")],
        ),
        // Names that belong to others.
        (
            "",
            &[
                ("KAPACITOR_URL", "x"),
                ("KAPACITOR_OPTS", "x"),
                ("KAPACITOR_PORT_9092_TCP", "x"),
                ("KAPACITOR_SERVICE_HOST", "x"),
                ("OTHER", "x"),
            ],
            &[("hostname", "\"localhost\"")],
        ),
    ];
    for (file, variables, expected) in cases {
        let loaded = load(file, variables).unwrap_or_else(|error| panic!("{variables:?}: {error}"));
        assert_eq!(loaded.warnings, [], "{variables:?}");
        for (path, value) in *expected {
            assert_eq!(probe(&loaded.config, path), *value, "{path} with {variables:?}");
        }
    }
}

#[test]
fn wrong_values_are_errors() {
    for (name, value, expected) in [
        (
            "KAPACITOR_HTTP_LOG_ENABLED",
            "maybe",
            "cannot apply KAPACITOR_HTTP_LOG_ENABLED to http.log-enabled: \"maybe\" is not true or false",
        ),
        (
            "KAPACITOR_SMTP_PORT",
            "x",
            "cannot apply KAPACITOR_SMTP_PORT to smtp.port: \"x\" is not a whole number",
        ),
        (
            "KAPACITOR_HTTP_SHUTDOWN_TIMEOUT",
            "10",
            "cannot apply KAPACITOR_HTTP_SHUTDOWN_TIMEOUT to http.shutdown-timeout: \"10\" is not a duration such as 10s or 1h30m: the duration lacks a unit (ns, us, ms, s, m or h)",
        ),
        (
            "KAPACITOR_INFLUXDB_0_SUBSCRIPTION_MODE",
            "x",
            "cannot apply KAPACITOR_INFLUXDB_0_SUBSCRIPTION_MODE to influxdb.subscription-mode: \"x\" is not \"cluster\" or \"server\": it must be \"cluster\" or \"server\"",
        ),
        (
            "KAPACITOR_KAFKA_0_SASL_VERSION",
            "+-1",
            "cannot apply KAPACITOR_KAFKA_0_SASL_VERSION to kafka.sasl-version: \"+-1\" is not a whole number",
        ),
    ] {
        let error = load("", &[(name, value)]).expect_err(name);
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn variables_that_match_nothing_are_warnings() {
    for (name, expected) in [
        (
            "KAPACITOR_HTTP_BIND_ADRESS",
            "environment variable KAPACITOR_HTTP_BIND_ADRESS matches no setting and is ignored (did you mean KAPACITOR_HTTP_BIND_ADDRESS?)",
        ),
        (
            "KAPACITOR_INFLUXDB_7_NAME",
            "environment variable KAPACITOR_INFLUXDB_7_NAME matches no setting and is ignored (it can override only list elements that the file or the defaults have)",
        ),
        (
            "KAPACITOR_INFLUXDB_0_URLS_3",
            "environment variable KAPACITOR_INFLUXDB_0_URLS_3 matches no setting and is ignored (it can override only list elements that the file or the defaults have)",
        ),
        (
            "KAPACITOR_NONSENSE_OF_ANOTHER_KIND",
            "environment variable KAPACITOR_NONSENSE_OF_ANOTHER_KIND matches no setting and is ignored",
        ),
    ] {
        let loaded = load("", &[(name, "1")]).unwrap();
        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, [expected]);
    }
}

/// Every plain setting of the schema answers to the variable that its key spells.
#[test]
fn every_setting_has_its_variable() {
    let mut names = Vec::new();
    collect(&Config::default(), "KAPACITOR", "", &mut names);
    assert!(names.len() >= 299, "{}", names.len());
    for (name, path, value) in names {
        let env: Environment = [(name.as_str(), value.as_str())].into_iter().collect();
        let search = Search::new(Some(Path::new("/dev/null")), &env, Some(Path::new("/h")));
        let set = match Config::load(&search) {
            Ok(loaded) => {
                assert_eq!(loaded.warnings, [], "{name}");
                loaded.config
            }
            // The value has the right type but breaks a rule of its own: it was taken.
            Err(Error::Invalid { problems, .. }) => {
                assert!(
                    problems.iter().all(|problem| !problem.message.contains("cannot apply")),
                    "{name}: {problems:?}"
                );
                continue;
            }
            Err(other) => panic!("{other}"),
        };
        let text = probe(&set, &path);
        assert_eq!(text.trim_matches('"'), value, "{name} sets {path}");
    }
}

/// Names, paths and a fitting value for every plain setting under a table.
fn collect(table: &dyn Table, name: &str, path: &str, out: &mut Vec<(String, String, String)>) {
    for (field, setting) in table.fields().iter().zip(table.settings()) {
        let name = format!("{name}_{}", field.key.replace('-', "_").to_uppercase());
        let path = if path.is_empty() { field.key.to_owned() } else { format!("{path}.{}", field.key) };
        match setting.shape() {
            Shape::Plain(value) => {
                let other = match (setting.wanted(), value) {
                    ("true or false", value) => (value.as_bool() == Some(false)).to_string(),
                    ("a whole number", _) => "7".to_owned(),
                    ("a number", _) => "0.25".to_owned(),
                    ("a duration such as 10s or 1h30m", _) => "1m1s".to_owned(),
                    ("a size in bytes such as 67108864 or 64MiB", _) => "3KiB".to_owned(),
                    ("a text", _) => "x:1".to_owned(),
                    // Lists are overridden by element, choices have their own words.
                    _ => continue,
                };
                out.push((name, path, other));
            }
            Shape::Table(nested) => collect(nested, &name, &path, out),
            Shape::Tables(elements) => {
                for (index, element) in elements.into_iter().enumerate() {
                    collect(element, &format!("{name}_{index}"), &format!("{path}[{index}]"), out);
                }
            }
            Shape::Absent | Shape::Map(_) | Shape::TableMap(_) => {}
        }
    }
}
