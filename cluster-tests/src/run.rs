//! A scenario that runs: members, tasks, a feeder and a receiver; steps; and the judgement at the end.

use crate::bulk;
use crate::catalogs;
use crate::cluster::Cluster;
use crate::failure::{Failure, Outcome, Trying};
use crate::feeder::{Feeder, Journal};
use crate::figures::{Figures, Mark};
use crate::http::{self, WriteLimits, Written};
use crate::member::Plan;
use crate::oracle::{self, Reference, Totals, Verdict};
use crate::points::{DATABASE, HOSTS};
use crate::receiver::Receiver;
use crate::tasks::BULK;
use crate::timeline::Timeline;
use crate::wait;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// When set to 1, a missed goal fails the scenario.
pub const REQUIRE_GOALS: &str = "FARAD_REQUIRE_GOALS";

/// Longest time without an acknowledged write after a leader's sudden death.
pub const SUDDEN: Option<Duration> = Some(Duration::from_secs(3));

/// The same after a graceful stop.
pub const GRACEFUL: Option<Duration> = Some(Duration::from_millis(200));

/// Shards of every cluster here: more than members, few enough for a small machine.
pub const SHARDS: u32 = 4;

/// Longest wait for what is still to be delivered or counted.
const LATE: Duration = Duration::from_secs(45);

/// Nothing came for so long: nothing will.
const QUIET: Duration = Duration::from_secs(2);

/// How long a single write waits.
const LIMITS: WriteLimits = WriteLimits { wanted: Duration::from_secs(2), answer: Duration::from_secs(10) };

/// Name of the file in which a scenario leaves its figures.
pub const FIGURES: &str = "figures.json";

/// What a scenario is given.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its own folder.
    pub folder: PathBuf,
    /// The server to be tested.
    pub kapacitord: PathBuf,
    /// Where steps are told.
    pub timeline: Timeline,
}

impl Stage {
    /// A plan for so many members.
    pub fn plan(&self, members: usize) -> Plan {
        Plan {
            kapacitord: self.kapacitord.clone(),
            folder: self.folder.clone(),
            expect: members,
            shards: SHARDS,
            first: 11,
        }
    }
}

/// A cluster under load.
pub struct Run {
    /// The members.
    pub cluster: Cluster,
    /// Where events are posted.
    pub receiver: Receiver,
    /// Who writes.
    pub feeder: Feeder,
    stage: Stage,
    marks: Vec<(Instant, String, Option<Duration>)>,
}

impl Run {
    /// Starts so many members, defines the tasks, and begins to write to all members.
    pub fn start(stage: &Stage, members: usize) -> Outcome<Run> {
        Run::with(stage, Cluster::prepare(stage.plan(members)))
    }

    /// The same with members that are prepared but not started.
    pub fn with(stage: &Stage, mut cluster: Cluster) -> Outcome<Run> {
        cluster.start_all()?;
        stage.timeline.step(&format!("{} members run", cluster.running().len()));
        let receiver = Receiver::start(cluster.processes())?;
        oracle::define(&cluster, &receiver.url())?;
        // Every member must know the tasks before it may be written to: Kapacitor takes points that no
        // task wants.
        catalogs::equal(&cluster)?;
        let feeder = Feeder::start(cluster.targets());
        let mut run = Run { cluster, receiver, feeder, stage: stage.clone(), marks: Vec::new() };
        run.goes_on(100)?;
        run.step("three tasks run, writes are acknowledged");
        Ok(run)
    }

    /// Tells a step.
    pub fn step(&self, what: &str) {
        self.stage.timeline.step(what);
    }

    /// Waits until so many more writes are acknowledged, while no member ends by itself.
    pub fn goes_on(&mut self, writes: usize) -> Outcome {
        let cluster = &mut self.cluster;
        self.feeder.goes_on(writes, || cluster.check())
    }

    /// Does harm, or repairs it. The longest time without an acknowledged write is measured from here
    /// to the next one, and should be below the goal.
    pub fn act<T>(
        &mut self,
        what: &str,
        goal: Option<Duration>,
        action: impl FnOnce(&mut Cluster) -> Outcome<T>,
    ) -> Outcome<T> {
        self.step(what);
        self.marks.push((Instant::now(), what.to_owned(), goal));
        action(&mut self.cluster)
    }

    /// Defines one more task, for [`Run::write_bulk`].
    pub fn define_bulk(&self) -> Outcome {
        oracle::define_one(&self.cluster, &BULK.request(&self.receiver.url()))?;
        catalogs::equal(&self.cluster)
    }

    /// Writes so many megabytes of other points to a member, or less when they are refused; gives how
    /// many were acknowledged. No task does anything with them, but the log must hold them.
    pub fn write_bulk(&mut self, who: usize, megabytes: u64) -> Outcome<u64> {
        let to = self.cluster.member(who)?.api();
        for number in 0..megabytes {
            let written = bulk::write(to, number);
            if !matches!(written, Written::Acknowledged) {
                self.step(&format!("a megabyte of other points is not taken: {written:?}"));
                return Ok(number);
            }
        }
        Ok(megabytes)
    }

    /// Writes lines to the first member that takes them, under a key by which they count once.
    pub fn write(&self, key: &str, lines: &str) -> Result<(), String> {
        let path = format!("/kapacitor/v1/write?db={DATABASE}&rp=autogen");
        let mut why = "no member runs".to_owned();
        for member in self.cluster.running_members() {
            match http::write(member.api(), &path, key, lines, LIMITS) {
                Written::Acknowledged => return Ok(()),
                other => why = format!("{other:?}"),
            }
        }
        Err(why)
    }

    /// The member that delivers a task's events: that of the last delivery, or of the next.
    pub fn topic_owner(&self, task: &str) -> Outcome<usize> {
        wait::until(&format!("a delivery of {task} to tell who sends it"), LATE, || {
            self.receiver.last_sender(task).ok_or_else(|| "nothing came yet".to_owned())
        })
    }

    /// Ends the writing and judges everything. Members that do not run are not asked.
    pub fn verify(mut self) -> Outcome {
        self.cluster.check()?;
        self.cluster.whole()?;
        self.step("the members are a whole cluster");
        let ended = Instant::now();
        let Run { cluster, receiver, feeder, stage, marks } = self;
        let journal = feeder.finish()?;
        let bodies = journal.acknowledged.len() as u64;
        stage.timeline.step(&format!(
            "writing ends: {} points acknowledged, {} writes in doubt, {} attempts that nobody took",
            bodies * HOSTS,
            journal.doubtful.values().sum::<u64>(),
            journal.untaken
        ));
        for (why, times) in &journal.doubts {
            stage.timeline.step(&format!("in doubt {times} times: {why}"));
        }
        let reference = oracle::reference(stage.kapacitord.clone(), &stage.folder, bodies)?;
        stage.timeline.step(&format!("one member alone makes {} events of them", reference.events.len()));
        let counted = settle(&cluster, &receiver, &reference);
        let asked = cluster.running_members().find_map(|member| Totals::ask(member).ok());
        let totals = counted.as_ref().ok().cloned().or(asked).unwrap_or_default();
        let strict = cluster.running_members().count() > 1;
        let verdict = oracle::compare(&reference, &receiver.deliveries(), &totals, &journal, strict);
        let marks = measure(&marks, ended, &journal);
        let figures = figures(bodies, &journal, &verdict, marks);
        let text = figures.to_json().to_string();
        std::fs::write(stage.folder.join(FIGURES), text).trying("leave the figures")?;
        tell(&stage.timeline, &figures, &verdict);
        counted?;
        conclude(&verdict, &figures)?;
        catalogs::equal(&cluster)?;
        stage.timeline.step("all members' catalogs are equal");
        Ok(())
    }
}

/// Waits until everything that is expected has come, and then until nothing comes any more.
fn settle(cluster: &Cluster, receiver: &Receiver, reference: &Reference) -> Outcome<Totals> {
    let mut counted = None;
    for member in cluster.running_members() {
        let what = format!("{} to show that all acknowledged points are counted", member.name());
        let totals = wait::until(&what, LATE, || {
            let totals = Totals::ask(member)?;
            totals.reach(&reference.totals).map(|()| totals)
        })?;
        counted.get_or_insert(totals);
    }
    // What does not come is a finding of the comparison, which tells more.
    let _ = wait::until("all events", LATE, || {
        let deliveries = receiver.deliveries();
        if oracle::missing(reference, &deliveries).is_empty() { Ok(()) } else { Err("some".to_owned()) }
    });
    let (mut count, mut since) = (receiver.count(), Instant::now());
    wait::until("deliveries to end", LATE, || {
        let now = receiver.count();
        if now != count {
            (count, since) = (now, Instant::now());
        }
        if since.elapsed() > QUIET { Ok(()) } else { Err(format!("{now} came")) }
    })?;
    counted.ok_or_else(|| Failure::broken("no member runs that could be asked"))
}

/// The gap after each mark.
fn measure(marks: &[(Instant, String, Option<Duration>)], ended: Instant, journal: &Journal) -> Vec<Mark> {
    let ends = marks.iter().skip(1).map(|(at, ..)| *at).chain([ended]);
    let one = |((from, what, goal), to): (&(Instant, String, Option<Duration>), Instant)| Mark {
        what: what.clone(),
        gap: journal.longest_gap(*from, to),
        goal: *goal,
    };
    marks.iter().zip(ends).map(one).collect()
}

fn figures(bodies: u64, journal: &Journal, verdict: &Verdict, marks: Vec<Mark>) -> Figures {
    Figures {
        points: bodies * HOSTS,
        doubtful: journal.doubtful.values().sum(),
        duplicates: verdict.duplicates,
        excused: verdict.excused,
        events: verdict.events,
        repeats: verdict.repeats,
        marks,
    }
}

fn tell(timeline: &Timeline, figures: &Figures, verdict: &Verdict) {
    timeline.step(&format!(
        "{} events came, {} repeated under their keys; {} points taken twice, {} differences from it; {} problems",
        figures.events,
        figures.repeats,
        figures.duplicates,
        figures.excused,
        verdict.problems.len()
    ));
    for mark in &figures.marks {
        let goal = match mark.goal {
            Some(goal) => format!(" (goal {goal:?}{})", if mark.missed() { ", MISSED" } else { "" }),
            None => String::new(),
        };
        timeline.step(&format!("without progress {:.2} s{goal}: {}", mark.gap.as_secs_f64(), mark.what));
    }
}

fn conclude(verdict: &Verdict, figures: &Figures) -> Outcome {
    if !verdict.problems.is_empty() {
        let count = verdict.problems.len();
        return Err(Failure::broken(format!("{count} problems:\n    {}", verdict.told())));
    }
    let required = std::env::var_os(REQUIRE_GOALS).is_some_and(|value| value == "1");
    match figures.marks.iter().find(|mark| required && mark.missed()) {
        Some(mark) => Err(Failure::broken(format!("{:?} without progress after: {}", mark.gap, mark.what))),
        None => Ok(()),
    }
}
