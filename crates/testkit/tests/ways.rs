//! However the input is cut, spread over shards or interrupted by a restart, pipelines make the
//! same of it: random points through pipelines of every node.

use proptest::prelude::*;
use std::fmt::Write;
use testkit::CaseFile;
use testkit::check::check_case;
use testkit::run::run;

/// Pipelines, by what is at stake.
const PIPELINES: &[(&str, &str)] = &[
    ("from", "stream|from().where(lambda: \"v\" > 2.0).groupBy('host')|httpOut('o')|log()"),
    (
        "stateful from",
        "stream|from().measurement('m').where(lambda: count() % 2 == 0).groupBy(*)|httpOut('o')",
    ),
    ("where", "stream|from().groupBy('host')|where(lambda: \"v\" > 2.0 AND count() > 1)|log()|httpOut('o')"),
    (
        "eval",
        "stream|from().groupBy('host')|eval(lambda: \"v\" * 2.0, lambda: sigma(\"v\"), lambda: string(\"r\"))\
         .as('r','s','dc').tags('dc').keep()|log()|httpOut('o')",
    ),
    (
        "a tag that is made and grouped by",
        "stream|from().groupBy('host','dc')|eval(lambda: if(\"v\" > 2.0, 'hi', 'lo')).as('dc').tags('dc').keep()\
         |stateCount(lambda: \"v\" > 1.0)|httpOut('o')|log()",
    ),
    ("derivative", "stream|from().groupBy('dc')|derivative('v').nonNegative()|log()|httpOut('o')"),
    (
        "states",
        "stream|from().groupBy('host')|stateCount(lambda: \"v\" > 2.0)|stateDuration(lambda: \"v\" > 1.0)|log()|httpOut('o')",
    ),
    ("window", "stream|from().groupBy('host')|window().period(5s).every(3s)|log()|httpOut('o')"),
    (
        "aligned window",
        "stream|from().groupBy('dc')|window().period(4s).every(4s).align().fillPeriod()|log()|httpOut('o')",
    ),
    ("count window", "stream|from().groupBy(*)|window().periodCount(3).everyCount(2)|log()|httpOut('o')"),
    (
        "window of all",
        "stream|from().measurement('m')|window().period(3s)|derivative('v')|where(lambda: \"v\" > 0.0)|log()|httpOut('o')",
    ),
    (
        "regrouped stream",
        "stream|from().groupBy('host')|groupBy('dc')|stateCount(lambda: TRUE)|groupBy(*).exclude('host')|httpOut('o')|log()",
    ),
    (
        "regrouped batches",
        "stream|from().groupBy('host')|window().period(4s).every(4s).align()|groupBy('dc')|stateCount(lambda: \"v\" > 1.0)|log()|httpOut('o')",
    ),
    ("aggregate", "stream|from().groupBy('host')|window().period(5s).every(5s)|mean('v')|log()|httpOut('o')"),
    (
        "overlapping aggregates",
        "stream|from().groupBy('dc')|window().period(5s).every(2s)|spread('v')|max('spread')|log()|httpOut('o')",
    ),
    (
        "aggregate of a stream",
        "stream|from().groupBy('dc')|count('v')|cumulativeSum('count')|log()|httpOut('o')",
    ),
    (
        "selector",
        "stream|from().groupBy('host')|window().period(6s).every(6s)|percentile('v', 50.0)|log()|httpOut('o')",
    ),
    (
        "join",
        "var a = stream|from().measurement('m').groupBy('host')\nvar b = stream|from().measurement('n').groupBy('host')\n\
         a|join(b).as('a','b').tolerance(1s).fill('null')|log()|httpOut('o')",
    ),
    (
        "join on fewer tags",
        "var a = stream|from().measurement('m').groupBy('host','dc')\nvar b = stream|from().measurement('n').groupBy('dc')\n\
         a|join(b).as('a','b').on('dc')|log()|httpOut('o')",
    ),
    (
        "join of batches",
        "var a = stream|from().measurement('m').groupBy('dc')|window().period(4s).every(4s).align()|mean('v')\n\
         var b = stream|from().measurement('n').groupBy('dc')|window().period(4s).every(4s).align()|count('v')\n\
         a|join(b).as('a','b')|log()|httpOut('o')",
    ),
    (
        "alert",
        "stream|from().groupBy('host')|alert().warn(lambda: \"v\" > 1.0).crit(lambda: \"v\" > 2.0).stateChangesOnly()\
         .topic('t')|log()|httpOut('o')",
    ),
    (
        "alert with memory",
        "stream|from().groupBy('host')|alert().crit(lambda: \"v\" > 1.0).flapping(0.2, 0.5).history(4)\
         .noRecoveries().levelTag('l').idField('i').topic('t')|log()|httpOut('o')",
    ),
    (
        "alert on batches",
        "stream|from().groupBy('dc')|window().period(4s).every(2s)|alert().info(lambda: \"v\" > 0.0).crit(lambda: \"v\" > 2.0)\
         .all().topic('t')|log()|httpOut('o')",
    ),
    (
        "idle barrier",
        "stream|from().groupBy('host')|barrier().idle(2s)|window().period(5s).every(3s)|log()|httpOut('o')",
    ),
    (
        "barrier that deletes",
        "stream|from().groupBy('dc')|barrier().idle(3s).delete(TRUE)|stateCount(lambda: TRUE)|log()\
         |window().period(4s).every(4s).align()|count('v')|log()|httpOut('o')",
    ),
    (
        "periodic barrier",
        "stream|from().groupBy('host')|where(lambda: \"v\" > 1.0)|barrier().period(2s)\
         |window().period(3s).every(3s)|mean('v')|log()|httpOut('o')",
    ),
    (
        "barrier of batches",
        "stream|from().groupBy('host')|window().period(4s).every(2s)|barrier().idle(2s).delete(TRUE)\
         |max('v')|log()|httpOut('o')",
    ),
    (
        "stats",
        "var d = stream|from().groupBy('host')\nd|stats(2s)|log()|httpOut('s')\n\
         d|window().period(4s).every(4s)|mean('v')|stats(3s).align()|log()|httpOut('o')\n\
         stream|stats(5s)|log()",
    ),
    (
        "stats of groups that end",
        "stream|from().groupBy('host')|barrier().idle(2s).delete(TRUE)|stats(1s)|log()|httpOut('o')",
    ),
    ("deadman", "stream|from().groupBy('dc')|deadman(1.0, 3s).topic('t')|log()|httpOut('o')"),
    (
        "late points",
        "stream|from().groupBy('dc')|window().period(5s).every(5s).align().lateness(4s)|log()|httpOut('o')",
    ),
];

/// A line: measurement, host, dc, fields, step in time.
type Line = (bool, u8, u8, u8, u8, i64);

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let step = prop_oneof![6 => 0..3i64, 2 => 3..20i64, 1 => -5..0i64];
    prop::collection::vec((prop::bool::weighted(0.7), 0..4u8, 0..3u8, 0..8u8, 0..6u8, step), 1..40)
}

fn text(lines: &[Line]) -> String {
    let mut out = String::new();
    let (mut time, mut clock) = (0, 0);
    for &(first, host, dc, value, kind, step) in lines {
        time += step;
        out.push(if first { 'm' } else { 'n' });
        if dc > 0 {
            let _ = write!(out, ",dc={}", ["x", "y"][usize::from(dc) - 1]);
        }
        if host > 0 {
            let _ = write!(out, ",host={}", ["a", "b", "c"][usize::from(host) - 1]);
        }
        let field = match (value, kind) {
            (7, 0) => "v=\"text\"".to_owned(),
            (7, 1) => "w=1".to_owned(),
            (6, 0) => "v=3i".to_owned(),
            (_, 2) => format!("v={}.5,w={kind}i", value / 2),
            _ => format!("v={}", value / 2),
        };
        let _ = writeln!(out, " {field} {}", time * 1_000_000_000);
        // Now and then the wall clock moves on, too.
        if kind == 5 {
            clock += i64::from(value) * 700;
            let _ = writeln!(out, "# tick {clock}ms");
        }
    }
    if time % 2 == 0 {
        out.push_str("# stop\n");
    }
    out
}

/// A second's worth, unless `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let given = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if asked { given.cases } else { 48 }, ..given }
}

/// What differs, in words.
fn explain(name: &str, script: &str, input: &str) -> String {
    let text = format!("## {name}\n```tick\n{script}\n```\n```input\n{input}```\n");
    let file = CaseFile::parse(&text).expect("a case");
    format!("{text}{}", check_case(&file.cases[0], false).1)
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn all_ways_agree(lines in lines()) {
        let input = text(&lines);
        for (name, script) in PIPELINES {
            let outcome = run(script, &input);
            let outcome = outcome.map_err(|(way, error)| {
                TestCaseError::fail(format!("{name}, {}: {error}\n{input}", way.name))
            })?;
            prop_assert_eq!(&outcome.plain.error, &None, "{} is refused", name);
            prop_assert!(outcome.others.is_empty(), "{}", explain(name, script, &input));
        }
    }
}

#[test]
fn the_pipelines_do_something() {
    // Points enough for every node; a pipeline that gives nothing would agree with itself for ever.
    let lines: Vec<Line> = (0..120u32)
        .map(|n| {
            (
                n % 2 == 0,
                (n / 2 % 4) as u8,
                (n / 4 % 3) as u8,
                (n % 7) as u8,
                (n % 6) as u8,
                i64::from(n % 4 == 3),
            )
        })
        .collect();
    let input = text(&lines);
    for (name, script) in PIPELINES {
        let outcome = run(script, &input);
        let plain = outcome.unwrap_or_else(|(way, error)| panic!("{name}, {}: {error}", way.name)).plain;
        // The last batch of a group may be empty, where barriers make batches.
        let shown = plain.outputs.iter().any(|(_, body)| body.contains("values"))
            || plain.logs.iter().any(|line| line.contains(" point "));
        assert!(shown, "{name} shows nothing: {plain:?}");
        assert!(!name.starts_with("alert") || !plain.events.is_empty(), "{name} has no events");
    }
}
