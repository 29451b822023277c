//! Runs scenarios one after the other, each as a process in a world of its own with a deadline, and
//! understands the options of `cargo test`.

mod child;
mod interrupt;
mod options;

use crate::failure::{Failure, Outcome, Trying};
use crate::figures::{Figures, Row, tables};
use crate::isolation::{Isolation, REQUIRE};
use crate::member::tail;
use crate::run::{FIGURES, Stage};
use crate::timeline::say;
use crate::{binary, parting};
use options::Options;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode, ExitStatus};
use std::time::{Duration, Instant};

/// When set to 1, the folders of failed scenarios stay where they are.
pub const KEEP: &str = "FARAD_KEEP";

/// Lines of each log that a failure shows.
const TAIL: usize = 12;

/// One scenario.
pub struct Scenario {
    /// Its name, as users select it.
    pub name: &'static str,
    /// How long it may take.
    pub deadline: fn() -> Duration,
    /// Runs only when asked for with `--ignored`.
    pub on_request: bool,
    /// Plays it.
    pub play: fn(&Stage) -> Outcome,
}

/// How a scenario ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Ok,
    Failed,
    Skipped,
    Late,
    Interrupted,
}

/// The whole program: runs what the arguments select.
pub fn main(scenarios: &[Scenario]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name, folder] = arguments.as_slice()
        && flag == child::FLAG
    {
        return child::play(scenarios, name, Path::new(folder));
    }
    let options = Options::read(&arguments);
    let selected: Vec<&Scenario> = scenarios.iter().filter(|scenario| options.wants(scenario)).collect();
    if options.list {
        selected.iter().for_each(|scenario| say(&format!("{}: test", scenario.name)));
        say(&format!("\n{} tests, 0 benchmarks", selected.len()));
        return ExitCode::SUCCESS;
    }
    match run_all(&selected) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            say(&format!("the scenarios cannot be run: {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// Where logs of failed scenarios and the tables go.
struct Reports {
    folder: PathBuf,
    table: PathBuf,
}

fn run_all(selected: &[&Scenario]) -> Outcome<bool> {
    if selected.is_empty() {
        say("no scenario is selected");
        return Ok(true);
    }
    interrupt::watch();
    let kapacitord = binary::kapacitord()?;
    let profile = binary::profile_folder()?;
    let target = profile.parent().unwrap_or(&profile);
    let reports = Reports { folder: target.join("cluster-tests"), table: target.join("cluster-tests.md") };
    say(&format!("\nrunning {} scenarios with {}", selected.len(), kapacitord.display()));
    let isolation = Isolation::find();
    if let Isolation::Unavailable(why) = &isolation {
        say(&format!("no namespaces here, so scenarios with faults of network and disk are skipped: {why}"));
    }
    let mut rows = Vec::new();
    let mut good = true;
    for scenario in selected {
        let (ended, row) = run_one(scenario, &isolation, &reports)?;
        rows.push(row);
        good &= matches!(ended, Ended::Ok | Ended::Skipped);
        if ended == Ended::Interrupted {
            break;
        }
    }
    let text = tables(&rows);
    say(&format!("\n{text}"));
    std::fs::write(&reports.table, text).trying("write the tables")?;
    say(&format!("the tables are in {}", reports.table.display()));
    Ok(good)
}

fn run_one(scenario: &Scenario, isolation: &Isolation, reports: &Reports) -> Outcome<(Ended, Row)> {
    let name = scenario.name;
    say(&format!("\nscenario {name}"));
    let folder =
        tempfile::Builder::new().prefix("farad-scenario-").tempdir().trying("make a temporary folder")?;
    let own = std::env::current_exe().trying("find this test's own program")?;
    let begun = Instant::now();
    let mut command = isolation.command(own.as_os_str());
    command.args([child::FLAG, name]).arg(folder.path());
    parting::end_with_us(&mut command);
    let mut process = command.spawn().trying("start a scenario")?;
    let ended = wait(&mut process, (scenario.deadline)())?;
    let seconds = begun.elapsed().as_secs_f64();
    let result = word(ended);
    say(&format!("scenario {name} ... {result} ({seconds:.1} s)"));
    if matches!(ended, Ended::Failed | Ended::Late) {
        show(folder.path(), &reports.folder.join(name))?;
    }
    let figures = std::fs::read(folder.path().join(FIGURES)).unwrap_or_default();
    let figures = Figures::from_json(&serde_json::from_slice(&figures).unwrap_or_default());
    if ended != Ended::Ok && std::env::var_os(KEEP).is_some_and(|value| value == "1") {
        say(&format!("its folder is {}", folder.keep().display()));
    }
    Ok((ended, Row { name: name.to_owned(), result: result.to_owned(), seconds, figures }))
}

fn word(ended: Ended) -> &'static str {
    match ended {
        Ended::Ok => "ok",
        Ended::Failed => "FAILED",
        Ended::Skipped => "skipped",
        Ended::Late => "FAILED: it took too long",
        Ended::Interrupted => "interrupted",
    }
}

/// Waits for a scenario's process, and ends it when it is late or somebody interrupts us.
fn wait(process: &mut Child, deadline: Duration) -> Outcome<Ended> {
    let begun = Instant::now();
    let ended = loop {
        if let Some(status) = process.try_wait().trying("look at a scenario")? {
            return Ok(judge(status));
        }
        if interrupt::came() {
            break Ended::Interrupted;
        }
        if begun.elapsed() > deadline {
            break Ended::Late;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    // Everything in its world ends with it.
    process.kill().trying("end a scenario")?;
    process.wait().trying("wait for a scenario's end")?;
    Ok(ended)
}

fn judge(status: ExitStatus) -> Ended {
    let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
    match status.code() {
        Some(0) => Ended::Ok,
        Some(code) if code == child::SKIPPED && !required => Ended::Skipped,
        _ if interrupt::came() => Ended::Interrupted,
        _ => Ended::Failed,
    }
}

/// Shows the ends of a failed scenario's logs, and keeps them where they are found.
fn show(folder: &Path, kept: &Path) -> Outcome {
    // What an earlier run left.
    let _ = std::fs::remove_dir_all(kept);
    std::fs::create_dir_all(kept).trying("make a folder for logs")?;
    let mut logs: Vec<PathBuf> = Vec::new();
    for place in [folder.to_owned(), folder.join("reference")] {
        let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
        logs.extend(
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "log")),
        );
    }
    logs.sort();
    for log in logs {
        let name = log.strip_prefix(folder).unwrap_or(&log).display().to_string().replace('/', "-");
        std::fs::copy(&log, kept.join(&name)).trying("keep a log")?;
        say(&format!("--- the end of {name}\n{}", tail(&log, TAIL)));
    }
    say(&format!("--- whole logs are in {}", kept.display()));
    Ok(())
}

impl Scenario {
    /// A scenario with a usual deadline.
    pub const fn new(name: &'static str, play: fn(&Stage) -> Outcome) -> Scenario {
        Scenario { name, deadline: usual, on_request: false, play }
    }
}

fn usual() -> Duration {
    Duration::from_secs(180)
}

/// Finds a scenario by its name.
fn find<'s>(scenarios: &'s [Scenario], name: &str) -> Outcome<&'s Scenario> {
    let found = scenarios.iter().find(|scenario| scenario.name == name);
    found.ok_or_else(|| Failure::broken(format!("there is no scenario {name}")))
}
