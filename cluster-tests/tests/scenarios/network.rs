//! Members that cannot reach each other. Writers and the receiver reach everybody.

use cluster_tests::failure::Trying;
use cluster_tests::network::Network;
use cluster_tests::run::{Run, Stage};
use cluster_tests::{Failure, Outcome, wait};
use std::net::UdpSocket;
use std::time::Duration;

/// Longest wait until a member is missed.
const MISSED: Duration = Duration::from_secs(30);

/// The rules themselves: what is cut does not arrive, what is not does.
pub fn rules(stage: &Stage) -> Outcome {
    let network = Network::open()?;
    let plan = stage.plan(3);
    let sockets = (0..3).map(|index| UdpSocket::bind((plan.ip(index), 9090))).collect::<Result<Vec<_>, _>>();
    let sockets = sockets.trying("bind three addresses")?;
    let arrives = |from: usize, to: usize| -> Outcome<bool> {
        let (sender, receiver) = (&sockets[from], &sockets[to]);
        receiver.set_read_timeout(Some(Duration::from_millis(200))).trying("set a limit")?;
        sender.send_to(b"x", (plan.ip(to), 9090)).trying("send a datagram")?;
        Ok(receiver.recv(&mut [0; 8]).is_ok())
    };
    let expect = |what: &str, expected: [bool; 3]| -> Outcome {
        let found = [arrives(0, 1)?, arrives(1, 0)?, arrives(0, 2)?];
        stage.timeline.step(&format!("{what}: {found:?}"));
        if found == expected { Ok(()) } else { Err(Failure::broken(format!("{expected:?} was expected"))) }
    };
    expect("everybody reaches everybody", [true; 3])?;
    network.cut(plan.ip(0), plan.ip(1))?;
    expect("the first two are cut", [false, false, true])?;
    network.heal()?;
    network.deafen(plan.ip(0), (plan.ip(1), 9091).into())?;
    expect("the first cannot call the second", [false, true, true])?;
    network.heal()?;
    expect("everybody reaches everybody again", [true; 3])
}

/// The control group's leader from both others.
pub fn leader(stage: &Stage) -> Outcome {
    let network = Network::open()?;
    let mut run = Run::start(stage, 3)?;
    let who = run.cluster.control_leader()?;
    let (name, ip) = (run.cluster.member(who)?.name(), run.cluster.member(who)?.ip());
    run.act(&format!("the control group's leader, {name}, is cut off"), None, |cluster| {
        others(cluster.running(), who).try_for_each(|other| network.cut(ip, cluster.member(other)?.ip()))
    })?;
    run.goes_on(100)?;
    wait::until("the others to have another leader", MISSED, || {
        for other in others(run.cluster.running(), who) {
            let roles = run.cluster.seen_by(other)?;
            if roles.control.is_none_or(|leader| leader == name) {
                return Err("it still leads".to_owned());
            }
        }
        Ok(())
    })?;
    run.step("the others have another leader");
    run.goes_on(50)?;
    run.act("everybody reaches everybody again", None, |_| network.heal())?;
    run.goes_on(100)?;
    run.verify()
}

/// Two that do not reach each other, while the third reaches both.
pub fn two_of_three(stage: &Stage) -> Outcome {
    let network = Network::open()?;
    let mut run = Run::start(stage, 3)?;
    let who = run.cluster.control_leader()?;
    let other = run.cluster.follower()?;
    let (one, two) = (run.cluster.member(who)?.ip(), run.cluster.member(other)?.ip());
    run.act(&format!("{one} and {two} do not reach each other"), None, |_| network.cut(one, two))?;
    run.goes_on(200)?;
    run.act("everybody reaches everybody again", None, |_| network.heal())?;
    run.goes_on(100)?;
    run.verify()
}

/// The leader can be called, but cannot call.
pub fn one_way(stage: &Stage) -> Outcome {
    let network = Network::open()?;
    let mut run = Run::start(stage, 3)?;
    let who = run.cluster.control_leader()?;
    let (name, ip) = (run.cluster.member(who)?.name(), run.cluster.member(who)?.ip());
    run.act(&format!("the control group's leader, {name}, cannot call anybody"), None, |cluster| {
        others(cluster.running(), who).try_for_each(|other| network.deafen(ip, cluster.member(other)?.rpc()))
    })?;
    run.goes_on(200)?;
    run.act("everybody reaches everybody again", None, |_| network.heal())?;
    run.goes_on(100)?;
    run.verify()
}

fn others(all: Vec<usize>, but: usize) -> impl Iterator<Item = usize> {
    all.into_iter().filter(move |index| *index != but)
}
