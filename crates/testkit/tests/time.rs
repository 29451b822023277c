//! Barriers and windows under them, against models that do one second and one point after another.

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write;
use testkit::WAYS;
use testkit::server::CLOCK;

const SECOND: i64 = 1_000_000_000;

/// One thing that happens.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A point of a group (0 to 3) with a time and a value, seconds and halves.
    Point(usize, i64, u8),
    /// So many seconds of the wall clock pass.
    Pass(i64),
}

fn acts(disorder: i64) -> impl Strategy<Value = Vec<Act>> {
    let point = (0..4usize, 0..4i64, 0..8u8, -disorder..=disorder);
    let act = prop_oneof![
        5 => point.prop_map(|(group, step, value, off)| (Some((group, value, off)), step)),
        2 => (0..9i64).prop_map(|seconds| (None, seconds)),
    ];
    prop::collection::vec(act, 1..60).prop_map(|acts| {
        let mut time = 100;
        let act = |(point, step)| match point {
            Some((group, value, off)) => {
                time += step;
                Act::Point(group, time + off, value)
            }
            None => Act::Pass(step),
        };
        acts.into_iter().map(act).collect()
    })
}

fn input(acts: &[Act]) -> String {
    let (mut text, mut clock) = (String::new(), 0);
    for act in acts {
        let _ = match *act {
            Act::Point(group, time, value) => {
                let group = ["a", "b", "c", "d"][group];
                writeln!(text, "m,h={group} v={}.5 {}", value, time * SECOND)
            }
            Act::Pass(seconds) => {
                clock += seconds;
                writeln!(text, "# tick {clock}s")
            }
        };
    }
    text
}

/// What the `log` nodes of a script wrote.
fn logs(script: &str, input: &str) -> Vec<String> {
    let observed = WAYS[0].run(script, input).unwrap_or_else(|error| panic!("{script}: {error}\n{input}"));
    assert_eq!(observed.error, None, "{script}");
    observed.logs
}

/// A second as the log has it.
fn at(second: i64) -> String {
    jiff::Timestamp::from_second(second).expect("a time of our days").to_string()
}

/// Group and time of each batch that began.
fn batches(logs: &[String]) -> Vec<(String, String)> {
    let begun = logs.iter().filter(|line| line.contains("begin batch"));
    let word = |line: &str, key: &str| {
        let found = line.split(' ').find_map(|word| word.strip_prefix(key));
        found.unwrap_or_else(|| panic!("{line} has no {key}")).to_owned()
    };
    begun.map(|line| (word(line, "group=h="), word(line, "time="))).collect()
}

/// A barrier node, and below it a window that gives a batch with each point and barrier.
#[derive(Default)]
struct Model {
    idle: Option<i64>,
    period: Option<i64>,
    delete: bool,
    groups: BTreeMap<usize, Group>,
    clock: i64,
    /// Numbers of groups in the order in which they were first seen.
    known: Vec<usize>,
    sent: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug)]
struct Group {
    last: i64,
    barrier: i64,
    deadline: i64,
    window: i64,
}

impl Model {
    fn batch(&mut self, group: usize, time: i64) {
        let known = self.groups.get_mut(&group).expect("a group");
        if time >= known.window {
            known.window = time;
            self.sent.push((["a", "b", "c", "d"][group].into(), at(time)));
        }
    }

    fn point(&mut self, group: usize, time: i64) {
        let wait = self.idle.or(self.period).expect("one of them");
        if !self.known.contains(&group) {
            self.known.push(group);
        }
        let clock = self.clock;
        let fresh = Group { last: 0, barrier: i64::MIN, deadline: clock + wait, window: time };
        let known = self.groups.entry(group).or_insert(fresh);
        if time < known.barrier {
            return;
        }
        if self.idle.is_some() {
            (known.last, known.deadline) = (time, clock + wait);
        }
        self.batch(group, time);
    }

    fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.clock += 1;
            for group in self.known.clone() {
                self.run_out(group);
            }
        }
    }

    fn run_out(&mut self, group: usize) {
        let start = CLOCK / SECOND;
        let Some(known) = self.groups.get_mut(&group).filter(|known| known.deadline == self.clock) else {
            return;
        };
        match (self.idle, self.period) {
            (Some(idle), _) => {
                known.last += idle;
                (known.barrier, known.deadline) = (known.last, self.clock + idle);
            }
            (_, Some(period)) => (known.barrier, known.deadline) = (start + self.clock, self.clock + period),
            _ => unreachable!("one of them"),
        }
        let time = known.barrier;
        self.batch(group, time);
        if self.delete {
            self.groups.remove(&group);
        }
    }
}

/// What a plain window over the points of each group in the order of their times gives, those that are
/// later than allowed left out.
fn sorted(acts: &[Act], lateness: i64) -> Vec<Act> {
    let mut newest = BTreeMap::new();
    let mut kept: Vec<Act> = acts
        .iter()
        .filter(|act| match **act {
            Act::Point(group, time, _) => {
                let newest = newest.entry(group).or_insert(time);
                let in_time = time >= *newest - lateness;
                *newest = time.max(*newest);
                in_time
            }
            Act::Pass(_) => false,
        })
        .copied()
        .collect();
    kept.sort_by_key(|act| match *act {
        Act::Point(_, time, _) => time,
        Act::Pass(_) => 0,
    });
    kept
}

/// The lines that speak of one group.
fn of_group<'a>(logs: &'a [String], group: &str) -> Vec<&'a String> {
    let word = format!(" group=h={group} ");
    logs.iter().filter(|line| line.contains(&word)).collect()
}

fn config() -> ProptestConfig {
    let given = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let asked = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig { cases: if asked { given.cases } else { 128 }, ..given }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn barriers_come_when_they_are_due(acts in acts(6), wait in 1..7i64, idle: bool, delete: bool) {
        let timer = if idle { "idle" } else { "period" };
        let over = if delete { ".delete(TRUE)" } else { "" };
        let script = format!(
            "stream|from().groupBy('h')|barrier().{timer}({wait}s){over}|window().period(2s).every(0s)|log()"
        );
        let mut model = Model { delete, ..Model::default() };
        (model.idle, model.period) = if idle { (Some(wait), None) } else { (None, Some(wait)) };
        for act in &acts {
            match *act {
                Act::Point(group, time, _) => model.point(group, time),
                Act::Pass(seconds) => model.pass(seconds),
            }
        }
        let mut got = batches(&logs(&script, &input(&acts)));
        // Timers of several groups that run out at once have no order that could be relied on.
        got.sort_by(|a, b| a.0.cmp(&b.0));
        model.sent.sort_by(|a, b| a.0.cmp(&b.0));
        prop_assert_eq!(got, model.sent, "{}", input(&acts));
    }

    #[test]
    fn fused_windows_heed_barriers_as_others_do(
        acts in acts(3),
        wait in 1..7i64,
        delete: bool,
        align: bool,
        filter: bool,
        function in prop::sample::select(&["mean", "sum", "count"][..]),
    ) {
        let over = if delete { ".delete(TRUE)" } else { "" };
        let align = if align { ".align()" } else { "" };
        let filter = if filter { "|where(lambda: \"v\" > 3.0)" } else { "" };
        let window = format!(
            "stream|from().groupBy('h')|barrier().idle({wait}s){over}{filter}\
             |window().period(4s).every(4s){align}"
        );
        let fused = format!("{window}|{function}('v')|log()");
        let plain = format!("var w = {window}\nw|{function}('v')|log()\nw|httpOut('o')");
        let input = input(&acts);
        prop_assert_eq!(logs(&fused, &input), logs(&plain, &input), "{}", input);
    }

    #[test]
    fn late_points_are_put_where_they_belong(
        acts in acts(8),
        lateness in 1..8i64,
        (period, every) in (1..9i64, 1..9i64),
        align: bool,
        fill: bool,
    ) {
        let align = if align { ".align()" } else { "" };
        let fill = if fill { ".fillPeriod()" } else { "" };
        let window =
            format!("stream|from().groupBy('h')|window().period({period}s).every({every}s){align}{fill}");
        let end = |acts: &[Act]| {
            let last = (0..4).map(|group| Act::Point(group, 10_000, 0));
            input(&acts.iter().copied().chain(last).collect::<Vec<_>>())
        };
        let waiting = logs(&format!("{window}.lateness({lateness}s)|log()"), &end(&acts));
        let plain = logs(&format!("{window}|log()"), &end(&sorted(&acts, lateness)));
        for group in ["a", "b", "c", "d"] {
            prop_assert_eq!(of_group(&waiting, group), of_group(&plain, group), "{}", end(&acts));
        }
    }
}

/// With many groups the node does not look at all of them whenever one timer runs out. None is forgotten,
/// and none comes before its time.
#[test]
fn thousands_of_groups_get_their_barriers() {
    let lines = |from: usize, to: usize| {
        let mut text = String::new();
        (from..to).for_each(|group| writeln!(text, "m,h=g{group} v=1 0").expect("text takes text"));
        text
    };
    let script = "stream|from().groupBy('h')|barrier().idle(2s).delete(TRUE)|window().period(1s).every(1s)\
                  |count('v')|log()";
    let way = testkit::Way { whole: true, ..WAYS[0] };
    let ends = |ticks: &str| {
        let input = format!("{}# tick 1s\n{}{ticks}", lines(0, 3000), lines(3000, 6000));
        way.run(script, &input).expect("it runs").logs.len()
    };
    assert_eq!(ends("# tick 1999ms\n"), 0);
    assert_eq!(ends("# tick 2001ms\n"), 3000);
    assert_eq!(ends("# tick 2999ms\n"), 3000);
    assert_eq!(ends("# tick 3001ms\n# tick 9s\n"), 6000);
}
