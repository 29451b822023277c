//! Random expressions over random runs: fields that change type, are missing or null, names that
//! are sometimes tags and sometimes fields, rows left out. Columns must give what single rows give.

mod support;

use lambda::{Binding, Env, FunctionSet};
use model::{Mask, TagSet, Value};
use proptest::prelude::*;
use support::{How, Point, agree, compile};

/// Texts of expressions that are mostly of one type, so that most have a result.
#[derive(Clone, Copy, Debug)]
enum Want {
    Float,
    Int,
    Bool,
    Str,
    Duration,
}

fn pick(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    prop::sample::select(texts).prop_map(str::to_owned).boxed()
}

fn leaf(want: Want) -> BoxedStrategy<String> {
    match want {
        Want::Float => {
            pick(&["\"f\"", "\"g\"", "\"f\"", "\"x\"", "\"sparse\"", "\"r\"", "1.5", "0.0", "-2.5"])
        }
        Want::Int => pick(&[
            "\"i\"",
            "\"j\"",
            "\"i\"",
            "\"x\"",
            "\"n\"",
            "3",
            "0",
            "-1",
            "count()",
            "unixNano(\"time\")",
        ]),
        Want::Bool => {
            pick(&["\"b\"", "\"c\"", "TRUE", "FALSE", "isPresent(\"sparse\")", "isPresent(\"both\")"])
        }
        Want::Str => pick(&["\"s\"", "\"t\"", "\"both\"", "\"x\"", "'a'", "''", "'10'"]),
        Want::Duration => pick(&["5s", "1m", "0s", "\"d\""]),
    }
}

const WANTS: [Want; 5] = [Want::Float, Want::Int, Want::Bool, Want::Str, Want::Duration];

/// Expressions whose parts are those of `below`, one strategy for each of [`WANTS`].
fn node(want: Want, below: &[BoxedStrategy<String>]) -> BoxedStrategy<String> {
    let sub = |want: Want| below[want as usize].clone();
    let two = |ops: &'static [&'static str], a: Want, b: Want| {
        (sub(a), prop::sample::select(ops), sub(b)).prop_map(|(a, op, b)| format!("({a} {op} {b})")).boxed()
    };
    let call = |name: &'static str, args: Vec<BoxedStrategy<String>>| {
        args.prop_map(move |args| format!("{name}({})", args.join(", "))).boxed()
    };
    const ORDER: &[&str] = &["==", "!=", "<", "<=", ">", ">="];
    match want {
        Want::Float => prop_oneof![
            2 => leaf(want),
            3 => two(&["+", "-", "*", "/"], Want::Float, Want::Float),
            1 => sub(Want::Float).prop_map(|a| format!("(-{a})")),
            1 => call("sigma", vec![sub(Want::Float)]),
            1 => call("spread", vec![sub(Want::Float)]),
            1 => call("abs", vec![sub(Want::Float)]),
            1 => call("max", vec![sub(Want::Float), sub(Want::Float)]),
            1 => call("float", vec![sub(Want::Int)]),
            1 => call("float", vec![sub(Want::Str)]),
            1 => call("if", vec![sub(Want::Bool), sub(Want::Float), sub(Want::Float)]),
        ]
        .boxed(),
        Want::Int => prop_oneof![
            2 => leaf(want),
            3 => two(&["+", "-", "*", "/", "%"], Want::Int, Want::Int),
            1 => two(&["/"], Want::Duration, Want::Duration),
            1 => call("int", vec![sub(Want::Float)]),
            1 => call("strLength", vec![sub(Want::Str)]),
            1 => call("strIndex", vec![sub(Want::Str), sub(Want::Str)]),
            1 => call("rand", vec![sub(Want::Int)]),
            1 => call("if", vec![sub(Want::Bool), sub(Want::Int), sub(Want::Int)]),
        ]
        .boxed(),
        Want::Bool => prop_oneof![
            1 => leaf(want),
            4 => two(&["AND", "OR"], Want::Bool, Want::Bool),
            3 => two(ORDER, Want::Float, Want::Float),
            2 => two(ORDER, Want::Float, Want::Int),
            2 => two(ORDER, Want::Int, Want::Float),
            2 => two(ORDER, Want::Int, Want::Int),
            2 => two(ORDER, Want::Str, Want::Str),
            1 => two(ORDER, Want::Duration, Want::Duration),
            1 => two(ORDER, Want::Bool, Want::Bool),
            1 => two(ORDER, Want::Int, Want::Str),
            1 => sub(Want::Str).prop_map(|a| format!("({a} =~ /^[ab1]/)")),
            1 => sub(Want::Str).prop_map(|a| format!("({a} !~ /b$/)")),
            1 => sub(Want::Bool).prop_map(|a| format!("(!{a})")),
            1 => sub(Want::Float).prop_map(|a| format!("(!{a})")),
            1 => call("strContains", vec![sub(Want::Str), sub(Want::Str)]),
            1 => call("bool", vec![sub(Want::Int)]),
            1 => call("isPresent", vec![sub(Want::Float)]),
        ]
        .boxed(),
        Want::Str => prop_oneof![
            2 => leaf(want),
            2 => two(&["+"], Want::Str, Want::Str),
            1 => call("string", vec![sub(Want::Float)]),
            1 => call("string", vec![sub(Want::Int)]),
            1 => call("strToUpper", vec![sub(Want::Str)]),
            1 => call("strTrimLeft", vec![sub(Want::Str), sub(Want::Str)]),
            1 => call("strSubstring", vec![sub(Want::Str), sub(Want::Int), sub(Want::Int)]),
            1 => sub(Want::Str).prop_map(|a| format!("regexReplace(/a/, {a}, '<$0>')")),
            1 => call("if", vec![sub(Want::Bool), sub(Want::Str), sub(Want::Str)]),
        ]
        .boxed(),
        Want::Duration => prop_oneof![
            2 => leaf(want),
            2 => two(&["+", "-"], Want::Duration, Want::Duration),
            1 => two(&["*", "/"], Want::Duration, Want::Int),
            1 => two(&["*", "/"], Want::Duration, Want::Float),
            1 => two(&["*"], Want::Float, Want::Duration),
            1 => call("duration", vec![sub(Want::Int), sub(Want::Duration)]),
        ]
        .boxed(),
    }
}

fn expression() -> BoxedStrategy<String> {
    let level = |below: &[BoxedStrategy<String>]| WANTS.map(|want| node(want, below));
    let first = level(&WANTS.map(leaf));
    let second = level(&first);
    let third = level(&second);
    prop::strategy::Union::new([first, second, third].into_iter().flatten()).boxed()
}

fn float() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), Just(f64::INFINITY), -100.0..100.0, any::<f64>()]
}

fn int() -> impl Strategy<Value = i64> {
    prop_oneof![-3i64..20, Just(i64::MIN), Just(i64::MAX), any::<i64>()]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("10".to_owned()), Just("aXé".to_owned()), "[ab1é]{0,4}"]
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        float().prop_map(Value::Float),
        int().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        text().prop_map(|v| Value::str(&v)),
        Just(Value::Null),
    ]
}

/// A point of a tidy run (every field there, of its own type) or of an untidy one.
fn point(tidy: bool) -> impl Strategy<Value = Point> {
    let numbers = (float(), float(), int(), int());
    let rest = (any::<bool>(), any::<bool>(), text(), int());
    let odd = (anything(), 0u8..4, 0u8..4, 0u8..20, anything());
    let labels = (text(), 0i64..1_000_000);
    (numbers, rest, odd, labels).prop_map(move |(numbers, rest, odd, (tag, time))| {
        let mut fields = vec![
            ("f".to_owned(), Value::Float(numbers.0)),
            ("g".to_owned(), Value::Float(numbers.1)),
            ("i".to_owned(), Value::Int(numbers.2)),
            ("j".to_owned(), Value::Int(numbers.3)),
            ("b".to_owned(), Value::Bool(rest.0)),
            ("c".to_owned(), Value::Bool(rest.1)),
            ("s".to_owned(), Value::str(&rest.2)),
        ];
        let mut tags = vec![("t", tag.as_str())];
        let mut results = vec![("d".to_owned(), Value::Duration(rest.3))];
        let (x, sparse, both, drop, r) = odd;
        results.push(("r".to_owned(), if tidy { Value::Float(numbers.0) } else { r }));
        fields.push(("x".to_owned(), if tidy { Value::Float(numbers.1) } else { x }));
        if sparse > 0 {
            fields.push(("sparse".to_owned(), Value::Float(numbers.1)));
        }
        if !tidy {
            if both == 1 {
                fields.push(("both".to_owned(), Value::str(&rest.2)));
            }
            if both >= 1 && drop > 2 {
                tags.push(("both", "tagged"));
            }
            if both == 2 {
                fields.push(("n".to_owned(), Value::Null));
            }
            fields.retain(|(name, _)| drop > 3 || name.as_bytes()[0] % 4 != drop);
        }
        Point { tags: TagSet::new(tags), fields, time, results }
    })
}

fn run() -> impl Strategy<Value = Vec<Point>> {
    any::<bool>().prop_flat_map(|tidy| prop::collection::vec(point(tidy), 0..70))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn columns_give_what_rows_give(
        source in expression(),
        points in run(),
        groups in prop::collection::vec(0u32..3, 70),
        left_out in prop::option::of(prop::collection::vec(any::<bool>(), 70)),
        as_series in any::<bool>(),
    ) {
        let Ok(lambda) = compile(&source, FunctionSet::Task) else { return Ok(()) };
        let env = Env::utc(1_700_000_000_000_000_000);
        let mut active = Mask::all(points.len());
        for (row, _) in points.iter().enumerate() {
            active.set(row, !left_out.as_ref().is_some_and(|out| out[row]));
        }
        let active = left_out.is_some().then_some(&active);
        let mut binding = Binding::default();
        for truth in [false, true] {
            let how = How { groups: &groups[..points.len()], active, truth, as_series, env: &env };
            agree(&lambda, &points, how, &mut binding);
        }
    }

    #[test]
    fn any_text_compiles_or_is_refused(source in "[-a-z0-9\"'()+*/=!<>., ]{0,40}") {
        let Ok(lambda) = compile(&source, FunctionSet::Match) else { return Ok(()) };
        let again = compile(&lambda.to_string(), FunctionSet::Match);
        prop_assert!(again.is_ok_and(|again| again.to_string() == lambda.to_string()));
    }
}

/// The generator must reach the fast roads: expressions with results, errors and state.
#[test]
fn random_expressions_mostly_have_results() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let env = Env::utc(0);
    let (mut compiled, mut with_result, mut with_error, mut stateful) = (0, 0, 0, 0);
    for _ in 0..300 {
        let source = expression().new_tree(&mut runner).expect("a tree").current();
        let points = prop::collection::vec(point(true), 8).new_tree(&mut runner).expect("a tree").current();
        let Ok(lambda) = compile(&source, FunctionSet::Task) else {
            continue;
        };
        compiled += 1;
        stateful += usize::from(lambda.is_stateful());
        let how = How { groups: &[0; 8], active: None, truth: false, as_series: true, env: &env };
        let outcomes = agree(&lambda, &points, how, &mut Binding::default());
        with_result += usize::from(outcomes.iter().any(|outcome| matches!(outcome, Some(Ok(_)))));
        with_error += usize::from(outcomes.iter().any(|outcome| matches!(outcome, Some(Err(_)))));
    }
    assert!(compiled > 200, "{compiled} of 300 compile");
    assert!(with_result > 100 && with_error > 30 && stateful > 30, "{with_result} {with_error} {stateful}");
}
