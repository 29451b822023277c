//! The 21 methods that perform a function of InfluxQL: over the points of a batch, or over the
//! points of equal time on a stream. Functions that follow a series point by point are in
//! [`transform`], all others in [`aggregate`].

mod aggregate;
mod fold;
mod function;
mod holt_winters;
mod nelder_mead;
mod number;
mod points;
mod reduce;
mod select;
mod sent;
mod statistics;
#[cfg(test)]
pub(super) mod tests;
mod top;
mod transform;

pub(super) use fold::{Acc, Fold};
pub(super) use points::{Among, go_kind, why_not};
pub(super) use sent::{Place, Sent};

use crate::args::{Args, Duration, Refused};
use crate::edge::EdgeKind;
use crate::node::{AnyNode, Build, Definition, Demand, Kind, Property};
use crate::properties;
use function::{Function, Method};
use holt_winters::HoltWinters;

/// The kinds.
pub fn all() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter()
}

/// The definition.
#[derive(Clone, Debug)]
pub struct InfluxQl {
    function: Function,
    /// The name of the field that holds the result.
    as_: String,
    /// Give the selected point's time to the result, not the batch's.
    point_times: bool,
}

/// A function that can be kept up to date point by point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fusable<'a> {
    /// What it does.
    pub fold: Fold,
    /// What errors call it.
    pub name: &'static str,
    /// The field.
    pub field: &'a str,
    /// The name of the result.
    pub as_: &'a str,
    /// Results have the time of the point that they are.
    pub point_times: bool,
}

const PROPERTIES: &[Property] = properties!(InfluxQl {
    "as" => |d, a| d.as_ = a.set()?,
    "usePointTimes" => |d, a| d.point_times = a.flag()?,
});

/// A kind; `stem` is what the node and its result are called.
const fn kind(
    name: &'static str,
    stem: &'static str,
    provides: Option<EdgeKind>,
    create: fn(&Args<'_>) -> Result<Box<dyn Definition>, Refused>,
) -> Kind {
    Kind {
        name,
        stem,
        go: "InfluxQLNode",
        wants: None,
        provides,
        joins: false,
        grouped: true,
        create,
        properties: PROPERTIES,
        counters: &[],
    }
}

const STREAM: Option<EdgeKind> = Some(EdgeKind::Stream);
const BATCH: Option<EdgeKind> = Some(EdgeKind::Batch);

static KINDS: [Kind; 21] = [
    kind("count", "count", STREAM, |a| of_field(a, "count", Method::Fold(Fold::Count))),
    kind("distinct", "distinct", BATCH, |a| of_field(a, "distinct", Method::Distinct)),
    kind("mean", "mean", STREAM, |a| of_field(a, "mean", Method::Fold(Fold::Mean))),
    kind("median", "median", STREAM, |a| of_field(a, "median", Method::Median)),
    kind("mode", "mode", STREAM, |a| of_field(a, "mode", Method::Mode)),
    kind("spread", "spread", STREAM, |a| of_field(a, "spread", Method::Fold(Fold::Spread))),
    kind("sum", "sum", STREAM, |a| of_field(a, "sum", Method::Fold(Fold::Sum))),
    kind("first", "first", STREAM, |a| of_field(a, "first", Method::First)),
    kind("last", "last", STREAM, |a| of_field(a, "last", Method::Last)),
    kind("min", "min", STREAM, |a| of_field(a, "min", Method::Min)),
    kind("max", "max", STREAM, |a| of_field(a, "max", Method::Max)),
    kind("percentile", "percentile", STREAM, |a| {
        a.exactly(2)?;
        Ok(definition("percentile", a.get(0)?, Method::Percentile(a.get(1)?)))
    }),
    kind("top", "top", BATCH, |a| best(a, "top", Method::Top)),
    kind("bottom", "bottom", BATCH, |a| best(a, "bottom", Method::Bottom)),
    kind("stddev", "stddev", STREAM, |a| of_field(a, "stddev", Method::Stddev)),
    kind("elapsed", "elapsed", None, |a| {
        a.exactly(2)?;
        let (field, unit) = (a.get(0)?, a.get::<Duration>(1)?.0);
        Ok(definition("elapsed", field, Method::Elapsed(unit)))
    }),
    kind("difference", "difference", None, |a| of_field(a, "difference", Method::Difference)),
    kind("movingAverage", "movingAverage", None, |a| {
        a.exactly(2)?;
        Ok(definition("movingAverage", a.get(0)?, Method::MovingAverage(a.get(1)?)))
    }),
    kind("cumulativeSum", "cumulativeSum", None, |a| of_field(a, "cumulativeSum", Method::CumulativeSum)),
    kind("holtWinters", "holtWinters", BATCH, |a| forecast(a, false)),
    // Kapacitor calls both variants, and the result of both, `holtWinters`.
    kind("holtWintersWithFit", "holtWinters", BATCH, |a| forecast(a, true)),
];

fn definition(name: &'static str, field: String, method: Method) -> Box<dyn Definition> {
    let point_times = matches!(method, Method::HoltWinters(_));
    Box::new(InfluxQl { function: Function { name, field, method }, as_: name.into(), point_times })
}

fn of_field(a: &Args<'_>, name: &'static str, method: Method) -> Result<Box<dyn Definition>, Refused> {
    Ok(definition(name, a.one()?, method))
}

fn best(a: &Args<'_>, name: &'static str, method: fn(i64) -> Method) -> Result<Box<dyn Definition>, Refused> {
    a.between(2, usize::MAX)?;
    let (n, field) = (a.get(0)?, a.get(1)?);
    // Further fields and tags are accepted, and add nothing to the result: as with Kapacitor.
    a.rest::<String>(2)?;
    Ok(definition(name, field, method(n)))
}

fn forecast(a: &Args<'_>, with_fit: bool) -> Result<Box<dyn Definition>, Refused> {
    a.exactly(4)?;
    let field = a.get(0)?;
    let (horizon, season, interval) = (a.get(1)?, a.get(2)?, a.get::<Duration>(3)?.0);
    let method = Method::HoltWinters(HoltWinters { horizon, season, interval, with_fit });
    Ok(definition("holtWinters", field, method))
}

impl InfluxQl {
    /// The function, when it can be kept up to date point by point while a window fills.
    pub(super) fn fusable(&self) -> Option<Fusable<'_>> {
        let InfluxQl { function: Function { name, field, method }, as_, point_times } = self;
        match *method {
            Method::Fold(fold @ (Fold::Count | Fold::Sum | Fold::Mean)) => {
                Some(Fusable { fold, name, field, as_, point_times: *point_times })
            }
            _ => None,
        }
    }
}

impl Definition for InfluxQl {
    fn demand(&self) -> Demand {
        if self.function.method.gives_points() {
            Demand::All
        } else {
            Demand::Field(self.function.field.clone())
        }
    }

    fn is_stateful(&self) -> bool {
        true
    }

    fn build(&self, _cx: &Build<'_>) -> Result<Box<dyn AnyNode>, String> {
        self.function.check()?;
        let as_ = self.as_.as_str().into();
        Ok(if self.function.method.is_transformation() {
            Box::new(transform::Transform { function: self.function.clone(), as_ })
        } else {
            Box::new(aggregate::Aggregate {
                function: self.function.clone(),
                wanted: self.function.wanted(),
                as_,
                point_times: self.point_times,
            })
        })
    }
}
