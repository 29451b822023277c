//! Raft groups of several members in one process, on the real log and state, over a network that
//! delays, cuts and breaks, while members crash and come back. Invariants are checked all the time: all
//! apply the same, nothing acknowledged is lost, one leader in a term, a proposer's order is kept, reads
//! see what was acknowledged.
//!
//! `FARAD_SEEDS=300` tries more seeds than usual, `FARAD_SEED=17` just that one.

mod chance;
mod member;
mod net;
mod oracle;
mod recorder;
mod story;

use futures::StreamExt;

use self::story::Story;

/// Seeds tried when nobody says how many.
const SEEDS: u64 = 30;
/// Clusters at once: they spend most of the time waiting.
const AT_ONCE: usize = 6;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Plays one seed; what was acknowledged, what went wrong, and how many got a snapshot.
async fn play(seed: u64) -> (u64, usize, usize, Vec<String>) {
    let mut story = Story::begin(seed).await;
    story.unfold(40).await;
    story.end().await;
    let installed = story.members.iter().filter(|member| member.disk.was_installed()).count();
    (seed, story.oracle.acknowledged_count(), installed, story.oracle.violations())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_happens_the_members_agree_and_nothing_acknowledged_is_lost() {
    let seeds = match variable("FARAD_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..variable("FARAD_SEEDS").unwrap_or(SEEDS),
    };
    let alone = seeds.end - seeds.start == 1;
    let played = futures::stream::iter(seeds).map(|seed| tokio::spawn(play(seed))).buffer_unordered(AT_ONCE);
    let played: Vec<_> = played.map(|played| played.expect("a seed panicked")).collect().await;
    let wrong: Vec<_> = played.iter().filter(|(.., violations)| !violations.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    if !alone {
        // Seeds that prove nothing would be content with anything.
        let acknowledged: usize = played.iter().map(|(_, acknowledged, ..)| acknowledged).sum();
        let installed: usize = played.iter().map(|(_, _, installed, _)| installed).sum();
        assert!(acknowledged > played.len() * 50, "only {acknowledged} proposals were acknowledged");
        assert!(installed > 0, "nobody ever got a snapshot");
    }
}
