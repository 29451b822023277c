//! `top` and `bottom`: the points with the best values, best first. Which of several equal points
//! stay follows from the binary heap that Kapacitor keeps them in, so it is one here too.

use super::number::Number;
use super::reduce::Answer;
use model::Time;
use std::cmp::Ordering;

struct Heap<F> {
    /// The points by their place; the worst is at the root.
    points: Vec<usize>,
    /// The first point is worse than the second.
    worse: F,
}

impl<F: Fn(usize, usize) -> bool> Heap<F> {
    fn push(&mut self, point: usize) {
        self.points.push(point);
        let mut at = self.points.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if !(self.worse)(self.points[at], self.points[parent]) {
                break;
            }
            self.points.swap(at, parent);
            at = parent;
        }
    }

    fn replace_worst(&mut self, point: usize) {
        self.points[0] = point;
        let mut at = 0;
        loop {
            let left = 2 * at + 1;
            let Some(&first) = self.points.get(left) else { break };
            let right = self.points.get(left + 1).filter(|&&second| (self.worse)(second, first));
            let child = if right.is_some() { left + 1 } else { left };
            if !(self.worse)(self.points[child], self.points[at]) {
                break;
            }
            self.points.swap(at, child);
            at = child;
        }
    }
}

/// Which values are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Best {
    /// Greater ones.
    Greatest,
    /// Smaller ones.
    Smallest,
}

/// The `n` best points, best first. Of equal values the earlier one is better; NaN is worse than any
/// number.
pub fn best<T: Number>(times: &[Time], values: &[T], n: i64, best: Best) -> Vec<Answer> {
    let n = usize::try_from(n).unwrap_or(0);
    // Best first.
    let order = |a: usize, b: usize| {
        let by_value = match best {
            Best::Greatest => values[b].order(values[a]),
            Best::Smallest => values[a].order(values[b]),
        };
        let by_sense = values[a].is_nan().cmp(&values[b].is_nan());
        by_sense.then(by_value).then(times[a].cmp(&times[b]))
    };
    let mut heap = Heap { points: Vec::new(), worse: |a, b| order(a, b) == Ordering::Greater };
    for at in 0..values.len() {
        if heap.points.len() < n {
            heap.push(at);
        } else if n > 0 && (heap.worse)(heap.points[0], at) {
            heap.replace_worst(at);
        }
    }
    let mut best = heap.points;
    best.sort_by(|&a, &b| order(a, b));
    let answer = |at: usize| Answer { time: Some(times[at]), value: values[at].value(), at: Some(at) };
    best.into_iter().map(answer).collect()
}
