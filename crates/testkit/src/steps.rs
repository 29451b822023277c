//! The input of a case as steps: line protocol to write, and directives, which are comments to line
//! protocol.
//!
//! | Line | What it does |
//! |---|---|
//! | `# tick 10s` | the wall clock moves to that long after the start; what is due on the way runs |
//! | `# answer NODE STATUS [BODY]` | answers the oldest unanswered call of a node |
//! | `# source NODE JSON` | the source of a sideload node holds this from now on |
//! | `# stop` | the task ends; nothing can follow |

use model::Time;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Lines to write, one write.
    Lines(String),
    /// Moves the clock to so many nanoseconds after the start.
    Tick(Time),
    /// Answers a call.
    Answer {
        /// The node that asked.
        node: &'a str,
        /// Status of the answer.
        status: u16,
        /// Its body.
        body: &'a str,
    },
    /// What a sideload node's source holds from now on.
    Source {
        /// The node.
        node: &'a str,
        /// An object of places with values.
        json: &'a str,
    },
    /// Ends the task.
    Stop,
}

/// A directive that nobody understands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line:?} is no directive: {why}")]
pub struct Misread {
    /// The line.
    pub line: String,
    /// What is wrong.
    pub why: &'static str,
}

/// The steps of an input. With `whole`, lines between two directives are one write; otherwise each
/// line is one.
pub fn steps(input: &str, whole: bool) -> Result<Vec<Step<'_>>, Misread> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for line in input.lines() {
        if steps.last() == Some(&Step::Stop) && !line.trim().is_empty() {
            return Err(Misread { line: line.to_owned(), why: "nothing can follow \"# stop\"" });
        }
        match directive(line)? {
            Some(step) => steps.push(step),
            None => match steps.last_mut() {
                Some(Step::Lines(lines)) if whole => {
                    lines.push('\n');
                    lines.push_str(line);
                }
                _ => steps.push(Step::Lines(line.to_owned())),
            },
        }
    }
    Ok(steps)
}

fn directive(line: &str) -> Result<Option<Step<'_>>, Misread> {
    let misread = |why| Misread { line: line.to_owned(), why };
    let Some(text) = line.strip_prefix("# ") else { return Ok(None) };
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    match name {
        "tick" => {
            let after = duration(rest.trim()).ok_or_else(|| misread("write a duration, as 10s or 1500ms"))?;
            Ok(Some(Step::Tick(after)))
        }
        "answer" => {
            let (node, rest) = rest.split_once(' ').ok_or_else(|| misread("name a node and a status"))?;
            let (status, body) = rest.split_once(' ').unwrap_or((rest, ""));
            let status = status.parse().map_err(|_| misread("the status is a number"))?;
            Ok(Some(Step::Answer { node, status, body }))
        }
        "source" => {
            let (node, json) = rest.split_once(' ').ok_or_else(|| misread("name a node and its values"))?;
            Ok(Some(Step::Source { node, json }))
        }
        "stop" if rest.is_empty() => Ok(Some(Step::Stop)),
        _ => Ok(None),
    }
}

/// A whole number of one unit, in nanoseconds.
fn duration(text: &str) -> Option<Time> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: Time = match unit {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    number.parse::<Time>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Step<'_> {
        Step::Lines(text.to_owned())
    }

    #[test]
    fn directives_cut_the_input() {
        let input =
            "a v=1 1\n# a comment\nb v=1 2\n# tick 1500ms\nc v=1 3\n# answer http_post2 404 not here\n# stop";
        let answer = Step::Answer { node: "http_post2", status: 404, body: "not here" };
        let tick = Step::Tick(1_500_000_000);
        assert_eq!(
            steps(input, true).expect("well formed"),
            [
                lines("a v=1 1\n# a comment\nb v=1 2"),
                tick.clone(),
                lines("c v=1 3"),
                answer.clone(),
                Step::Stop
            ]
        );
        assert_eq!(
            steps(input, false).expect("well formed"),
            [
                lines("a v=1 1"),
                lines("# a comment"),
                lines("b v=1 2"),
                tick,
                lines("c v=1 3"),
                answer,
                Step::Stop
            ]
        );
    }

    #[test]
    fn misread_directives_say_why() {
        for (input, why) in [
            ("# tick soon", "duration"),
            ("# tick 10", "duration"),
            ("# tick 99999999999h", "duration"),
            ("# answer node", "status"),
            ("# answer node ok", "number"),
            ("# stop\nm v=1 1", "follow"),
        ] {
            let error = steps(input, false).expect_err(input);
            assert!(error.why.contains(why), "{input}: {error}");
        }
    }
}
