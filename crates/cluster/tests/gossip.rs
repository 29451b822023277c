//! Several members in one process, each with its own socket, find each other and lose each other.

use cluster::gossip::{About, Gossip, Options, Resolve, Seen, Timing};
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// No condition takes longer, however busy the machine is.
const LIMIT: Duration = Duration::from_secs(20);

/// The names of a network, and who is cut off from whom.
#[derive(Default)]
struct Net {
    names: Mutex<HashMap<String, Vec<SocketAddr>>>,
    cut: Mutex<HashSet<(String, String)>>,
}

/// The network as one member sees it.
struct View {
    net: Arc<Net>,
    from: String,
    /// Takes what goes to those who are cut off.
    nowhere: UdpSocket,
}

impl Resolve for View {
    fn resolve(&self, host: &str, _port: u16) -> std::io::Result<Vec<SocketAddr>> {
        if self.net.cut.lock().contains(&(self.from.clone(), host.to_owned())) {
            return Ok(vec![self.nowhere.local_addr()?]);
        }
        self.net.names.lock().get(host).cloned().ok_or_else(|| std::io::Error::other("no such host"))
    }
}

impl Net {
    fn name(&self, name: &str, addresses: &[SocketAddr]) {
        self.names.lock().insert(name.to_owned(), addresses.to_vec());
    }

    /// Separates the members of one side from those of the other, in both directions.
    fn separate(&self, one: &[&str], other: &[&str]) {
        let mut cut = self.cut.lock();
        for (a, b) in one.iter().flat_map(|a| other.iter().map(move |b| (a, b))) {
            cut.insert((a.to_string(), b.to_string()));
            cut.insert((b.to_string(), a.to_string()));
        }
    }
}

fn timing() -> Timing {
    Timing {
        probe_period: Duration::from_millis(120),
        probe_rtt: Duration::from_millis(50),
        suspicion: Duration::from_millis(600),
        spread: Duration::from_millis(50),
        hello: Duration::from_millis(60),
        hello_again: Duration::from_millis(600),
        resolve_ttl: Duration::from_millis(50),
    }
}

/// Starts member `id`, called `n{id}`, on an address of its own.
fn start(net: &Arc<Net>, id: u64, peers: &[&str], change: impl FnOnce(&mut Options, &mut About)) -> Gossip {
    let name = format!("n{id}");
    let nowhere = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut options = Options {
        bind: format!("127.0.0.{id}:0"),
        advertise: format!("{name}:9090"),
        peers: peers.iter().map(ToString::to_string).collect(),
        secret: "secret".to_owned(),
        timing: timing(),
        resolver: Arc::new(View { net: net.clone(), from: name.clone(), nowhere }),
        ..Options::default()
    };
    let mut about = About {
        id,
        name: name.clone(),
        rpc: format!("{name}:9091"),
        api: format!("http://{name}:9092"),
        uuid: format!("uuid-{id}"),
        version: "1".to_owned(),
        ..About::default()
    };
    change(&mut options, &mut about);
    let gossip = Gossip::start(options, about).unwrap();
    net.name(&name, &[gossip.local_addr()]);
    gossip
}

fn plain(_: &mut Options, _: &mut About) {}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn alive(gossip: &Gossip) -> Vec<u64> {
    gossip.seen().iter().filter(|seen| seen.alive).map(|seen| seen.about.id).collect()
}

fn member(gossip: &Gossip, id: u64) -> Option<Seen> {
    gossip.seen().into_iter().find(|seen| seen.about.id == id)
}

async fn until_all_see_all(members: &[(u64, &Gossip)]) {
    until("all see all", || {
        members.iter().all(|(id, gossip)| {
            let others: Vec<u64> =
                members.iter().map(|(other, _)| *other).filter(|other| other != id).collect();
            alive(gossip) == others
        })
    })
    .await;
}

#[tokio::test]
async fn three_find_each_other_through_one_seed() {
    let net = Arc::new(Net::default());
    let one = start(&net, 1, &[], plain);
    let mut changes = one.changes();
    let two = start(&net, 2, &["n1"], plain);
    let three = start(&net, 3, &["n1", "nobody"], plain);
    until_all_see_all(&[(1, &one), (2, &two), (3, &three)]).await;
    let seen = member(&one, 3).unwrap();
    assert_eq!(seen.about.api, "http://n3:9092");
    assert_eq!(seen.about.gossip, "n3:9090");
    assert!(seen.about.started > 0 && seen.since >= seen.about.started && !seen.left);
    assert_eq!(seen.cluster, "");
    assert!(*changes.borrow_and_update() > 0);
    until("the unknown name is counted", || three.stats().resolve_failures > 0).await;
    let stats = one.stats();
    assert!(stats.packets_in > 0 && stats.packets_out > 0 && stats.bytes_in > stats.packets_in);
    assert_eq!((stats.members_alive, stats.members_down, stats.rejected_wrong_key), (2, 0, 0));
}

#[tokio::test]
async fn one_name_for_all_of_them_is_enough() {
    let net = Arc::new(Net::default());
    let peers = ["all:9090"];
    let members = [1, 2, 3, 4].map(|id| start(&net, id, &peers, plain));
    let addresses: Vec<_> = members.iter().map(Gossip::local_addr).collect();
    net.name("all", &addresses);
    let [one, two, three, four] = &members;
    until_all_see_all(&[(1, one), (2, two), (3, three), (4, four)]).await;
    assert!(members.iter().all(|gossip| gossip.stats().rejected_twin == 0));
}

#[tokio::test]
async fn who_listens_on_all_addresses_is_reached_at_each() {
    let net = Arc::new(Net::default());
    let all = |options: &mut Options, _: &mut About| options.bind = ":0".to_owned();
    let one = start(&net, 1, &[], all);
    net.name("n1", &[SocketAddr::from(([127, 0, 0, 1], one.local_addr().port()))]);
    let two = start(&net, 2, &["n1"], all);
    net.name("n2", &[SocketAddr::from(([127, 0, 0, 2], two.local_addr().port()))]);
    let three = start(&net, 3, &["n2"], plain);
    until_all_see_all(&[(1, &one), (2, &two), (3, &three)]).await;
}

#[tokio::test]
async fn another_secret_is_not_heard() {
    let net = Arc::new(Net::default());
    let one = start(&net, 1, &["n2"], plain);
    let two = start(&net, 2, &["n1"], |options, _| options.secret = "other".to_owned());
    until("both refuse", || one.stats().rejected_wrong_key > 2 && two.stats().rejected_wrong_key > 2).await;
    assert!(one.seen().is_empty() && two.seen().is_empty());
}

#[tokio::test]
async fn two_clusters_do_not_mix_and_one_without_keeps_to_the_first() {
    let net = Arc::new(Net::default());
    let cluster = |id: &str| {
        let id = id.to_owned();
        move |options: &mut Options, _: &mut About| options.cluster = id
    };
    let one = start(&net, 1, &["n2"], cluster("x"));
    let two = start(&net, 2, &["n1"], cluster("y"));
    until("both refuse", || one.stats().rejected_wrong_cluster > 1 && two.stats().rejected_wrong_cluster > 1)
        .await;
    assert!(one.seen().is_empty() && two.seen().is_empty());

    let three = start(&net, 3, &["n1"], plain);
    until_all_see_all(&[(1, &one), (3, &three)]).await;
    assert_eq!(member(&three, 1).unwrap().cluster, "x");
    assert_eq!(member(&one, 3).unwrap().cluster, "", "it keeps company, and does not belong");
    three.set_cluster("x").unwrap();
    until("the cluster is told", || member(&one, 3).is_some_and(|seen| seen.cluster == "x")).await;
    assert!(three.set_cluster(&"x".repeat(65)).is_err());
    assert!(one.seen().len() == 1 && two.seen().is_empty());
}

#[tokio::test]
async fn a_founded_cluster_is_told_to_all() {
    let net = Arc::new(Net::default());
    let one = start(&net, 1, &[], plain);
    let two = start(&net, 2, &["n1"], plain);
    let three = start(&net, 3, &["n1"], plain);
    until_all_see_all(&[(1, &one), (2, &two), (3, &three)]).await;
    two.set_cluster("founded").unwrap();
    for gossip in [&one, &three] {
        until("told", || member(gossip, 2).is_some_and(|seen| seen.cluster == "founded")).await;
        assert_eq!(alive(gossip).len(), 2);
    }
}

#[tokio::test]
async fn who_leaves_is_seen_as_left_at_once() {
    let net = Arc::new(Net::default());
    let slow = |options: &mut Options, _: &mut About| options.timing.suspicion = LIMIT * 2;
    let one = start(&net, 1, &[], slow);
    let two = start(&net, 2, &["n1"], slow);
    let three = start(&net, 3, &["n1"], slow);
    until_all_see_all(&[(1, &one), (2, &two), (3, &three)]).await;
    three.leave().await;
    assert!(!three.is_running());
    for gossip in [&one, &two] {
        until("left", || member(gossip, 3).is_some_and(|seen| seen.left && !seen.alive)).await;
    }
    let back = start(&net, 3, &["n2"], slow);
    until_all_see_all(&[(1, &one), (2, &two), (3, &back)]).await;
    assert!(!member(&one, 3).unwrap().left);
    three.leave().await;
    one.leave().await;
}

#[tokio::test]
async fn who_is_killed_is_seen_as_down_and_found_again_under_another_address() {
    let net = Arc::new(Net::default());
    let one = start(&net, 1, &[], plain);
    let two = start(&net, 2, &["n1"], plain);
    let three = start(&net, 3, &["n1"], plain);
    until_all_see_all(&[(1, &one), (2, &two), (3, &three)]).await;
    drop(three);
    for gossip in [&one, &two] {
        until("down", || member(gossip, 3).is_some_and(|seen| !seen.alive && !seen.left)).await;
        assert_eq!(gossip.stats().members_down, 1);
    }
    assert!(one.stats().probes_failed + two.stats().probes_failed > 0);

    // The same name, another address, and it knows nobody: the others find it.
    let back = start(&net, 3, &[], |options, about| {
        options.bind = "127.0.1.3:0".to_owned();
        about.version = "2".to_owned();
    });
    until_all_see_all(&[(1, &one), (2, &two), (3, &back)]).await;
    until("its new card", || member(&one, 3).is_some_and(|seen| seen.about.version == "2")).await;
}

#[tokio::test]
async fn a_clock_that_went_back_between_two_starts_keeps_nobody_out() {
    let net = Arc::new(Net::default());
    let future = i64::MAX / 4;
    let one = start(&net, 1, &[], plain);
    let two = start(&net, 2, &["n1"], |_, about| about.started = future);
    until_all_see_all(&[(1, &one), (2, &two)]).await;
    drop(two);
    let two = start(&net, 2, &["n1"], plain);
    until("its new card", || member(&one, 2).is_some_and(|seen| seen.alive && seen.about.started < future))
        .await;
    until_all_see_all(&[(1, &one), (2, &two)]).await;
    assert!(two.stats().rejoins > 0);
}

#[tokio::test]
async fn a_partition_heals_by_itself() {
    let net = Arc::new(Net::default());
    let members = [1, 2, 3, 4].map(|id| start(&net, id, &["n1"], plain));
    let [one, two, three, four] = &members;
    let all = [(1, one), (2, two), (3, three), (4, four)];
    until_all_see_all(&all).await;
    net.separate(&["n1", "n2"], &["n3", "n4"]);
    until("two halves", || {
        alive(one) == [2] && alive(two) == [1] && alive(three) == [4] && alive(four) == [3]
    })
    .await;
    net.cut.lock().clear();
    until_all_see_all(&all).await;
}

#[tokio::test]
async fn who_cannot_be_reached_directly_is_known_through_others() {
    let net = Arc::new(Net::default());
    net.separate(&["n1"], &["n3"]);
    let one = start(&net, 1, &["n2"], plain);
    let two = start(&net, 2, &[], plain);
    let three = start(&net, 3, &["n2"], plain);
    until_all_see_all(&[(1, &one), (2, &two), (3, &three)]).await;
    assert_eq!(member(&one, 3).unwrap().about.rpc, "n3:9091");
}

#[tokio::test]
async fn who_is_forgotten_is_not_listed_until_it_is_another_process() {
    let net = Arc::new(Net::default());
    let one = start(&net, 1, &[], plain);
    let two = start(&net, 2, &["n1"], plain);
    until_all_see_all(&[(1, &one), (2, &two)]).await;
    one.forget(2);
    until("forgotten", || one.seen().is_empty()).await;
    one.remember(2);
    until("remembered", || alive(&one) == [2]).await;
    one.forget(2);
    until("forgotten", || one.seen().is_empty()).await;
    drop(two);
    let two = start(&net, 2, &["n1"], plain);
    until_all_see_all(&[(1, &one), (2, &two)]).await;
}

#[tokio::test]
async fn the_same_address_twice_is_refused_and_counted() {
    let net = Arc::new(Net::default());
    let one = start(&net, 1, &[], plain);
    net.name("first", &[one.local_addr()]);
    let twin = start(&net, 2, &["first"], |options, _| options.advertise = "n1:9090".to_owned());
    until("refused", || one.stats().rejected_twin > 0).await;
    assert!(one.seen().is_empty() && twin.seen().is_empty());
}

#[test]
fn a_taken_port_and_a_missing_secret_are_errors() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let options = Options {
        bind: taken.local_addr().unwrap().to_string(),
        advertise: "n1".to_owned(),
        secret: "secret".to_owned(),
        ..Options::default()
    };
    let error = Gossip::start(options.clone(), About::default()).unwrap_err().to_string();
    assert!(error.contains("bind-address"), "{error}");
    let error = Gossip::start(Options { secret: String::new(), ..options }, About::default()).unwrap_err();
    assert!(error.to_string().contains("shared-secret"), "{error}");
}
