//! Faults one after the other, drawn by a seed, for as long as one likes: `make soak`,
//! `FARAD_SEED=7 FARAD_MINUTES=60 make soak`.

use cluster_tests::network::Network;
use cluster_tests::random::Random;
use cluster_tests::run::{Run, Stage};
use cluster_tests::{Failure, Outcome};
use std::time::{Duration, Instant};

/// Minutes without `FARAD_MINUTES`.
const MINUTES: u64 = 10;

/// A fault that is over when it returns.
type Fault = fn(&mut Run, usize, Option<&Network>) -> Outcome;

const FAULTS: [(&str, Fault); 6] = [
    ("kill -9", kill),
    ("SIGTERM", stop),
    ("SIGSTOP", pause),
    ("cut off", cut),
    ("cannot call", deafen),
    ("kill -9 of all", kill_all),
];

fn number(name: &str, otherwise: u64) -> Outcome<u64> {
    match std::env::var(name) {
        Err(_) => Ok(otherwise),
        Ok(text) => text.parse().map_err(|_| Failure::broken(format!("{name}={text:?} is no number"))),
    }
}

/// The time it was asked for, and what the judgement needs.
pub fn deadline() -> Duration {
    let minutes = number("FARAD_MINUTES", MINUTES).unwrap_or(MINUTES);
    Duration::from_secs(60 * (minutes + 10 + minutes / 5))
}

/// Faults to members drawn by the seed.
pub fn soak(stage: &Stage) -> Outcome {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let seed = number("FARAD_SEED", clock.as_secs())?;
    let time = Duration::from_secs(60 * number("FARAD_MINUTES", MINUTES)?);
    stage.timeline.step(&format!("FARAD_SEED={seed} repeats these faults in this order"));
    let network = Network::open();
    if let Err(failure) = &network {
        stage.timeline.step(&format!("without faults of the network: {failure}"));
    }
    let (mut random, mut run) = (Random::new(seed), Run::start(stage, 3)?);
    let begun = Instant::now();
    while begun.elapsed() < time {
        let who = random.below(3) as usize;
        let (name, fault) = FAULTS[random.below(FAULTS.len() as u64) as usize];
        let writes = 20 + random.below(200) as usize;
        if network.is_err() && matches!(name, "cut off" | "cannot call") {
            continue;
        }
        let member = run.cluster.member(who)?.name();
        run.act(&format!("{name}: {member}"), None, |_| Ok(()))?;
        fault(&mut run, who, network.as_ref().ok())?;
        run.cluster.whole()?;
        run.goes_on(writes)?;
    }
    run.verify()
}

fn kill(run: &mut Run, who: usize, _: Option<&Network>) -> Outcome {
    run.cluster.kill9(who)?;
    run.goes_on(40)?;
    run.cluster.start_member(who)
}

fn stop(run: &mut Run, who: usize, _: Option<&Network>) -> Outcome {
    run.cluster.shut_down(who)?;
    run.goes_on(40)?;
    run.cluster.start_member(who)
}

fn pause(run: &mut Run, who: usize, _: Option<&Network>) -> Outcome {
    run.cluster.member(who)?.stop()?;
    let went_on = run.goes_on(60);
    run.cluster.member(who)?.resume()?;
    went_on
}

fn cut(run: &mut Run, who: usize, network: Option<&Network>) -> Outcome {
    let Some(network) = network else { return Ok(()) };
    let ip = run.cluster.member(who)?.ip();
    for other in run.cluster.running().into_iter().filter(|other| *other != who) {
        network.cut(ip, run.cluster.member(other)?.ip())?;
    }
    run.goes_on(60)?;
    network.heal()
}

fn deafen(run: &mut Run, who: usize, network: Option<&Network>) -> Outcome {
    let Some(network) = network else { return Ok(()) };
    let ip = run.cluster.member(who)?.ip();
    for other in run.cluster.running().into_iter().filter(|other| *other != who) {
        network.deafen(ip, run.cluster.member(other)?.rpc())?;
    }
    run.goes_on(60)?;
    network.heal()
}

fn kill_all(run: &mut Run, _: usize, _: Option<&Network>) -> Outcome {
    run.cluster.running().into_iter().try_for_each(|who| run.cluster.kill9(who))?;
    run.cluster.start_all()
}
