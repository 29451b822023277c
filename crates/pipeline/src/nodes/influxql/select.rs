//! Functions that select a point: first, last, min, max, percentile.

use super::number::Number;
use super::points::Values;
use super::reduce::Answer;
use model::{Time, Value};

/// Which end of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The earliest.
    First,
    /// The latest.
    Last,
}

/// The point at an end of time. Of points at the same time the one with the greater value is taken;
/// of booleans the first is FALSE and the last TRUE.
pub fn by_time(times: &[Time], values: &Values<'_>, end: End) -> Answer {
    match values {
        Values::Float(v) => at_end(times, v, end, |a, b| a > b, |&v| Value::Float(v)),
        Values::Int(v) => at_end(times, v, end, |a, b| a > b, |&v| Value::Int(v)),
        Values::Str(v) => at_end(times, v, end, |a, b| a > b, |v| Value::str(v)),
        Values::Bool(v) => {
            let better = |a: &bool, b: &bool| a != b && *a == (end == End::Last);
            at_end(times, v, end, better, |&v| Value::Bool(v))
        }
    }
}

fn at_end<T>(
    times: &[Time],
    values: &[T],
    end: End,
    better: impl Fn(&T, &T) -> bool,
    value: impl Fn(&T) -> Value,
) -> Answer {
    let mut best = 0;
    for at in 1..values.len() {
        let nearer = match end {
            End::First => times[at] < times[best],
            End::Last => times[at] > times[best],
        };
        if nearer || (times[at] == times[best] && better(&values[at], &values[best])) {
            best = at;
        }
    }
    Answer { time: Some(times[best]), value: value(&values[best]), at: Some(best) }
}

/// The point whose value is better than all others; of equal ones the earliest.
pub fn extreme<T: Number>(times: &[Time], values: &[T], better: impl Fn(T, T) -> bool) -> Answer {
    let mut best = 0;
    for at in 1..values.len() {
        let equal = values[at] == values[best];
        if better(values[at], values[best]) || (equal && times[at] < times[best]) {
            best = at;
        }
    }
    Answer { time: Some(times[best]), value: values[best].value(), at: Some(best) }
}

/// The point at rank `floor(n * percent / 100 + 0.5)` of the sorted values; none outside of them.
pub fn percentile<T: Number>(times: &[Time], values: &[T], percent: f64) -> Option<Answer> {
    let rank = (values.len() as f64 * percent / 100.0 + 0.5).floor();
    if !(1.0..=values.len() as f64).contains(&rank) {
        return None;
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].order(values[b]));
    let at = *order.get(rank as usize - 1)?;
    Some(Answer { time: Some(times[at]), value: values[at].value(), at: Some(at) })
}
