//! What a scenario measured, and the table of all of them.

use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// A fault or a repair, and what it cost.
#[derive(Clone, Debug)]
pub struct Mark {
    /// What was done.
    pub what: String,
    /// Longest time without an acknowledged write, until the next mark.
    pub gap: Duration,
    /// What it should have been at most.
    pub goal: Option<Duration>,
}

impl Mark {
    /// Whether there was a goal and it was missed.
    pub fn missed(&self) -> bool {
        self.goal.is_some_and(|goal| self.gap > goal)
    }
}

/// What a scenario measured.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Acknowledged points.
    pub points: u64,
    /// Writes of which nobody knows whether they were taken more than once.
    pub doubtful: u64,
    /// Points that were.
    pub duplicates: u64,
    /// Differences explained by them.
    pub excused: usize,
    /// Different events.
    pub events: usize,
    /// Deliveries that repeat another one under its key.
    pub repeats: u64,
    /// Faults and repairs.
    pub marks: Vec<Mark>,
}

impl Figures {
    /// As the scenario's process leaves them for the runner.
    pub fn to_json(&self) -> Value {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let mark = |mark: &Mark| {
            let (gap, goal) = (milliseconds(mark.gap), mark.goal.map(milliseconds));
            json!({"what": mark.what, "gap": gap, "goal": goal})
        };
        json!({
            "points": self.points, "doubtful": self.doubtful, "duplicates": self.duplicates,
            "excused": self.excused, "events": self.events, "repeats": self.repeats,
            "marks": self.marks.iter().map(mark).collect::<Vec<_>>(),
        })
    }

    /// Reads them; what is missing is nothing.
    pub fn from_json(value: &Value) -> Figures {
        let number = |name: &str| value[name].as_u64().unwrap_or(0);
        let mark = |mark: &Value| Mark {
            what: mark["what"].as_str().unwrap_or_default().to_owned(),
            gap: Duration::from_millis(mark["gap"].as_u64().unwrap_or(0)),
            goal: mark["goal"].as_u64().map(Duration::from_millis),
        };
        Figures {
            points: number("points"),
            doubtful: number("doubtful"),
            duplicates: number("duplicates"),
            excused: number("excused") as usize,
            events: number("events") as usize,
            repeats: number("repeats"),
            marks: value["marks"].as_array().into_iter().flatten().map(mark).collect(),
        }
    }
}

/// A scenario that was run.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// `ok`, `FAILED`, `skipped`.
    pub result: String,
    /// How long it took.
    pub seconds: f64,
    /// What it measured.
    pub figures: Figures,
}

/// Two Markdown tables: scenarios, and what each fault cost.
pub fn tables(rows: &[Row]) -> String {
    let mut text = String::from(
        "| scenario | result | seconds | points acknowledged | doubtful writes | points taken twice | events | repeats by key | longest without progress |\n|---|---|---|---|---|---|---|---|---|\n",
    );
    for Row { name, result, seconds, figures } in rows {
        let longest = figures.marks.iter().map(|mark| mark.gap).max().unwrap_or_default().as_secs_f64();
        let Figures { points, doubtful, duplicates, events, repeats, .. } = figures;
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {name} | {result} | {seconds:.0} | {points} | {doubtful} | {duplicates} | {events} | {repeats} | {longest:.2} s |"
        );
    }
    text.push_str("\n| scenario | what was done | longest without progress | goal |\n|---|---|---|---|\n");
    for Row { name, figures, .. } in rows {
        for mark in &figures.marks {
            let goal = match mark.goal {
                Some(goal) if mark.missed() => format!("{:.1} s, MISSED", goal.as_secs_f64()),
                Some(goal) => format!("{:.1} s", goal.as_secs_f64()),
                None => "–".to_owned(),
            };
            let _ = writeln!(text, "| {name} | {} | {:.2} s | {goal} |", mark.what, mark.gap.as_secs_f64());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_survive_the_way_to_the_runner() {
        let goal = Some(Duration::from_secs(3));
        let mark = Mark { what: "kill".to_owned(), gap: Duration::from_millis(3200), goal };
        let figures = Figures { points: 7, repeats: 2, marks: vec![mark], ..Figures::default() };
        let read = Figures::from_json(&figures.to_json());
        assert_eq!((read.points, read.repeats, read.marks.len()), (7, 2, 1));
        let row = Row { name: "x".to_owned(), result: "ok".to_owned(), seconds: 1.0, figures: read };
        let text = tables(&[row]);
        assert!(text.contains("| x | ok | 1 | 7 | 0 | 0 | 0 | 2 | 3.20 s |"), "{text}");
        assert!(text.contains("| x | kill | 3.20 s | 3.0 s, MISSED |"), "{text}");
    }
}
