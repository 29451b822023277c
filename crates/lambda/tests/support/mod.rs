//! Expressions over points by both roads that lead to a result, which must agree.
#![allow(dead_code, reason = "each test uses a part of it")]

use lambda::{Binding, ByGroup, Env, Errors, FunctionSet, Input, Lambda, Lookup, RowScope, Scope, State};
use model::{Column, Field, Mask, Origin, Rows, Series, SeriesTable, TagColumn, TagSet, Time, Value};
use std::sync::Arc;

/// A point with tags and fields.
#[derive(Clone, Debug)]
pub struct Point {
    pub tags: TagSet,
    pub fields: Vec<(String, Value)>,
    pub time: Time,
    /// Results of earlier expressions of the same node.
    pub results: Vec<(String, Value)>,
}

fn find<'a>(values: &'a [(String, Value)], name: &str) -> Option<&'a Value> {
    values.iter().find(|(n, _)| n == name).map(|(_, value)| value)
}

impl Scope for Point {
    fn get(&self, name: &str) -> Lookup<'_> {
        match (find(&self.fields, name), self.tags.get(name)) {
            (Some(_), Some(_)) => Lookup::Ambiguous,
            (Some(value), None) => Lookup::from(value),
            (None, Some(tag)) => Lookup::Str(tag),
            (None, None) => find(&self.results, name).map_or(Lookup::Missing, Lookup::from),
        }
    }

    fn time(&self) -> Time {
        self.time
    }
}

/// The points as a run; `as_series` decides how their tags are kept.
pub fn run_of(points: &[Point], as_series: bool) -> (Rows, SeriesTable) {
    let origin = Arc::new(Origin { db: "d".into(), rp: "r".into(), name: "m".into() });
    let mut table = SeriesTable::default();
    let mut ids = Vec::new();
    for point in points {
        let known = (0..table.len()).find(|id| table.get(*id).tags == point.tags);
        ids.push(known.unwrap_or_else(|| {
            table.push(Series { origin: origin.clone(), tags: point.tags.clone() });
            table.len() - 1
        }));
    }
    let mut rows = Rows::empty(origin);
    rows.times = Arc::new(points.iter().map(|point| point.time).collect());
    rows.tags = if as_series {
        TagColumn::Series(Arc::new(ids))
    } else {
        TagColumn::Sets(Arc::new(points.iter().map(|point| point.tags.clone()).collect()))
    };
    rows.fields = columns(points, |point| &point.fields);
    (rows, table)
}

fn columns(points: &[Point], of: impl Fn(&Point) -> &Vec<(String, Value)>) -> Vec<Field> {
    let mut names: Vec<&String> =
        points.iter().flat_map(|point| of(point).iter().map(|(name, _)| name)).collect();
    names.sort();
    names.dedup();
    let field = |name: &String| {
        let mut column = Column::default();
        points.iter().for_each(|point| column.push_option(find(of(point), name).cloned()));
        Field { name: name.as_str().into(), column: Arc::new(column) }
    };
    names.into_iter().map(field).collect()
}

/// What an expression gives for a point.
pub type Outcome = Result<Value, String>;

/// How a run is evaluated.
#[derive(Clone, Copy)]
pub struct How<'a> {
    pub groups: &'a [u32],
    /// Rows to leave out.
    pub active: Option<&'a Mask>,
    pub truth: bool,
    pub as_series: bool,
    pub env: &'a Env,
}

/// The outcome for each point of a run, one by one, and the states of the groups afterwards.
pub fn row_by_row(lambda: &Lambda, points: &[Point], how: How<'_>) -> (Vec<Option<Outcome>>, Vec<State>) {
    let mut states = fresh(how.groups);
    let mut outcomes = Vec::new();
    for (row, point) in points.iter().enumerate() {
        let state = &mut states[how.groups[row] as usize];
        let active = how.active.is_none_or(|mask| mask.get(row));
        outcomes.push(active.then(|| {
            let outcome = match how.truth {
                true => lambda.eval_bool(point, state, how.env).map(Value::Bool),
                false => lambda.eval(point, state, how.env),
            };
            outcome.map_err(|error| error.to_string())
        }));
    }
    (outcomes, states)
}

/// The same over columns. The text of an error is only known for a few rows.
pub fn by_columns(
    lambda: &Lambda,
    points: &[Point],
    how: How<'_>,
    binding: &mut Binding,
) -> (Vec<Option<Value>>, Errors, Vec<State>) {
    let (rows, table) = run_of(points, how.as_series);
    let results = columns(points, |point| &point.results);
    let mut states = fresh(how.groups);
    let mut errors = Errors::new();
    let mut by_group = ByGroup { states: &mut states, groups: how.groups };
    let input = Input { rows: &rows, table: &table, results: &results, active: how.active, env: how.env };
    let values: Vec<Option<Value>> = if how.truth {
        let mut out = Vec::new();
        lambda.predicate_rows(&input, binding, &mut by_group, &mut out, &mut errors);
        assert_eq!(out.len(), rows.len());
        let value = |(row, truth): (usize, bool)| {
            let counts = how.active.is_none_or(|mask| mask.get(row)) && !errors.failed(row);
            assert!(counts || !truth, "a row without a result is not true");
            counts.then_some(Value::Bool(truth))
        };
        out.into_iter().enumerate().map(value).collect()
    } else {
        let mut out = Column::default();
        lambda.eval_rows(&input, binding, &mut by_group, &mut out, &mut errors);
        assert_eq!(out.len(), rows.len());
        (0..rows.len()).map(|row| out.get(row)).collect()
    };
    (values, errors, states)
}

fn fresh(groups: &[u32]) -> Vec<State> {
    vec![State::default(); groups.iter().max().map_or(0, |last| *last as usize + 1)]
}

/// The same value; two NaNs are one.
fn same(a: &Value, b: &Value) -> bool {
    a.same(b) || matches!((a, b), (Value::Float(a), Value::Float(b)) if a.is_nan() && b.is_nan())
}

/// Evaluates a run by both roads, which must agree in values, errors and states.
pub fn agree(lambda: &Lambda, points: &[Point], how: How<'_>, binding: &mut Binding) -> Vec<Option<Outcome>> {
    let (want, want_states) = row_by_row(lambda, points, how);
    let (got, errors, got_states) = by_columns(lambda, points, how, binding);
    for (row, (want, got)) in want.iter().zip(&got).enumerate() {
        let agree = match (want, got) {
            (Some(Ok(want)), Some(got)) => same(want, got) && !errors.failed(row),
            (Some(Err(_)), None) => errors.failed(row),
            (None, None) => !errors.failed(row),
            _ => false,
        };
        assert!(agree, "{lambda}, row {row} ({:?}): {want:?} by rows, {got:?} by columns", points[row]);
    }
    let failed = want.iter().filter(|outcome| matches!(outcome, Some(Err(_)))).count();
    assert_eq!((errors.count(), errors.is_empty()), (failed, failed == 0));
    assert!(failed == 0 || !errors.kept().is_empty());
    for (row, error) in errors.kept() {
        assert_eq!(want[*row as usize], Some(Err(error.to_string())), "{lambda}, row {row}");
    }
    assert_eq!(format!("{want_states:?}"), format!("{got_states:?}"), "{lambda}: states");
    want
}

/// The scope of a row of a run finds what the scope of the point does.
fn rows_read_alike(lambda: &Lambda, points: &[Point], as_series: bool) {
    let (rows, table) = run_of(points, as_series);
    for (row, point) in points.iter().enumerate() {
        let scope = RowScope { rows: &rows, table: &table, row };
        for name in lambda.references() {
            assert_eq!(format!("{:?}", scope.get(name)), format!("{:?}", point.get(name)));
        }
        assert_eq!(scope.time(), point.time);
    }
}

/// The outcome for one point by all roads, which must agree.
pub fn outcome(lambda: &Lambda, point: &Point, truth: bool, env: &Env) -> Outcome {
    // Three groups, so that functions that remember start anew for each row.
    let (points, groups) = (vec![point.clone(); 3], [0, 1, 2]);
    let mut outcomes = [true, false].map(|as_series| {
        rows_read_alike(lambda, &points, as_series);
        let how = How { groups: &groups, active: None, truth, as_series, env };
        agree(lambda, &points, how, &mut Binding::default()).pop().flatten()
    });
    assert_eq!(format!("{:?}", outcomes[0]), format!("{:?}", outcomes[1]));
    outcomes[0].take().expect("an active row has an outcome")
}

/// Compiles the text of an expression.
pub fn compile(source: &str, set: FunctionSet) -> Result<Lambda, String> {
    let expr = tick::parse_lambda(source).map_err(|error| error.to_string())?;
    Lambda::compile(&expr, set).map_err(|error| error.to_string())
}
