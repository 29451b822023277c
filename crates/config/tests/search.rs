//! Which file is read, and what the defaults become without one.

use std::fs;
use std::path::Path;

use config::{Config, Environment, Flags, Search};

#[test]
fn the_first_file_found_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    };
    let named = |host: &str| format!("data_dir='/d'\nhostname='{host}'");
    let flag = write("flag.conf", &named("flag"));
    let variable = write("variable.conf", &named("variable"));
    let home = dir.path().join("home");
    let at_home = write("home/.kapacitor/kapacitor.conf", &named("home"));
    let system = write("etc/kapacitor.conf", &named("system"));
    let nothing = Environment::default();
    let points: Environment = [("KAPACITOR_CONFIG_PATH", variable.to_str().unwrap())].into_iter().collect();

    let host = |flag: Option<&Path>, env: &Environment, home: Option<&Path>| {
        let search = Search { system: &system, ..Search::new(flag, env, home) };
        let loaded = Config::load(&search).unwrap();
        (loaded.config.hostname, loaded.source)
    };
    assert_eq!(host(Some(&flag), &points, Some(&home)), ("flag".to_owned(), Some(flag.clone())));
    assert_eq!(host(None, &points, Some(&home)), ("variable".to_owned(), Some(variable.clone())));
    assert_eq!(host(None, &nothing, Some(&home)), ("home".to_owned(), Some(at_home.clone())));
    fs::write(&at_home, "").unwrap();
    assert_eq!(host(None, &nothing, Some(&home)), ("system".to_owned(), Some(system.clone())));
    assert_eq!(host(Some(Path::new("/dev/null")), &points, Some(&home)), ("localhost".to_owned(), None));
}

#[test]
fn without_a_file_everything_lies_at_home() {
    let env = Environment::default();
    let search = Search::new(Some(Path::new("/dev/null")), &env, Some(Path::new("/h")));
    let config = Config::load(&search).unwrap().config;
    assert_eq!(config.data_dir, "/h/.kapacitor");
    assert_eq!(config.replay.dir, "/h/.kapacitor/replay");
    assert_eq!(config.storage.boltdb, "/h/.kapacitor/kapacitor.db");
    assert_eq!(config.load.dir, "/h/.kapacitor/load");
    let homeless = Search::new(Some(Path::new("/dev/null")), &env, None);
    assert_eq!(Config::load(&homeless).unwrap_err().to_string(), "data_dir: must be set");
}

#[test]
fn paths_left_out_of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("k.conf");
    fs::write(&file, "data_dir='/d'").unwrap();
    let env = Environment::default();
    let mut search = Search::new(Some(&file), &env, Some(Path::new("/h")));
    assert_eq!(Config::load(&search).unwrap().config.replay.dir, "./replay");
    search.paths_at_home = true;
    let config = Config::load(&search).unwrap().config;
    assert_eq!((config.data_dir.as_str(), config.replay.dir.as_str()), ("/d", "/h/.kapacitor/replay"));
}

#[test]
fn errors_name_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let env = Environment::default();
    let missing = dir.path().join("none.conf");
    let error = Config::load(&Search::new(Some(&missing), &env, None)).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read configuration file {}", missing.display())), "{error}");
    let broken = dir.path().join("k.conf");
    fs::write(&broken, "\u{feff}data_dir='/d'\n[htp]\nx=1\n").unwrap();
    let error = Config::load(&Search::new(Some(&broken), &env, None)).unwrap_err().to_string();
    assert_eq!(error, format!("{}: line 2: unknown key htp (did you mean http?)", broken.display()));
}

#[test]
fn flags_go_over_everything() {
    let env: Environment = [("KAPACITOR_HOSTNAME", "env")].into_iter().collect();
    let mut search = Search::new(Some(Path::new("/dev/null")), &env, Some(Path::new("/h")));
    search.flags = Flags { hostname: Some("flag"), log_file: Some(""), log_level: Some("error") };
    let config = Config::load(&search).unwrap().config;
    assert_eq!(
        (config.hostname.as_str(), config.logging.file.as_str(), config.logging.level.as_str()),
        ("flag", "STDERR", "error")
    );
}
