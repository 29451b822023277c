//! Functions that remember a few numbers and not the points: count, sum, mean, spread.

use super::points::{Points, Values};
use super::reduce::Answer;
use model::{Kind, Value};
use serde::{Deserialize, Serialize};

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Number of points.
    Count,
    /// Sum; of integers it wraps.
    Sum,
    /// Mean; the sum of integers wraps.
    Mean,
    /// Greatest less smallest value.
    Spread,
}

/// What is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Acc {
    /// Number of points.
    Count(u64),
    /// Sum.
    SumFloat(f64),
    /// Sum.
    SumInt(i64),
    /// Sum and number of points.
    MeanFloat(f64, u64),
    /// Sum and number of points.
    MeanInt(i64, u64),
    /// Smallest and greatest.
    SpreadFloat(f64, f64),
    /// Smallest and greatest.
    SpreadInt(i64, i64),
}

impl Acc {
    /// Before the first point of that kind.
    pub fn new(fold: Fold, kind: Kind) -> Acc {
        let ints = kind == Kind::Int;
        match fold {
            Fold::Count => Acc::Count(0),
            Fold::Sum if ints => Acc::SumInt(0),
            Fold::Sum => Acc::SumFloat(0.0),
            Fold::Mean if ints => Acc::MeanInt(0, 0),
            Fold::Mean => Acc::MeanFloat(0.0, 0),
            Fold::Spread if ints => Acc::SpreadInt(i64::MAX, i64::MIN),
            Fold::Spread => Acc::SpreadFloat(f64::INFINITY, f64::NEG_INFINITY),
        }
    }

    /// What a batch without usable points gives; Kapacitor takes it for one of floats.
    pub fn of_nothing(fold: Fold) -> Option<Acc> {
        matches!(fold, Fold::Count | Fold::Sum).then(|| Acc::new(fold, Kind::Float))
    }

    /// Of some points.
    pub fn of(fold: Fold, points: &Points<'_>) -> Acc {
        match &points.values {
            Values::Float(values) => {
                let mut acc = Acc::new(fold, Kind::Float);
                values.iter().for_each(|&v| acc.float(v));
                acc
            }
            Values::Int(values) => {
                let mut acc = Acc::new(fold, Kind::Int);
                values.iter().for_each(|&v| acc.int(v));
                acc
            }
            // Only count takes booleans and texts.
            Values::Bool(_) | Values::Str(_) => Acc::Count(points.len() as u64),
        }
    }

    /// Takes a point whose value has the kind of [`Self::new`].
    pub fn add(&mut self, value: &Value) {
        match value {
            Value::Float(v) => self.float(*v),
            Value::Int(v) => self.int(*v),
            _ => self.count(),
        }
    }

    fn count(&mut self) {
        if let Acc::Count(n) = self {
            *n += 1;
        }
    }

    #[inline]
    fn float(&mut self, v: f64) {
        match self {
            Acc::SumFloat(sum) => *sum += v,
            Acc::MeanFloat(sum, n) => {
                *sum += v;
                *n += 1;
            }
            Acc::SpreadFloat(min, max) => {
                *min = -greater(-*min, -v);
                *max = greater(*max, v);
            }
            _ => self.count(),
        }
    }

    #[inline]
    fn int(&mut self, v: i64) {
        match self {
            Acc::SumInt(sum) => *sum = sum.wrapping_add(v),
            Acc::MeanInt(sum, n) => {
                *sum = sum.wrapping_add(v);
                *n += 1;
            }
            Acc::SpreadInt(min, max) => {
                *min = v.min(*min);
                *max = v.max(*max);
            }
            _ => self.count(),
        }
    }

    /// The result.
    pub fn answer(self) -> Answer {
        let at_end = |value: Value| Answer { time: None, value, at: None };
        match self {
            // With `usePointTimes` Kapacitor gives sums, and counts of nothing, the time 1970.
            Acc::Count(0) => Answer { time: Some(0), value: Value::Int(0), at: None },
            Acc::SumFloat(sum) => Answer { time: Some(0), value: Value::Float(sum), at: None },
            Acc::SumInt(sum) => Answer { time: Some(0), value: Value::Int(sum), at: None },
            Acc::Count(n) => at_end(Value::Int(i64::try_from(n).unwrap_or(i64::MAX))),
            Acc::MeanFloat(sum, n) => at_end(Value::Float(sum / n as f64)),
            Acc::MeanInt(sum, n) => at_end(Value::Float(sum as f64 / n as f64)),
            Acc::SpreadFloat(min, max) => at_end(Value::Float(max - min)),
            Acc::SpreadInt(min, max) => at_end(Value::Int(max.wrapping_sub(min))),
        }
    }
}

/// Go's `math.Max`: +Inf wins over NaN, and NaN over all others.
fn greater(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}
