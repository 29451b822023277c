//! What a run of a case gave: everything of it that a case can state.

use model::Row;
use std::ops::Range;

/// What a run gave. Two runs of the same case must give the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Why the task could not be defined or started; then there is nothing else.
    pub error: Option<String>,
    /// Each HTTP endpoint and what it shows after all input, in the order of the script; where the
    /// task ended, what it showed before that.
    pub outputs: Vec<(String, String)>,
    /// Alert events as JSON, in order.
    pub events: Vec<String>,
    /// What `log` nodes wrote, in order: node, level, text.
    pub logs: Vec<String>,
    /// Calls to the outside: node, method, URL, headers, body.
    pub calls: Vec<String>,
    /// Lines that nodes wrote to the server itself: node, database, retention policy, line.
    pub writes: Vec<String>,
    /// Nodes that counted errors.
    pub errors: Vec<NodeErrors>,
    /// Messages that each node took in and gave out. No case states them, but they must be the
    /// same in all ways of running.
    pub traffic: Vec<(String, u64, u64)>,
    /// Alert nodes in the task.
    pub alert_nodes: usize,
    /// What ticks and the end of the task added, when several shards may have had a part in it.
    pub moments: Vec<Moment>,
}

/// The places in [`Observed`]'s lists of what happened in one moment: shards have no order among
/// each other then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Of the events.
    pub events: Range<usize>,
    /// Of the log lines.
    pub logs: Range<usize>,
    /// Of the calls.
    pub calls: Range<usize>,
    /// Of the writes.
    pub writes: Range<usize>,
}

/// The errors that one node counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeErrors {
    /// Its name.
    pub node: String,
    /// Points that it could not use.
    pub count: u64,
    /// What it said of the first.
    pub first: String,
}

impl NodeErrors {
    /// As a line of a case: `where2: 3 why the first`.
    pub fn line(&self) -> String {
        format!("{}: {} {}", self.node, self.count, self.first).trim_end().to_owned()
    }
}

impl Observed {
    /// A task that could not be defined or started.
    pub fn refused(why: String) -> Observed {
        Observed { error: Some(why), ..Observed::default() }
    }

    /// The same without what depends on how the input was cut into writes: a node takes a whole
    /// write before its children see any of it, so the lines of several nodes mix differently, and
    /// of the errors of a write it reports one, which need not be that of the first line.
    pub fn without_order_between_nodes(mut self) -> Observed {
        for lines in [&mut self.logs, &mut self.calls, &mut self.writes] {
            lines.sort_by(|a, b| node_of(a).cmp(node_of(b)));
        }
        self.errors.iter_mut().for_each(|error| error.first.clear());
        if self.alert_nodes > 1 {
            self.events.sort();
        }
        self.moments.clear();
        self
    }

    /// The same without the order within each moment, which shards do not share: of the errors of one
    /// moment too, the first may be another.
    pub fn without_order_in_moments(mut self) -> Observed {
        for moment in std::mem::take(&mut self.moments) {
            self.events[moment.events].sort();
            self.logs[moment.logs].sort();
            self.calls[moment.calls].sort();
            self.writes[moment.writes].sort();
        }
        self
    }

    /// The same without the notes of its moments.
    pub fn without_moments(mut self) -> Observed {
        self.moments.clear();
        self
    }
}

fn node_of(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// What an HTTP endpoint answers: `{"series":[...]}`. A group that has nothing to show yet is null.
pub fn endpoint_json(rows: &[Option<Row>]) -> String {
    let mut out = Vec::new();
    out.extend_from_slice(b"{\"series\":");
    if rows.is_empty() {
        out.extend_from_slice(b"null");
    } else {
        for (number, row) in rows.iter().enumerate() {
            out.push(if number == 0 { b'[' } else { b',' });
            match row {
                Some(row) => alert::row_json(row, &mut out),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b']');
    }
    out.push(b'}');
    String::from_utf8(out).expect("the JSON writer writes text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_moments_lose_their_order() {
        let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        let observed = Observed {
            logs: lines("bacb"),
            events: lines("ba"),
            moments: vec![Moment { logs: 1..4, ..Moment::default() }],
            ..Observed::default()
        };
        let other = Observed { logs: lines("bbca"), ..observed.clone() };
        let plain = observed.clone().without_order_in_moments();
        assert_eq!(plain, other.without_order_in_moments());
        assert_eq!((plain.logs, plain.events), (lines("babc"), lines("ba")));
        assert_eq!(observed.without_moments().logs, lines("bacb"));
    }
}
