//! A function with its arguments: what it can be applied to, and which arguments make no sense.

use super::fold::Fold;
use super::holt_winters::HoltWinters;
use crate::buffer::Wanted;
use model::Kind;

/// A function of a field.
#[derive(Clone, Debug)]
pub struct Function {
    /// What errors call it.
    pub name: &'static str,
    /// The field.
    pub field: String,
    /// What it does.
    pub method: Method,
}

/// What a function does, with its arguments.
#[derive(Clone, Copy, Debug)]
pub enum Method {
    /// Needs no more than a few numbers to be remembered.
    Fold(Fold),
    /// The middle value.
    Median,
    /// The most frequent value.
    Mode,
    /// Sample standard deviation.
    Stddev,
    /// Each value once.
    Distinct,
    /// The earliest point.
    First,
    /// The latest point.
    Last,
    /// The point with the smallest value.
    Min,
    /// The point with the greatest value.
    Max,
    /// The point at a percentage of the sorted values.
    Percentile(f64),
    /// The points with the greatest values, so many.
    Top(i64),
    /// The points with the smallest values, so many.
    Bottom(i64),
    /// A forecast.
    HoltWinters(HoltWinters),
    /// Time since the point before, in units of so many nanoseconds.
    Elapsed(i64),
    /// Difference to the point before.
    Difference,
    /// Mean of the last so many points.
    MovingAverage(i64),
    /// Sum of all points so far.
    CumulativeSum,
}

/// Most points of a moving average, or of `top` and `bottom`: a wrong script must not eat the
/// memory.
const POINTS_MAX: i64 = 10_000_000;

impl Method {
    /// Gives a result with each point.
    pub fn is_transformation(self) -> bool {
        use Method::*;
        matches!(self, Elapsed(_) | Difference | MovingAverage(_) | CumulativeSum)
    }

    /// The result is a whole point: its other fields and its tags are kept.
    pub fn is_selector(self) -> bool {
        use Method::*;
        matches!(self, First | Last | Min | Max | Percentile(_))
    }

    /// More than the field and the time of points goes into the result.
    pub fn gives_points(self) -> bool {
        self.is_selector() || matches!(self, Method::Top(_) | Method::Bottom(_))
    }

    /// Gives batches, not points.
    pub fn gives_batches(self) -> bool {
        use Method::*;
        matches!(self, Distinct | Top(_) | Bottom(_) | HoltWinters(_))
    }

    /// Can be applied to fields of that kind.
    pub fn takes(self, kind: Kind) -> bool {
        use Method::*;
        match kind {
            Kind::Float | Kind::Int => true,
            Kind::Bool | Kind::Str => {
                matches!(self, Fold(super::fold::Fold::Count) | Distinct | First | Last | Elapsed(_))
            }
            _ => false,
        }
    }
}

impl Function {
    /// What of a point must be kept until it is used.
    pub fn wanted(&self) -> Wanted {
        if self.method.gives_points() { Wanted::All } else { Wanted::Field(self.field.clone()) }
    }

    /// Refuses arguments that Kapacitor accepts and dies of.
    pub fn check(&self) -> Result<(), String> {
        let name = self.name;
        match self.method {
            Method::Elapsed(0) => Err("elapsed unit must not be zero: give it a duration such as 1s".into()),
            Method::MovingAverage(n) if !(1..=POINTS_MAX).contains(&n) => {
                Err(format!("{name} over {n} points is out of range: use 1 to {POINTS_MAX}"))
            }
            Method::Top(n) | Method::Bottom(n) if !(0..=POINTS_MAX).contains(&n) => {
                Err(format!("{name} of {n} points is out of range: use 0 to {POINTS_MAX}"))
            }
            Method::HoltWinters(forecast) => forecast.check(),
            _ => Ok(()),
        }
    }
}
