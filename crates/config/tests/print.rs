//! Printing: what is printed loads again, and the defaults are what they have always been.

use std::path::Path;

use config::{Config, Error, format_duration, parse_duration, sample, to_toml};
use proptest::prelude::*;

/// The printed defaults are kept as a file, so that no default changes unseen. `UPDATE=1` rewrites it.
#[test]
fn defaults_are_unchanged() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/defaults.toml");
    let printed = to_toml(&Config::default());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &printed).unwrap();
    }
    assert_eq!(printed, std::fs::read_to_string(&path).unwrap());
}

#[test]
fn what_is_printed_loads_again() {
    for text in [
        "data_dir='/d'",
        "data_dir='/d'\nmqtt=[]\nslack=[]\nhttppost=[]\ndiscord=[]\nkafka=[]\ninfluxdb=[]",
        "data_dir='/d\"\\\\'\n[deadman]\nmessage='''a\n\"b\"'''\nthreshold=1e300\n[stats]\ntiming-sample-rate=0.001",
        "data_dir='/d'\n[[influxdb]]\nname='a'\nurls=['http://a']\n[influxdb.subscriptions]\n'a b'=['c']\n[[influxdb]]\nname='b'\nurls=['http://b']\ntimeout='1h0.5s'",
        "data_dir='/d'\n[udf.functions.'a.b']\nprog='p'\ntimeout='1s'\nargs=['x y']\n[udf.functions.'a.b'.env]\n'K L'='v'",
        "data_dir='/d'\n[[kafka]]\nsasl-version=0\n[kubernetes]\nid='x'\n[zenoss.severity-map]\nok=5",
        "data_dir='/d'\n[[static-discovery]]\nid='s'\n[static-discovery.labels]\na='b'\n[[azure]]\nid='a'\n[[udp]]\n[[graphite]]\n[farad]\nmax-body-bytes=12345",
    ] {
        let (config, _) = Config::from_toml(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let printed = to_toml(&config);
        let (again, warnings) =
            Config::from_toml(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
        assert_eq!(again, config, "{printed}");
        assert_eq!(warnings, []);
        assert_eq!(to_toml(&again), printed);
    }
}

#[test]
fn the_sample_is_the_defaults() {
    let (config, warnings) = Config::from_toml(&sample()).unwrap();
    let expected = Config { data_dir: "/var/lib/kapacitor".to_owned(), ..Config::default() };
    assert_eq!(config, expected);
    assert_eq!(warnings, []);
    assert!(sample().contains(
        "# Address to listen on, host:port; an empty host means all.\n  bind-address = \":9092\"\n"
    ));
}

proptest! {
    // A failing case belongs into a test of its own, not into a file of seeds.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn durations_survive(nanos in 0..=i64::MAX as u64) {
        let duration = std::time::Duration::from_nanos(nanos);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    #[test]
    fn no_text_makes_the_reader_fall(text in "\\PC{0,200}", at in 0..20_000_usize, key in "[a-z-]{1,12}") {
        // Alone, as a duration, and in the middle of a good file.
        let _ = Config::from_toml(&text);
        let _ = parse_duration(&text);
        let mut file = to_toml(&Config::default());
        let mut at = at.min(file.len());
        while !file.is_char_boundary(at) {
            at -= 1;
        }
        file.insert_str(at, &text);
        if let Err(Error::Invalid { problems, .. }) = Config::from_toml(&file) {
            prop_assert!(!problems.is_empty());
        }
        let _ = Config::from_toml(&format!("[{key}]\n{key} = {text}"));
    }
}
