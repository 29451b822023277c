//! Functions of several points: those of a batch, or those of equal time on a stream. On a stream
//! the result is due when a point with another time arrives.

use super::fold::Acc;
use super::function::{Function, Method};
use super::points::{Among, Points, Unused};
use super::reduce::Answer;
use super::sent::{Place, Sent, nowhere};
use crate::buffer::{Buffer, Wanted};
use crate::edge::{Batch, Message, Run};
use crate::node::{Cx, Node};
use crate::state::States;
use model::{Column, Kind, Name, Origin, Rows, SeriesTable, TagSet, Time};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The operator.
pub struct Aggregate {
    /// The function.
    pub function: Function,
    /// What of a point must be kept until it is used.
    pub wanted: Wanted,
    /// The field of the result.
    pub as_: Name,
    /// Results have the time of the point that they are.
    pub point_times: bool,
}

/// What is remembered of a group: of a stream the points of one time, of batches a name.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Held {
    /// Their time, and the measurement of the first. Of batches, the name of the group's first: it is
    /// that of all results.
    at: Option<(Time, Name)>,
    /// The kind of their field, once one could be used.
    latch: Option<Kind>,
    /// The points, for a function that needs no more than this.
    acc: Option<Acc>,
    /// The points, for one that does.
    buffer: Buffer,
}

/// What is sent on.
struct Out {
    points: Sent,
    batches: Vec<Batch>,
    unused: Unused,
}

/// The points of one result.
struct Source<'a> {
    rows: &'a Rows,
    points: &'a Points<'a>,
    series: &'a SeriesTable,
}

impl Node for Aggregate {
    type State = Held;

    fn feed(&self, cx: &mut Cx<'_>, states: &mut States<Held>, inputs: &mut [Message]) -> Message {
        let among = if matches!(inputs[0], Message::Batches(_)) { Among::Batch } else { Among::Stream };
        let mut out = Out { points: Sent::default(), batches: Vec::new(), unused: Unused::new(among) };
        match &inputs[0] {
            Message::None => {}
            Message::Stream(run) => self.stream(cx, states, run, &mut out),
            Message::Batches(batches) => {
                batches.iter().for_each(|batch| self.batch(cx, states.get(batch.group), batch, &mut out));
            }
        }
        out.unused.report(cx);
        match out.batches.is_empty() {
            true => out.points.into_message(),
            false => Message::Batches(out.batches),
        }
    }
}

impl Aggregate {
    fn stream(&self, cx: &Cx<'_>, states: &mut States<Held>, run: &Run, out: &mut Out) {
        let column = run.rows.column(&self.function.field);
        for (row, &group) in run.groups.iter().enumerate() {
            let held = states.get(group);
            let time = run.rows.times[row];
            if held.at.as_ref().is_none_or(|(at, _)| *at != time) {
                let before = held.at.replace((time, run.rows.name(row).clone()));
                if let Some((time, name)) = before {
                    let tags = cx.group(group).tags.clone();
                    let place = Place { group, ordinal: run.rows.ordinals[row], name: &name, tags, time };
                    self.finish(held, place, cx.series, out);
                }
            }
            let kind = column.and_then(|column| column.kind_at(row));
            if self.function.uses(&mut held.latch, kind, &mut out.unused) {
                self.hold(held, &run.rows, row, column, cx.series);
            }
        }
    }

    fn hold(
        &self,
        held: &mut Held,
        rows: &Rows,
        row: usize,
        column: Option<&Arc<Column>>,
        series: &SeriesTable,
    ) {
        let Method::Fold(fold) = self.function.method else {
            return held.buffer.push(rows, row, series, &self.wanted);
        };
        if let (Some(kind), Some(value)) = (held.latch, column.and_then(|column| column.get(row))) {
            held.acc.get_or_insert_with(|| Acc::new(fold, kind)).add(&value);
        }
    }

    /// The result of the points that are held, which are forgotten.
    fn finish(&self, held: &mut Held, place: Place<'_>, series: &SeriesTable, out: &mut Out) {
        held.latch = None;
        if let Some(acc) = held.acc.take() {
            return self.send_point(place, acc.answer(), None, &mut out.points);
        }
        if held.buffer.is_empty() {
            return;
        }
        let origin = nowhere(place.name.clone());
        let rows = held.buffer.rows(&origin);
        held.buffer.drop_until(|_| false);
        self.reduce(place, &rows, &origin, series, out);
    }

    fn batch(&self, cx: &Cx<'_>, held: &mut Held, batch: &Batch, out: &mut Out) {
        let (_, name) = &*held.at.get_or_insert_with(|| (batch.time, batch.origin.name.clone()));
        let origin = if *name == batch.origin.name { batch.origin.clone() } else { nowhere(name.clone()) };
        let Batch { group, ordinal, time, .. } = *batch;
        let place = Place { group, ordinal, name, tags: batch.tags.clone(), time };
        self.reduce(place, &batch.rows, &origin, cx.series, out);
    }

    /// Sends what the function makes of `rows`.
    fn reduce(
        &self,
        place: Place<'_>,
        rows: &Rows,
        origin: &Arc<Origin>,
        series: &SeriesTable,
        out: &mut Out,
    ) {
        let Some(points) = Points::of(rows, &self.function, &mut out.unused) else {
            if let Method::Fold(fold) = self.function.method
                && let Some(acc) = Acc::of_nothing(fold)
            {
                self.send_point(place, acc.answer(), None, &mut out.points);
            }
            return;
        };
        let answers = match self.function.reduce(&points) {
            Ok(answers) => answers,
            Err(why) => return out.unused.add(|| why),
        };
        let source = Source { rows, points: &points, series };
        if self.function.method.gives_batches() {
            out.batches.push(self.made(place, answers, &source, origin));
        } else {
            for answer in answers {
                self.send_point(place.clone(), answer, Some(&source), &mut out.points);
            }
        }
    }

    fn time(&self, answer: &Answer, end: Time) -> Time {
        if self.point_times { answer.time.unwrap_or(end) } else { end }
    }

    fn send_point(&self, mut place: Place<'_>, answer: Answer, source: Option<&Source<'_>>, sent: &mut Sent) {
        place.time = self.time(&answer, place.time);
        match (source, answer.at) {
            (Some(source), Some(at)) if self.function.method.is_selector() => {
                let row = source.points.row(at);
                for (name, value) in source.rows.values(row) {
                    if **name == *self.function.field {
                        sent.push_field(&self.as_, value);
                    } else if *name != self.as_ {
                        sent.push_field(name, value);
                    }
                }
                place.tags = source.rows.tags.get(row, source.series).clone();
                sent.push_place(place);
            }
            _ => sent.push(place, &self.as_, answer.value),
        }
    }

    /// A batch of answers. It ends no earlier than the latest of them.
    fn made(
        &self,
        place: Place<'_>,
        answers: Vec<Answer>,
        source: &Source<'_>,
        origin: &Arc<Origin>,
    ) -> Batch {
        let mut sent = Sent::default();
        for answer in answers {
            let time = self.time(&answer, place.time);
            let tags = match answer.at {
                Some(at) => joined(&place.tags, source.rows.tags.get(source.points.row(at), source.series)),
                None => place.tags.clone(),
            };
            sent.push(Place { tags, time, ..place.clone() }, &self.as_, answer.value);
        }
        let time = sent.latest().map_or(place.time, |latest| latest.max(place.time));
        let Place { group, ordinal, tags, .. } = place;
        Batch { group, ordinal, origin: origin.clone(), tags, time, rows: sent.into_batch(origin.clone()) }
    }
}

/// The tags of a group and of a point in it.
fn joined(group: &TagSet, point: &TagSet) -> TagSet {
    if group.iter().all(|(key, _)| point.get(key).is_some()) {
        return point.clone();
    }
    TagSet::new(group.iter().chain(point))
}
