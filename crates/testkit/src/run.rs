//! The ways of running a case. However a server cuts its input, spreads it or is interrupted, a
//! script makes the same of it.

use crate::observed::Observed;
use crate::server::{Error, Server};
use crate::steps::{Step, steps};

/// A way of running a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What failures call it.
    pub name: &'static str,
    /// Number of shards.
    pub shards: u32,
    /// All lines are one write; otherwise each is one.
    pub whole: bool,
    /// The shards are saved, and loaded into new ones, before every write.
    pub saved: bool,
}

/// The ways that are tried. The first is the plain one, which expectations are written from.
pub const WAYS: [Way; 5] = [
    Way { name: "straight", shards: 1, whole: false, saved: false },
    Way { name: "saved and loaded before every line", shards: 1, whole: false, saved: true },
    Way { name: "all lines in one write", shards: 1, whole: true, saved: false },
    Way { name: "over 2 shards", shards: 2, whole: false, saved: false },
    Way { name: "over 7 shards", shards: 7, whole: false, saved: false },
];

impl Way {
    /// Runs a script over an input (see [`crate::steps`]). A script that is refused is a result too.
    pub fn run(self, script: &str, input: &str) -> Result<Observed, Error> {
        let mut server = match Server::start(script, self.shards) {
            Ok(server) => server,
            Err(why) => return Ok(Observed::refused(why)),
        };
        for step in steps(input, self.whole)? {
            if self.saved {
                server.reload()?;
            }
            match step {
                Step::Lines(lines) => server.write(lines.as_bytes())?,
                Step::Tick(after) => server.tick(after)?,
                Step::Answer { node, status, body } => server.answer(node, status, body.as_bytes())?,
                Step::Source { node, json } => server.source(node, json)?,
                Step::Stop => server.stop()?,
            }
        }
        if self.saved {
            server.reload()?;
        }
        Ok(server.observe())
    }

    /// What of a result must be the same this way and the plain way.
    pub fn comparable(self, observed: &Observed) -> Observed {
        let observed = observed.clone();
        if self.whole {
            observed.without_order_between_nodes()
        } else if self.shards > 1 {
            observed.without_order_in_moments()
        } else {
            observed.without_moments()
        }
    }
}

/// What all ways of running a case gave.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the plain way gave.
    pub plain: Observed,
    /// The ways that gave something else, and what.
    pub others: Vec<(Way, Observed)>,
}

/// Runs a script in all ways. An error comes with the way in which it happened.
pub fn run(script: &str, input: &str) -> Result<Outcome, (Way, Error)> {
    let plain = WAYS[0].run(script, input).map_err(|error| (WAYS[0], error))?;
    let mut others = Vec::new();
    for &way in &WAYS[1..] {
        let other = way.run(script, input).map_err(|error| (way, error))?;
        if way.comparable(&plain) != way.comparable(&other) {
            others.push((way, other));
        }
    }
    Ok(Outcome { plain, others })
}
