//! Reading files: shapes that Kapacitor takes, unknown keys, wrong values, checks.

mod probe;

use config::{Config, Error};
use probe::probe;

/// Loads a file that needs no more than a data directory to be valid.
fn load(text: &str) -> Result<(Config, Vec<String>), Vec<String>> {
    let text = format!("data_dir = \"/d\"\n{text}");
    match Config::from_toml(&text) {
        Ok((config, warnings)) => Ok((config, warnings.iter().map(ToString::to_string).collect())),
        Err(Error::Invalid { problems, .. }) => Err(problems.iter().map(ToString::to_string).collect()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn shapes_that_load() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "",
            &[
                ("influxdb[0].urls", r#"["http://localhost:8086"]"#),
                ("slack[0].default", "true"),
                ("mqtt[0].name", "\"default\""),
            ],
        ),
        // Lists: none, the default element changed, more than the default has.
        ("mqtt = []", &[("mqtt", "0 elements")]),
        (
            "[[influxdb]]\nname = 'a'",
            &[
                ("influxdb[0].name", "\"a\""),
                ("influxdb[0].enabled", "true"),
                ("influxdb[0].excluded-subscriptions._kapacitor", r#"["autogen"]"#),
            ],
        ),
        (
            "[[influxdb]]\nname='a'\nurls=['http://a']\n[[influxdb]]\nname='b'\nurls=['http://b']",
            &[
                ("influxdb", "2 elements"),
                ("influxdb[1].enabled", "false"),
                ("influxdb[1].excluded-subscriptions", "0 entries"),
                ("influxdb[1].startup-timeout", "\"5m0s\""),
                ("influxdb[1].compression", "\"gzip\""),
            ],
        ),
        // One table for a list.
        (
            "[slack]\nenabled=true\nurl='http://s'",
            &[("slack", "1 elements"), ("slack[0].enabled", "true"), ("slack[0].default", "false")],
        ),
        ("[discord]\nurl='http://d'", &[("discord[0].url", "\"http://d\"")]),
        ("[kubernetes]\nid='k'", &[("kubernetes[0].id", "\"k\"")]),
        ("[[kubernetes]]\nid='k'\n[[kubernetes]]\nid='l'", &[("kubernetes[1].id", "\"l\"")]),
        // Letter case of keys does not matter; free keys keep theirs.
        ("[HTTP]\nBind-Address=':1'", &[("http.bind-address", "\":1\"")]),
        (
            "[[httppost]]\nendpoint='e'\nurl='http://e'\n[httppost.headers]\nAuthorization='x'",
            &[("httppost[0].headers.Authorization", "\"x\""), ("httppost[0].endpoint", "\"e\"")],
        ),
        (
            "[[httppost]]\nheaders={A='b'}\nbasic-auth={username='u',password='p'}",
            &[("httppost[0].basic-auth.username", "\"u\"")],
        ),
        // A map adds to the default's entries.
        (
            "[[influxdb]]\n[influxdb.excluded-subscriptions]\nx=['y']",
            &[("influxdb[0].excluded-subscriptions", "2 entries")],
        ),
        // Numbers and durations.
        (
            "[[influxdb]]\ntimeout=0\nstartup-timeout='1h'",
            &[("influxdb[0].timeout", "\"0s\""), ("influxdb[0].startup-timeout", "\"1h0m0s\"")],
        ),
        (
            "[stats]\nstats-interval=''\ntiming-sample-rate=1",
            &[("stats.stats-interval", "\"10s\""), ("stats.timing-sample-rate", "1.0")],
        ),
        ("[smtp]\nport=2.5e1\ntoTemplates=['x']", &[("smtp.port", "25"), ("smtp.toTemplates", "[\"x\"]")]),
        ("[[kafka]]\nsasl-version=0", &[("kafka[0].sasl-version", "0")]),
        (
            "[[kafka]]\nsasl-extensions={a='b'}",
            &[("kafka[0].sasl-version", "absent"), ("kafka[0].sasl_extensions.a", "\"b\"")],
        ),
        (
            "[zenoss.severity-map]\nOK=0\ncritical='Bad'",
            &[
                ("zenoss.severity-map.OK", "0"),
                ("zenoss.severity-map.Critical", "\"Bad\""),
                ("zenoss.severity-map.Info", "\"Info\""),
            ],
        ),
        (
            "[udf.functions.f]\nprog='p'\ntimeout='10s'\n[udf.functions.f.env]\nA='b'",
            &[("udf.functions.f.env.A", "\"b\"")],
        ),
        // Zero values written by a program.
        (
            "[auth]\nenabled=false\nbcrypt-cost=0\ncache-expiration='0s'",
            &[("auth.bcrypt-cost", "10"), ("auth.cache-expiration", "\"0s\"")],
        ),
        ("[logging]\nlevel=''", &[("logging.level", "\"DEBUG\"")]),
        ("[pagerduty]\nenabled=false\nurl=''\nservice-key=''", &[("pagerduty.url", "\"\"")]),
        ("[smtp]\nenabled=false\nhost=''\nport=0\nfrom=''", &[("smtp.port", "0")]),
        ("[[udp]]\nenabled=true\nbind-address=':1'", &[("udp[0].buffer", "1000")]),
        (
            "[farad]\nqueue-bytes-max='1MiB'\nsync='always'",
            &[("farad.queue-bytes-max", "\"1MiB\""), ("farad.sync", "\"always\"")],
        ),
    ];
    for (text, expected) in cases {
        let (config, warnings) = load(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        assert_eq!(warnings, Vec::<String>::new(), "{text}");
        for (path, value) in *expected {
            assert_eq!(probe(&config, path), *value, "{path} of {text}");
        }
    }
}

#[test]
fn problems_in_a_file() {
    // Lines count from 1; the data directory is on line 1.
    let cases: &[(&str, &[&str])] = &[
        ("hostnam = 'x'", &["line 2: unknown key hostnam (did you mean hostname?)"]),
        (
            "[http]\nbind_adress = ':1'",
            &["line 3: unknown key http.bind_adress (did you mean bind-address?)"],
        ),
        ("[[influxdb]]\nzzzzzz = 1", &["line 3: unknown key influxdb[0].zzzzzz"]),
        ("[htttp]\nx = 1", &["line 2: unknown key htttp (did you mean http?)"]),
        ("[http]\nlog-enabled = 'yes'", &["line 3: http.log-enabled must be true or false, found a text"]),
        ("[smtp]\nport = '25'", &["line 3: smtp.port must be a whole number, found a text"]),
        ("[smtp]\nport = 2.5", &["line 3: smtp.port must be a whole number, found the number 2.5"]),
        (
            "[smtp]\nport = 99999999999999999999",
            &["line 3: smtp.port cannot be \"99999999999999999999\": the number is too large"],
        ),
        (
            "[stats]\nstats-interval = '10'",
            &[
                "line 3: stats.stats-interval cannot be \"10\": the duration lacks a unit (ns, us, ms, s, m or h)",
            ],
        ),
        (
            "[stats]\nstats-interval = 10",
            &[
                "line 3: stats.stats-interval cannot be \"10\": the duration lacks a unit (ns, us, ms, s, m or h)",
            ],
        ),
        (
            "[stats]\nstats-interval = '-1s'",
            &["line 3: stats.stats-interval cannot be \"-1s\": a duration must not be negative"],
        ),
        (
            "[influxdb]\nname='x'",
            &["line 2: influxdb must be a list of tables (write [[influxdb]] instead of [influxdb])"],
        ),
        ("http = 1", &["line 2: http must be a table, found the number 1"]),
        (
            "[[influxdb]]\nurls = 'http://a'",
            &["line 3: influxdb[0].urls must be a list of texts, found a text"],
        ),
        (
            "[[influxdb]]\nurls = ['a', 1]",
            &["line 3: influxdb[0].urls must be a list of texts, found the number 1"],
        ),
        (
            "[[influxdb]]\nsubscription-mode = 'x'",
            &["line 3: influxdb[0].subscription-mode cannot be \"x\": it must be \"cluster\" or \"server\""],
        ),
        (
            "[http]\nshutdown-timeout='1s'\nShutdown-Timeout='2s'",
            &[
                "line 3: http.shutdown-timeout is set twice, as Shutdown-Timeout and as shutdown-timeout (keep one of them)",
            ],
        ),
        ("[telegram]\ntoken = 5", &["line 3: telegram.token must be a text, found the number 5"]),
        // All problems at once.
        (
            "a = 1\n[http]\nb = 2\nlog-enabled = 3",
            &[
                "line 2: unknown key a",
                "line 4: unknown key http.b",
                "line 5: http.log-enabled must be true or false, found the number 3",
            ],
        ),
        ("[http\nx", &["line 2: not valid TOML: unclosed table, expected `]`"]),
    ];
    for (text, expected) in cases {
        let problems = load(text).expect_err(text);
        assert_eq!(problems, *expected, "{text}");
    }
}

#[test]
fn retired_keys_are_warnings() {
    for (text, warning) in [
        (
            "[[marathon]]\nid='m'\ntimeout='30s'",
            "line 4: marathon[0].timeout has no effect: Kapacitor no longer uses it (remove it)",
        ),
        (
            "[[static-discovery]]\nid='s'\n[static.labels]\na='b'",
            "line 4: static has no effect: the labels of a [[static-discovery]] belong in [static-discovery.labels] (remove it)",
        ),
    ] {
        let (_, warnings) = load(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        assert_eq!(warnings, [warning], "{text}");
    }
}

#[test]
fn checks_of_values() {
    let cases: &[(&str, &[&str])] = &[
        ("hostname=''", &["hostname: must be set"]),
        (
            "[http]\nbind-address='9092'",
            &["http.bind-address: invalid address \"9092\": missing port; write host:port"],
        ),
        (
            "[http]\nbind-address=':99999'",
            &["http.bind-address: invalid address \":99999\": port 99999 is out of range"],
        ),
        ("[load]\nenabled=true\ndir='load'", &["load.dir: must be an absolute path"]),
        ("[auth]\nenabled=true\nbcrypt-cost=3", &["auth.bcrypt-cost: must be from 4 to 31, got 3"]),
        (
            "[logging]\nlevel='LOUD'",
            &["logging.level: \"LOUD\" is not one of \"DEBUG\", \"INFO\", \"WARN\", \"ERROR\", \"OFF\""],
        ),
        ("[[influxdb]]\nname='a/b'", &["influxdb[0].name: may hold only letters, digits, '.', '-' and '_'"]),
        (
            "[[influxdb]]\nurls=['http://a:b']",
            &["influxdb[0].urls: invalid url \"http://a:b\": the port is not a number"],
        ),
        (
            "[[influxdb]]\nname='a'\nenabled=true\nurls=['http://a']\n[[influxdb]]\nname='a'\nenabled=true\nurls=['http://b']",
            &[
                "influxdb: one of the enabled clusters must be marked as default",
                "influxdb: two elements have the name \"a\"",
            ],
        ),
        (
            "[smtp]\nenabled=true\nport=0\nto=['x']",
            &[
                "smtp.from: must be set",
                "smtp.port: invalid port 0",
                "smtp.to: \"x\" is not an e-mail address",
            ],
        ),
        ("[slack]\nenabled=true", &["slack[0].url: must be set when the handler is enabled"]),
        (
            "[[slack]]\nworkspace='a'\n[[slack]]\nworkspace='b'",
            &["slack: one workspace must be marked as default"],
        ),
        ("[udf.functions.f]\nprog='p'", &["udf.functions.f: timeout must be more than 1ms, such as \"10s\""]),
        (
            "[udf.functions.f]\ntimeout='1s'\nprog='p'\nsocket='s'",
            &["udf.functions.f: both socket and process are configured; keep one"],
        ),
        ("[[mqtt]]\nname='a'\n[[mqtt]]\nname='b'", &["mqtt: no broker is marked as default"]),
        (
            "[[httppost]]\nalert-template='a'\nalert-template-file='b'",
            &[
                "httppost[0].alert-template-file: must be an absolute path",
                "httppost[0].alert-template: only one of alert-template and alert-template-file may be set",
            ],
        ),
        ("[[kafka]]\nenabled=true", &["kafka[0].brokers: must hold at least one broker"]),
        ("[[dns]]\nid='d'\ntype='A'", &["dns[0].port: must be set for type A"]),
        ("[[scraper]]\nname='s'", &["scraper[0].db: must be set", "scraper[0].rp: must be set"]),
        ("[kubernetes]\nenabled=true", &["kubernetes[0].api-servers: must hold at least one URL"]),
        (
            "[cluster]\nenabled=true\npeers=['a']",
            &[
                "cluster.peers: invalid address \"a\": missing port; write host:port",
                "cluster.shared-secret: must be set",
            ],
        ),
        ("[cluster]\nshards=-1", &["cluster.shards: must be from 0 to 4096"]),
        (
            "[tls]\nmin-version='ssl3'",
            &[
                "tls.min-version: \"ssl3\" is not one of \"TLS1.0\", \"1.0\", \"TLS1.1\", \"1.1\", \"TLS1.2\", \"1.2\", \"TLS1.3\", \"1.3\"",
            ],
        ),
        ("[stats]\nstats-interval='0s'", &["stats.stats-interval: must be more than 0"]),
    ];
    for (text, expected) in cases {
        let problems = load(text).expect_err(text);
        let mut problems: Vec<&str> = problems.iter().map(String::as_str).collect();
        problems.sort_unstable();
        assert_eq!(problems, *expected, "{text}");
    }
}
