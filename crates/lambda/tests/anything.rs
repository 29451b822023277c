//! Every function with arguments of every type and number, under every operator, over points with
//! every value: whatever comes, it is a value or an error, and the same by both roads.

mod support;

use lambda::{Binding, Env, FunctionSet, functions};
use model::{TagSet, Value};
use proptest::prelude::*;
use support::{How, Point, agree, compile};

const LEAVES: &[&str] = &[
    "\"x\"",
    "\"y\"",
    "\"t\"",
    "\"both\"",
    "\"no\"",
    "\"time\"",
    "1.5",
    "-0.0",
    "0",
    "-1",
    "9223372036854775807",
    "(-9223372036854775807 - 1)",
    "'a'",
    "''",
    "'aéb'",
    "'10'",
    "'1h'",
    "TRUE",
    "FALSE",
    "10s",
    "0s",
    "/a|é/",
    "/(x)*/",
    "now()",
    "count()",
];
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "=~", "!~", "AND", "OR"];

fn expression() -> impl Strategy<Value = String> {
    let names: Vec<&'static str> = functions().map(|function| function.name).collect();
    prop::sample::select(LEAVES).prop_map(str::to_owned).prop_recursive(3, 12, 4, move |inner| {
        let args = prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            4 => (prop::sample::select(names.clone()), args)
                .prop_map(|(name, args)| format!("{name}({})", args.join(", "))),
            2 => (inner.clone(), prop::sample::select(OPERATORS), inner.clone())
                .prop_map(|(left, op, right)| format!("({left} {op} {right})")),
            1 => (prop::sample::select(&["-", "!"][..]), inner).prop_map(|(op, inner)| format!("{op}{inner}")),
        ]
    })
}

/// A function with arguments of its own types, so that it is called and not only refused.
fn fitting() -> impl Strategy<Value = String> {
    let calls: Vec<(&'static str, &'static [lambda::Ty])> = functions()
        .flat_map(|function| function.signatures.iter().map(|signature| (function.name, signature.args)))
        .collect();
    (prop::sample::select(calls), prop::collection::vec(any::<prop::sample::Index>(), 4)).prop_map(
        |((name, types), picks)| {
            let args: Vec<&str> =
                types.iter().zip(&picks).map(|(ty, pick)| *pick.get(of_type(*ty))).collect();
            format!("{name}({})", args.join(", "))
        },
    )
}

fn of_type(ty: lambda::Ty) -> &'static [&'static str] {
    use lambda::Ty;
    match ty {
        Ty::Float => &["\"x\"", "0.0", "-0.0", "1.0 / 0.0", "0.0 / 0.0", "-1.5", "1000000000000000000000.0"],
        Ty::Int => &["\"y\"", "0", "1", "-1", "9223372036854775807", "-9223372036854775807 - 1", "5"],
        Ty::Str => {
            &["\"t\"", "''", "'a'", "'aéb'", "'-3'", "'1e400'", "'9223372036854775808'", "'0x1p-2000'"]
        }
        Ty::Bool => &["TRUE", "FALSE"],
        Ty::Regex => &["/a/", "/(?P<n>é)|$/", "/(x)*/"],
        Ty::Time => &["\"time\"", "now()"],
        Ty::Duration => &["0s", "1s", "-9223372036854775u", "15250w"],
        Ty::Missing => &["\"no\""],
    }
}

fn value() -> impl Strategy<Value = Value> {
    let extremes = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, 5e-324, 1e300, 2.5];
    prop_oneof![
        prop::sample::select(extremes.to_vec()).prop_map(Value::Float),
        prop::sample::select(vec![0, 1, -1, 7, i64::MAX, i64::MIN]).prop_map(Value::Int),
        prop::sample::select(vec!["", "a", "aéb", "1", "true", "-5s"]).prop_map(Value::str),
        any::<bool>().prop_map(Value::Bool),
        prop::sample::select(vec![0, 1, -1, i64::MAX, i64::MIN]).prop_map(Value::Duration),
        Just(Value::Null),
    ]
}

fn point() -> impl Strategy<Value = Point> {
    let time = prop::sample::select(vec![0, -1, i64::MIN, i64::MAX, 1_700_000_000_000_000_000]);
    let field = || proptest::option::weighted(0.8, value());
    (field(), field(), prop::sample::select(vec!["", "a", "é\u{0}"]), time, any::<bool>()).prop_map(
        |(x, y, tag, time, both)| {
            let fields = [("x", x), ("y", y), ("both", both.then_some(Value::Int(1)))];
            let present = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
            Point {
                tags: TagSet::new([("t", tag), ("both", "tag")]),
                fields: fields.into_iter().filter_map(present).collect(),
                time,
                results: Vec::new(),
            }
        },
    )
}

fn evaluate(source: &str, points: &[Point], truth: bool) {
    let Ok(lambda) = compile(source, FunctionSet::Task) else {
        return;
    };
    let groups = vec![0; points.len()];
    let env = Env::utc(i64::MAX);
    let how = How { groups: &groups, active: None, truth, as_series: true, env: &env };
    let outcomes = agree(&lambda, points, how, &mut Binding::default());
    assert_eq!(outcomes.len(), points.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_arguments_give_a_value_or_an_error(
        source in expression(),
        points in prop::collection::vec(point(), 1..4),
        truth in any::<bool>(),
    ) {
        evaluate(&source, &points, truth);
    }

    #[test]
    fn any_values_of_the_right_types_give_a_value_or_an_error(
        source in fitting(),
        points in prop::collection::vec(point(), 1..4),
    ) {
        evaluate(&source, &points, false);
    }
}
