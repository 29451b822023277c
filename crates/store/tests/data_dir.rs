//! The data directory: lock, layout version, what it accepts and what it refuses.

use std::fs;

use store::{DataDir, Error};

#[test]
fn an_empty_or_missing_folder_becomes_ours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b");
    let data = DataDir::open(&path).unwrap();
    assert_eq!(data.path(), path);
    assert_eq!(data.log_dir(), path.join("log"));
    assert_eq!(data.state_dir(), path.join("state"));
    assert_eq!(fs::read_to_string(path.join("FORMAT")).unwrap(), "farad 1\n");
    drop(data);
    DataDir::open(&path).unwrap();
}

#[test]
fn a_second_opening_names_the_process_that_holds_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDir::open(dir.path()).unwrap();
    let refused = DataDir::open(dir.path()).unwrap_err();
    assert!(matches!(refused, Error::Locked { pid: Some(pid), .. } if pid == std::process::id()));
    let text = refused.to_string();
    assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
    assert!(text.contains("stop that process"), "{text}");
    drop(data);
    DataDir::open(dir.path()).unwrap();
}

#[test]
fn another_layout_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(DataDir::open(dir.path()).unwrap());
    for (content, version) in [("farad 2\n", "2"), ("farad 0", "0"), ("other 1", "other 1")] {
        fs::write(dir.path().join("FORMAT"), content).unwrap();
        match DataDir::open(dir.path()) {
            Err(Error::Version { found, wanted: 1, .. }) => assert_eq!(found, version),
            other => panic!("{content:?}: {other:?}"),
        }
    }
}

#[test]
fn a_foreign_folder_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "").unwrap();
    let refused = DataDir::open(dir.path()).unwrap_err();
    assert!(matches!(&refused, Error::NotOurs { entry, .. } if entry == "thesis.tex"));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    fs::write(&path, "").unwrap();
    assert!(matches!(DataDir::open(&path), Err(Error::Io { .. })));
}

#[test]
fn kapacitors_folder_is_taken_over_with_its_identity() {
    let dir = tempfile::tempdir().unwrap();
    let id = "5ecc33a0-7b5f-44a6-a8f0-5b0a4c1d2e3f";
    fs::write(dir.path().join("cluster.id"), id).unwrap();
    fs::write(dir.path().join("kapacitor.db"), "bolt").unwrap();
    fs::create_dir(dir.path().join("replay")).unwrap();
    fs::create_dir(dir.path().join("tasks")).unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    let data = DataDir::open(dir.path()).unwrap();
    assert_eq!(data.read_or_create("cluster.id", "new").unwrap(), id);
    assert_eq!(data.read_or_create("server.id", "new").unwrap(), "new");
    assert_eq!(data.read_or_create("server.id", "newer").unwrap(), "new");
    assert_eq!(fs::read_to_string(dir.path().join("kapacitor.db")).unwrap(), "bolt");
}

#[test]
fn a_blank_identity_file_counts_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDir::open(dir.path()).unwrap();
    fs::write(dir.path().join("server.id"), " \n").unwrap();
    assert_eq!(data.read_or_create("server.id", "made").unwrap(), "made");
    fs::write(dir.path().join("server.id"), "kept\n").unwrap();
    assert_eq!(data.read_or_create("server.id", "made").unwrap(), "kept");
}

#[test]
fn only_plain_names_are_read_or_created() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDir::open(dir.path()).unwrap();
    for name in ["", "..", "a/b", "/etc/hostname", "."] {
        assert!(data.read_or_create(name, "x").is_err(), "{name:?}");
    }
}
