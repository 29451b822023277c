//! Which points a function can use: the first that has the field, with a kind that the function
//! takes, decides the kind for all that follow.

use super::function::Function;
use crate::node::Cx;
use model::{Column, Data, Kind, Rows, Time, Value};
use std::borrow::Cow;

/// How errors begin that speak of a point after the first of its batch or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// A function of several points, on a stream; or one that follows a stream.
    Stream,
    /// A function of several points, in a batch.
    Batch,
    /// A function that follows the points of a batch.
    Followed,
}

/// Points that could not be used, to be reported at once.
#[derive(Debug)]
pub struct Unused {
    among: Among,
    points: u64,
    first: Option<String>,
}

impl Unused {
    /// None yet.
    pub fn new(among: Among) -> Unused {
        Unused { among, points: 0, first: None }
    }

    /// One more, with the reason.
    pub fn add(&mut self, why: impl FnOnce() -> String) {
        self.points += 1;
        self.first.get_or_insert_with(why);
    }

    /// Counts and logs them.
    pub fn report(self, cx: &mut Cx<'_>) {
        if let Some(first) = self.first {
            cx.error(self.points, || first);
        }
    }
}

impl Function {
    /// Decides whether a point whose field has the kind `got` (`None`: lacks it) is used. `latch` is
    /// the kind that was decided on.
    #[inline]
    pub fn uses(&self, latch: &mut Option<Kind>, got: Option<Kind>, unused: &mut Unused) -> bool {
        match (*latch, got) {
            (Some(latched), Some(kind)) if latched == kind => true,
            (None, Some(kind)) if self.method.takes(kind) => {
                *latch = Some(kind);
                true
            }
            (latch, got) => {
                let among = unused.among;
                unused.add(|| why_not(self.name, &self.field, among, latch, got));
                false
            }
        }
    }
}

/// Why a point is not used whose field has the kind `got`, the latched kind being `latch`.
pub fn why_not(name: &str, field: &str, among: Among, latch: Option<Kind>, got: Option<Kind>) -> String {
    let realize = "failed to realize reduce context from fields";
    let aggregate = match among {
        Among::Stream => "failed to aggregate point",
        Among::Batch => "failed to aggregate point in batch",
        Among::Followed => "failed to aggregate batch point",
    };
    match (latch, got) {
        (None, None) => format!("{realize}: field {field:?} missing from point"),
        (None, Some(kind)) => {
            let kind = go_kind(kind);
            format!(
                "{realize}: invalid influxql func {name} with field {field}: cannot apply {name} to {kind} field"
            )
        }
        (Some(_), None) => format!("{aggregate}: field {field} missing from point cannot aggregate"),
        (Some(latched), Some(kind)) => {
            let (got, expected) = (go_kind(kind), go_kind(latched));
            format!("{aggregate}: field {field} has wrong type: got {got} exp {expected}")
        }
    }
}

/// What Kapacitor's errors call the type of a field's value.
pub fn go_kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "<nil>",
        Kind::Float => "float64",
        Kind::Int => "int64",
        Kind::Bool => "bool",
        Kind::Str => "string",
        Kind::Time => "time.Time",
        Kind::Duration => "time.Duration",
    }
}

/// The points that a function uses: never none.
pub struct Points<'a> {
    /// The time of each.
    pub times: Cow<'a, [Time]>,
    /// The value of each.
    pub values: Values<'a>,
    /// The row of each, when not all rows are used.
    rows: Option<Vec<u32>>,
}

/// Values of one kind.
pub enum Values<'a> {
    /// Floats.
    Float(Cow<'a, [f64]>),
    /// Integers.
    Int(Cow<'a, [i64]>),
    /// Booleans.
    Bool(Vec<bool>),
    /// Texts.
    Str(Vec<&'a str>),
}

impl<'a> Points<'a> {
    /// Those of `rows` that the function uses; `None` when it uses none.
    pub fn of(rows: &'a Rows, function: &Function, unused: &mut Unused) -> Option<Points<'a>> {
        let Some(column) = rows.column(&function.field) else {
            (0..rows.len()).for_each(|_| {
                function.uses(&mut None, None, unused);
            });
            return None;
        };
        let whole = match (column.floats(), column.ints()) {
            (Some(floats), _) => Some(Values::Float(Cow::Borrowed(floats))),
            (_, Some(ints)) => Some(Values::Int(Cow::Borrowed(ints))),
            _ => None,
        };
        if let Some(values) = whole {
            let times = Cow::Borrowed(&rows.times[..]);
            return (!rows.is_empty()).then_some(Points { times, values, rows: None });
        }
        let mut latch = None;
        let used = |row: &u32| function.uses(&mut latch, column.kind_at(*row as usize), unused);
        let used: Vec<u32> = (0..rows.len() as u32).filter(used).collect();
        let values = values(column, latch?, &used);
        let times = used.iter().map(|&row| rows.times[row as usize]).collect();
        Some(Points { times, values, rows: Some(used) })
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// The row of point `at`.
    pub fn row(&self, at: usize) -> usize {
        self.rows.as_ref().map_or(at, |rows| rows[at] as usize)
    }
}

fn values<'a>(column: &'a Column, kind: Kind, used: &[u32]) -> Values<'a> {
    let rows = used.iter().map(|&row| row as usize);
    // A kind that the rows do not have cannot occur: the latch decided on them.
    match kind {
        Kind::Float => Values::Float(
            rows.map(|row| match &column.data {
                Data::Float(v) => v[row],
                Data::Mixed(v) => {
                    if let Value::Float(v) = v[row] {
                        v
                    } else {
                        f64::NAN
                    }
                }
                _ => f64::NAN,
            })
            .collect(),
        ),
        Kind::Int => Values::Int(
            rows.map(|row| match &column.data {
                Data::Int(v) => v[row],
                Data::Mixed(v) => {
                    if let Value::Int(v) = v[row] {
                        v
                    } else {
                        0
                    }
                }
                _ => 0,
            })
            .collect(),
        ),
        Kind::Bool => Values::Bool(
            rows.map(|row| match &column.data {
                Data::Bool(v) => v[row],
                Data::Mixed(v) => v[row] == Value::Bool(true),
                _ => false,
            })
            .collect(),
        ),
        _ => Values::Str(
            rows.map(|row| match &column.data {
                Data::Str(v) => v.get(row),
                Data::Mixed(v) => {
                    if let Value::Str(v) = &v[row] {
                        v
                    } else {
                        ""
                    }
                }
                _ => "",
            })
            .collect(),
        ),
    }
}
