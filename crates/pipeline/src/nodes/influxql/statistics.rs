//! Functions of all values together: median, mode, stddev, distinct.

use super::number::Number;
use super::points::Values;
use super::reduce::Answer;
use hashbrown::HashSet;
use model::{Time, Value};

fn at_end(value: Value) -> Answer {
    Answer { time: None, value, at: None }
}

fn sorted<T: Number>(values: &[T]) -> Vec<T> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(|a, b| a.order(*b));
    sorted
}

/// The middle value, or the mean of the two middle ones. A single point keeps its time.
pub fn median_of_floats(times: &[Time], values: &[f64]) -> Answer {
    let sorted = sorted(values);
    let half = sorted.len() / 2;
    if sorted.len() == 1 {
        return Answer { time: Some(times[0]), ..at_end(Value::Float(sorted[0])) };
    }
    at_end(Value::Float(if sorted.len().is_multiple_of(2) {
        let (low, high) = (sorted[half - 1], sorted[half]);
        low + (high - low) / 2.0
    } else {
        sorted[half]
    }))
}

/// The same of integers: always a float, and never with a time of its own.
pub fn median_of_ints(values: &[i64]) -> Answer {
    let sorted = sorted(values);
    let half = sorted.len() / 2;
    at_end(Value::Float(if sorted.len().is_multiple_of(2) {
        let (low, high) = (sorted[half - 1], sorted[half]);
        low as f64 + high.wrapping_sub(low) as f64 / 2.0
    } else {
        sorted[half] as f64
    }))
}

/// The most frequent value. Going up through the values, one that occurs as often as the leader
/// takes its place, unless its first point is later than the leader's last; a value that occurs
/// once takes nobody's place.
pub fn mode<T: Number>(times: &[Time], values: &[T]) -> Answer {
    if values.len() == 1 {
        return Answer { time: Some(times[0]), ..at_end(values[0].value()) };
    }
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].order(values[b]));
    let first = order[0];
    let (mut leader, mut leader_count, mut leader_time) = (values[first], 0, times[first]);
    let (mut value, mut count, mut start) = (values[first], 0, times[first]);
    for &at in &order {
        if values[at] != value {
            (value, count, start) = (values[at], 1, times[at]);
            continue;
        }
        count += 1;
        if count > leader_count || (count == leader_count && start <= leader_time) {
            (leader, leader_count, leader_time) = (value, count, times[at]);
        }
    }
    at_end(leader.value())
}

/// The sample standard deviation; NaN of a single point. NaN values are left out.
pub fn stddev<T: Number>(values: &[T]) -> Answer {
    if values.len() < 2 {
        return at_end(Value::Float(f64::NAN));
    }
    let numbers = || values.iter().map(|v| v.float()).filter(|v| !v.is_nan());
    let (mut mean, mut count) = (0.0, 0.0);
    for v in numbers() {
        count += 1.0;
        mean += (v - mean) / count;
    }
    let mut variance = 0.0;
    for v in numbers() {
        variance += (v - mean) * (v - mean);
    }
    at_end(Value::Float((variance / (count - 1.0)).sqrt()))
}

/// Each value once, with the time at which it came first, sorted by time and then by value.
pub fn distinct(times: &[Time], values: &Values<'_>) -> Vec<Answer> {
    match values {
        Values::Float(v) => {
            // Zero is equal to its negative, and NaN to nothing.
            let mut nans = 0;
            let key = |v: &f64| {
                nans += u64::from(v.is_nan());
                if v.is_nan() { (nans, 0) } else { (0, (v + 0.0).to_bits()) }
            };
            firsts(times, v, key, |&v| Value::Float(v), |a, b| a.order(*b))
        }
        Values::Int(v) => firsts(times, v, |v| *v, |&v| Value::Int(v), Ord::cmp),
        Values::Bool(v) => firsts(times, v, |v| *v, |&v| Value::Bool(v), Ord::cmp),
        Values::Str(v) => firsts(times, v, |v| *v, |v| Value::str(v), Ord::cmp),
    }
}

fn firsts<T, K: std::hash::Hash + Eq>(
    times: &[Time],
    values: &[T],
    mut key: impl FnMut(&T) -> K,
    value: impl Fn(&T) -> Value,
    order: impl Fn(&T, &T) -> std::cmp::Ordering,
) -> Vec<Answer> {
    let mut seen = HashSet::new();
    let mut firsts: Vec<usize> = (0..values.len()).filter(|&at| seen.insert(key(&values[at]))).collect();
    firsts.sort_by(|&a, &b| times[a].cmp(&times[b]).then_with(|| order(&values[a], &values[b])));
    let answer = |at: usize| Answer { time: Some(times[at]), value: value(&values[at]), at: None };
    firsts.into_iter().map(answer).collect()
}
