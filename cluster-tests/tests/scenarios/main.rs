//! Scenarios: members of one cluster under load, what happens to them, and what must hold all the
//! same. Each reads as a timeline. `cargo test -p farad-cluster-tests --test scenarios -- NAME`.

mod alone;
mod clocks;
mod disks;
mod holding;
mod kill;
mod looped;
mod membership;
mod network;
mod pause;
mod silence;
mod soak;
mod stop;

use cluster_tests::runner::{self, Scenario};
use std::process::ExitCode;

/// All of them, in the order in which they are run.
const SCENARIOS: [Scenario; 25] = [
    Scenario::new("alone_killed_and_stopped", alone::killed_and_stopped),
    Scenario::new("alone_with_a_full_disk", alone::with_a_full_disk),
    Scenario::new("alone_with_clock_jumps", clocks::jumps_alone),
    Scenario::new("rules_of_the_network", network::rules),
    Scenario::new("steady", kill::steady),
    Scenario::new("kill_control_leader", kill::control_leader),
    Scenario::new("kill_shard_leader", kill::shard_leader),
    Scenario::new("kill_topic_owner", kill::topic_owner),
    Scenario::new("kill_follower", kill::follower),
    Scenario::new("kill_twice_in_a_row", kill::twice_in_a_row),
    Scenario::new("kill_all_at_once", kill::all_at_once),
    Scenario::new("holding_back_across_a_kill", holding::back_across_a_kill),
    Scenario::new("looped_across_a_kill", looped::across_a_kill),
    Scenario::new("silence_across_a_kill", silence::across_a_kill),
    Scenario::new("stop_gracefully", stop::gracefully),
    Scenario::new("rolling_restart", stop::rolling_restart),
    Scenario::new("pause_leader", pause::leader),
    Scenario::new("partition_leader", network::leader),
    Scenario::new("partition_two_of_three", network::two_of_three),
    Scenario::new("partition_one_way", network::one_way),
    Scenario::new("clock_jumps", clocks::jumps),
    Scenario::new("disk_full", disks::full),
    Scenario::new("wipe", membership::wipe),
    Scenario::new("grow_and_shrink", membership::grow_and_shrink),
    Scenario { deadline: soak::deadline, on_request: true, ..Scenario::new("soak", soak::soak) },
];

fn main() -> ExitCode {
    runner::main(&SCENARIOS)
}
