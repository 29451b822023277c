//! What Kapacitor's guides tell their readers to do, done with the real binaries. A guide is a file
//! in `guides/`: scripts, points and commands in order, and what Kapacitor 1.5.7 answers to them.
//! What depends on the clock is in `guides/clock.rs`.

mod support;

#[path = "guides/clock.rs"]
mod clock;
#[path = "guides/receiver.rs"]
mod receiver;
#[path = "guides/run.rs"]
mod run;
#[path = "guides/script.rs"]
mod script;

use std::collections::BTreeSet;

/// One test for each file, and the list of them.
macro_rules! guides {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            run::guide(stringify!($name));
        })*

        #[test]
        fn every_file_is_run() {
            let listed: BTreeSet<String> = [$(stringify!($name).to_owned()),*].into();
            assert_eq!(script::names(), listed);
        }
    };
}

guides! {
    alert_topics
    client
    downtime
    getting_started
    handlers
    inhibition
    joined_rates
    language
    leaderboard
    loopback
    newer
    nodes
    reference_scripts
    two_measurements
    variables
}
