//! What a function makes of a number of points.

use super::fold::Acc;
use super::function::{Function, Method};
use super::points::{Points, Values};
use super::{select, statistics, top};
use model::{Time, Value};

/// One result.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// A time of its own, if it has one.
    pub time: Option<Time>,
    /// The value.
    pub value: Value,
    /// The point that it is, by its place, when it is one.
    pub at: Option<usize>,
}

impl Function {
    /// The results. An error means that the points cannot be reduced.
    pub fn reduce(&self, points: &Points<'_>) -> Result<Vec<Answer>, String> {
        let times = &points.times[..];
        let one = |answer| Ok(vec![answer]);
        match (self.method, &points.values) {
            (Method::Fold(fold), _) => one(Acc::of(fold, points).answer()),
            (Method::Distinct, values) => Ok(statistics::distinct(times, values)),
            (Method::First, values) => one(select::by_time(times, values, select::End::First)),
            (Method::Last, values) => one(select::by_time(times, values, select::End::Last)),
            (Method::Min, Values::Float(v)) => one(select::extreme(times, v, |a, b| a < b)),
            (Method::Min, Values::Int(v)) => one(select::extreme(times, v, |a, b| a < b)),
            (Method::Max, Values::Float(v)) => one(select::extreme(times, v, |a, b| a > b)),
            (Method::Max, Values::Int(v)) => one(select::extreme(times, v, |a, b| a > b)),
            (Method::Percentile(p), Values::Float(v)) => {
                Ok(select::percentile(times, v, p).into_iter().collect())
            }
            (Method::Percentile(p), Values::Int(v)) => {
                Ok(select::percentile(times, v, p).into_iter().collect())
            }
            (Method::Median, Values::Float(v)) => one(statistics::median_of_floats(times, v)),
            (Method::Median, Values::Int(v)) => one(statistics::median_of_ints(v)),
            (Method::Mode, Values::Float(v)) => one(statistics::mode(times, v)),
            (Method::Mode, Values::Int(v)) => one(statistics::mode(times, v)),
            (Method::Stddev, Values::Float(v)) => one(statistics::stddev(v)),
            (Method::Stddev, Values::Int(v)) => one(statistics::stddev(v)),
            (Method::Top(n), Values::Float(v)) => Ok(top::best(times, v, n, top::Best::Greatest)),
            (Method::Top(n), Values::Int(v)) => Ok(top::best(times, v, n, top::Best::Greatest)),
            (Method::Bottom(n), Values::Float(v)) => Ok(top::best(times, v, n, top::Best::Smallest)),
            (Method::Bottom(n), Values::Int(v)) => Ok(top::best(times, v, n, top::Best::Smallest)),
            (Method::HoltWinters(forecast), Values::Float(v)) => forecast.of(times, v),
            (Method::HoltWinters(forecast), Values::Int(v)) => {
                let floats: Vec<f64> = v.iter().map(|&v| v as f64).collect();
                forecast.of(times, &floats)
            }
            // Not reached: the latch lets no other kind through, and transformations are not reduced.
            _ => Ok(Vec::new()),
        }
    }
}
