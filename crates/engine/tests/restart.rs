//! Nothing is forgotten when the process dies: a member that is killed between any two operations
//! shows and delivers what one that was never killed does.

mod support;

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use support::child::Killable;
use support::op::{Op, Seen};
use support::{Member, lines};

/// Every kind of state: a window that slides, one that tumbles, one that spans all groups, counts,
/// durations, differences, a join and alert levels. `LOG` is a file.
const TASKS: [(&str, &str); 6] = [
    (
        "slide",
        r"stream|from().measurement('cpu').groupBy('host')
          |window().period(10s).every(3s)|mean('v').as('v')|httpOut('mean')",
    ),
    (
        "tumble",
        r"stream|from().measurement('cpu').groupBy('host')
          |window().period(4s).every(4s).align()|count('v').as('n')|httpOut('count')",
    ),
    ("whole", r"stream|from().measurement('cpu')|window().periodCount(5).everyCount(2)|httpOut('kept')"),
    (
        "track",
        r#"stream|from().measurement('cpu').groupBy('host')
          |stateCount(lambda: "v" > 50)|stateDuration(lambda: "v" > 50)|derivative('v').as('d')|httpOut('last')"#,
    ),
    (
        "joined",
        r"var a = stream|from().measurement('cpu').groupBy('host')
          var b = stream|from().measurement('mem').groupBy('host')
          a|join(b).as('a', 'b').tolerance(2s)|httpOut('pair')",
    ),
    (
        "alerts",
        r#"stream|from().measurement('cpu').groupBy('host')
          |alert().warn(lambda: "v" > 50).crit(lambda: "v" > 80).stateChangesOnly()
           .id('{{ index .Tags "host" }}').message('{{ .ID }} is {{ .Level }} at {{ index .Fields "v" }}')
           .topic('levels').log('LOG')"#,
    ),
];

fn definitions(log: &Path) -> Vec<Op> {
    let script = |script: &str| script.replace("LOG", &log.display().to_string());
    TASKS.iter().map(|(id, text)| Op::Define((*id).to_owned(), script(text))).collect()
}

/// The process that [`Killable`] starts; nothing when the tests run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn member_process() {
    support::child::serve().await;
}

/// The events that a log handler's file tells, each once, in order, by event id.
fn told(log: &Path) -> BTreeMap<String, Vec<String>> {
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines(log) {
        let event: serde_json::Value = serde_json::from_str(&line).expect("an event a line");
        let of_id = told.entry(event["id"].as_str().expect("an id").to_owned()).or_default();
        if !of_id.contains(&line) {
            of_id.push(line);
        }
    }
    told
}

/// Runs all of it in one go, within this process.
fn uninterrupted(ops: &[Op], log: &Path) -> (Seen, BTreeMap<String, Vec<String>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let dir = tempfile::tempdir().expect("a folder");
        tokio::spawn({
            let (ops, dir, log) = (ops.to_vec(), dir.path().to_owned(), log.to_owned());
            async move {
                let member = Member::open(&dir).await;
                for op in definitions(&log).iter().chain(&ops) {
                    member.apply(op).await;
                }
                let seen = member.seen().await;
                member.delivered().await;
                member.stop().await;
                (seen, told(&log))
            }
        })
        .await
        .expect("the run")
    })
}

/// Runs it in processes that are killed right after the operations before `cuts`.
fn killed(ops: &[Op], cuts: &[usize], log: &Path) -> (Seen, BTreeMap<String, Vec<String>>) {
    let dir = tempfile::tempdir().expect("a folder");
    let start = || Killable::start("member_process", dir.path());
    let mut member = start();
    for op in definitions(log) {
        member.apply(&op);
    }
    for (at, op) in ops.iter().enumerate() {
        if cuts.contains(&at) {
            member.kill();
            member = start();
        }
        member.apply(op);
    }
    member.kill();
    let mut member = start();
    let seen = member.seen();
    member.delivered();
    (seen, told(log))
}

/// A line: time runs on by a few seconds, sometimes back by one.
fn arb_line() -> impl Strategy<Value = (i64, &'static str, usize, u32)> {
    (-1i64..4, prop_oneof![3 => Just("cpu"), 1 => Just("mem")], 0usize..5, 0u32..100)
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(i64, &'static str, usize, u32)>),
    Checkpoint,
    Restart(usize),
}

fn arb_steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => prop::collection::vec(arb_line(), 1..8).prop_map(Step::Write),
        2 => Just(Step::Checkpoint),
        1 => (0..TASKS.len()).prop_map(Step::Restart),
    ];
    prop::collection::vec(step, 6..30)
}

fn ops(steps: &[Step]) -> Vec<Op> {
    let mut now = 1_000;
    let mut ops = Vec::new();
    for step in steps {
        match step {
            Step::Checkpoint => ops.push(Op::Checkpoint),
            Step::Restart(task) => {
                let id = TASKS[*task].0.to_owned();
                ops.push(Op::Enable(id.clone(), false));
                ops.push(Op::Enable(id, true));
            }
            Step::Write(points) => {
                let mut lines = String::new();
                for (ahead, measurement, host, value) in points {
                    now += ahead;
                    lines.push_str(&format!("{measurement},host=h{host} v={value} {now}\n"));
                }
                ops.push(Op::Write(lines));
            }
        }
    }
    ops
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn killing_changes_nothing(steps in arb_steps(), cuts in prop::collection::vec(0usize..40, 1..5)) {
        let ops = ops(&steps);
        // The log file's name is part of no event, but both runs need one of their own.
        let logs = tempfile::tempdir().expect("a folder");
        let (expected, told) = uninterrupted(&ops, &logs.path().join("whole"));
        let (seen, told_again) = killed(&ops, &cuts, &logs.path().join("killed"));
        prop_assert_eq!(seen, expected);
        prop_assert_eq!(told_again, told);
    }
}

/// Each operation in turn is the last one before the member dies.
#[test]
fn dying_after_each_operation() {
    let line = |at: i64| {
        let (host, value) = (at % 3, (at * 37) % 100);
        format!("cpu,host=h{host} v={value} {at}\nmem,host=h{host} v={at} {at}\n")
    };
    let mut ops: Vec<Op> = (0..12).map(|at| Op::Write(line(at))).collect();
    ops.insert(8, Op::Checkpoint);
    ops.insert(4, Op::Checkpoint);
    ops.insert(6, Op::Enable("track".into(), false));
    ops.insert(10, Op::Enable("track".into(), true));
    let logs = tempfile::tempdir().expect("a folder");
    let expected = uninterrupted(&ops, &logs.path().join("whole"));
    assert!(expected.0.rows["slide/mean"].len() == 3 && !expected.1.is_empty(), "{expected:?}");
    let everywhere: Vec<usize> = (0..ops.len()).collect();
    assert_eq!(killed(&ops, &everywhere, &logs.path().join("killed")), expected);
}

/// Killed in the middle of writes and checkpoints: each write is there on all shards or on none,
/// and what was acknowledged is there.
#[test]
fn dying_in_the_middle_of_operations() {
    const OPS: usize = 60;
    let dir = tempfile::tempdir().expect("a folder");
    let start = || Killable::start("member_process", dir.path());
    let mut member = start();
    let script = "stream|from().measurement('m').groupBy('host')|stateCount(lambda: TRUE)|httpOut('n')";
    member.apply(&Op::Define("t".into(), script.into()));
    let mut at_least = 0;
    let mut sent = 0;
    for acknowledged in [1, 5, 12, 20, 33, 47] {
        let ops: Vec<Op> = (0..OPS)
            .map(|at| match at % 9 {
                8 => Op::Checkpoint,
                _ => Op::Write((0..8).map(|host| format!("m,host=h{host} v=1 {at}\n")).collect()),
            })
            .collect();
        member.flood(&ops, acknowledged);
        member.kill();
        let writes = |ops: &[Op]| ops.iter().filter(|op| **op != Op::Checkpoint).count() as u64;
        (at_least, sent) = (at_least + writes(&ops[..acknowledged]), sent + writes(&ops));
        member = start();
        let rows = member.seen().rows.remove("t/n").expect("the endpoint");
        let counts: Vec<u64> = rows.iter().map(|row| count(row)).collect();
        assert_eq!(counts, [counts[0]; 8], "a write is whole");
        assert!((at_least..=sent).contains(&counts[0]), "{} of {at_least} to {sent}", counts[0]);
        // What was on its way when the member died may have been taken or not.
        (at_least, sent) = (counts[0], counts[0]);
    }
}

/// The state count of a row.
fn count(row: &str) -> u64 {
    let row: serde_json::Value = serde_json::from_str(row).expect("a row");
    row["values"][0][1].as_u64().expect("a count")
}
