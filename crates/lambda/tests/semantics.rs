//! What the recorded answers do not cover: filters, state, match expressions, names that are both
//! tag and field, time zones, limits, and what is refused when a task is defined.

mod support;

use jiff::tz::TimeZone;
use lambda::{Binding, Env, FunctionSet, Lambda, Lookup, MatchCall, Scope, State};
use model::{TagSet, Time, Value};
use support::{How, Point, agree, compile, outcome};

fn task(source: &str) -> Lambda {
    compile(source, FunctionSet::Task).unwrap_or_else(|error| panic!("{source}: {error}"))
}

fn point(fields: &[(&str, Value)], tags: &[(&str, &str)]) -> Point {
    Point {
        tags: TagSet::new(tags.iter().copied()),
        fields: fields.iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
        time: 1_700_000_000_000_000_000,
        results: Vec::new(),
    }
}

fn sample() -> Point {
    let fields = [
        ("i", Value::Int(7)),
        ("f", Value::Float(2.5)),
        ("s", Value::str("abc")),
        ("b", Value::Bool(true)),
        ("null", Value::Null),
        ("both", Value::Int(1)),
    ];
    point(&fields, &[("t", "tagv"), ("both", "x")])
}

#[test]
fn filters_want_a_boolean() {
    let cases: &[(&str, Result<bool, &str>)] = &[
        ("\"f\" > 2.0", Ok(true)),
        ("\"b\"", Ok(true)),
        ("!\"b\"", Ok(false)),
        ("-\"b\"", Ok(false)),
        ("TRUE", Ok(true)),
        ("\"t\" == 'tagv' AND \"i\" % 2 == 1", Ok(true)),
        ("isPresent(\"no\") AND \"no\" > 1", Ok(false)),
        ("!isPresent(\"no\")", Ok(true)),
        ("\"no\"", Err("reference \"no\" is missing value")),
        ("\"i\"", Err("TypeGuard: expression returned unexpected type int, expected boolean")),
        ("5", Err("TypeGuard: expression returned unexpected type int, expected boolean")),
        ("-\"i\"", Err("TypeGuard: expression returned unexpected type int, expected boolean")),
        ("\"time\"", Err("TypeGuard: expression returned unexpected type time, expected boolean")),
        ("sigma(\"f\")", Err("TypeGuard: expression returned unexpected type float, expected boolean")),
        ("\"i\" + 1", Err("expression returned unexpected type int64")),
        ("\"f\" * 2.0", Err("expression returned unexpected type float64")),
        ("\"s\" + 'd'", Err("expression returned unexpected type <nil>")),
        ("!\"i\"", Err("TypeGuard: expression returned unexpected type int, expected boolean")),
        ("\"null\" > 1", Err("referenced value \"null\" is nil.")),
        ("isPresent(\"null\")", Err("Failed to handle 1 argument: referenced value \"null\" is nil.")),
        ("TRUE OR \"both\" == 1", Err("cannot have field and tags with same name \"both\"")),
        ("\"i\" / 0 > 1", Err("cannot divide by zero: the divisor of an integer or duration is 0")),
        ("FALSE AND \"i\" / 0 > 1", Ok(false)),
        ("\"i\" > 100 AND \"i\" / 0 > 1", Ok(false)),
        (
            "\"i\" > 100 OR \"i\" % 0 > 1",
            Err("cannot divide by zero: the divisor of an integer or duration is 0"),
        ),
        (
            "if(\"no\" > 1, TRUE, FALSE)",
            Err("Failed to handle 1 argument: left reference value \"no\" is missing value"),
        ),
        (
            "strSubstring(\"s\", 2, 1) == ''",
            Err("error calling \"strSubstring\": start index 2 is beyond stop index 1 in strSubstring"),
        ),
    ];
    let env = Env::utc(0);
    for (source, want) in cases {
        let want = want.map(Value::Bool).map_err(str::to_owned);
        assert_eq!(outcome(&task(source), &sample(), true, &env), want, "{source}");
    }
}

#[test]
fn values_have_the_type_of_the_expression() {
    let cases: &[(&str, Result<Value, &str>)] = &[
        ("-\"f\"", Ok(Value::Float(-2.5))),
        ("-\"i\" - 1", Ok(Value::Int(-8))),
        ("-(9223372036854775807) - 1 - 1", Ok(Value::Int(i64::MAX))),
        ("(-9223372036854775807 - 1) / -1", Ok(Value::Int(i64::MIN))),
        ("(-9223372036854775807 - 1) % -1", Ok(Value::Int(0))),
        ("1w * 20000.0", Ok(Value::Duration(i64::MIN))),
        ("\"i\" * 1m", Ok(Value::Duration(420_000_000_000))),
        ("int(\"f\" * 1e0)", Err("refused")),
        ("'a' + \"t\" + string(\"i\")", Ok(Value::str("atagv7"))),
        ("\"both\"", Err("cannot have field and tags with same name \"both\"")),
        ("\"null\"", Err("referenced value \"null\" is nil.")),
        ("\"no\"", Err("missing value: \"no\"")),
        ("-\"no\"", Err("reference \"no\" is missing value")),
        ("isPresent(-\"no\")", Ok(Value::Bool(false))),
        ("strSubstring('aéb', 2, 3)", Ok(Value::str("\u{fffd}"))),
        ("strReplace('aXbX', 'X', '', 1)", Ok(Value::str("abX"))),
        ("regexReplace(/(a)(b)/, 'abab', '$2-$1')", Ok(Value::str("b-ab-a"))),
        ("strToUpper(\"s\") + strTrim(' x ', ' ')", Ok(Value::str("ABCx"))),
        ("float('0x1p-2')", Ok(Value::Float(0.25))),
        ("duration(\"i\", 1s) / 2", Ok(Value::Duration(3_500_000_000))),
    ];
    let env = Env::utc(0);
    for (source, want) in cases {
        let Err("refused") = want else {
            let want = want.clone().map_err(str::to_owned);
            assert_eq!(outcome(&task(source), &sample(), false, &env), want, "{source}");
            continue;
        };
        assert!(compile(source, FunctionSet::Task).is_err(), "{source}");
    }
}

/// Values of `x` over time, in one group, and what an expression over them gives each time.
#[test]
fn functions_remember_per_lambda() {
    let x = [1.0, 3.0, 2.0, 10.0].map(Value::Float);
    let cases: &[(&str, &[&str])] = &[
        ("count()", &["Int(1)", "Int(2)", "Int(3)", "Int(4)"]),
        ("spread(\"x\")", &["Float(0.0)", "Float(2.0)", "Float(2.0)", "Float(9.0)"]),
        (
            "sigma(\"x\")",
            &["Float(0.0)", "Float(0.7071067811865475)", "Float(0.0)", "Float(1.4696938456699067)"],
        ),
        // One memory for both calls.
        ("count() * 10 + count()", &["Int(12)", "Int(34)", "Int(56)", "Int(78)"]),
        // The right side only counts when it is asked.
        ("\"x\" > 1.5 AND count() > 1", &["Bool(false)", "Bool(false)", "Bool(true)", "Bool(true)"]),
        ("if(\"x\" > 2.5, count(), 0)", &["Int(0)", "Int(2)", "Int(0)", "Int(4)"]),
    ];
    for (source, want) in cases {
        let points: Vec<Point> = x.iter().map(|x| point(&[("x", x.clone())], &[])).collect();
        let env = Env::utc(0);
        let how = How { groups: &[0; 4], active: None, truth: false, as_series: true, env: &env };
        let got = agree(&task(source), &points, how, &mut Binding::default());
        let got: Vec<String> =
            got.into_iter().map(|v| format!("{:?}", v.expect("active").expect("a value"))).collect();
        assert_eq!(got, *want, "{source}");
    }
}

#[test]
fn a_point_with_an_error_of_types_changes_no_state() {
    let points: Vec<Point> =
        [Value::Float(1.0), Value::str("no"), Value::Float(2.0)].map(|x| point(&[("x", x)], &[])).into();
    let env = Env::utc(0);
    let how = How { groups: &[0; 3], active: None, truth: false, as_series: false, env: &env };
    let counts = agree(&task("count() + int(\"x\" * 0.0)"), &points, how, &mut Binding::default());
    assert_eq!(counts[0], Some(Ok(Value::Int(1))));
    assert!(matches!(&counts[1], Some(Err(text)) if text.contains("operator * for type string")));
    assert_eq!(counts[2], Some(Ok(Value::Int(2))));
    // An error on the way, though, comes after what was already counted.
    let counts = agree(
        &task("count() + if(\"x\" > 1.5, 0, 1 / 0)"),
        &points[..1],
        How { groups: &[0], ..how },
        &mut Binding::default(),
    );
    assert!(matches!(&counts[0], Some(Err(_))));
}

/// An embedded lambda has a memory of its own.
#[test]
fn nested_lambdas_count_for_themselves() {
    use tick::ast::{BinaryOp, Expr, ExprKind, Span};
    let count = tick::parse_lambda("count()").expect("a call");
    let wrap = |kind| Expr { span: Span::default(), comment: None, kind };
    let sum = wrap(ExprKind::Binary {
        op: BinaryOp::Add,
        op_span: Span::default(),
        left: Box::new(wrap(ExprKind::Lambda(count.clone()))),
        right: Box::new((*count).clone()),
        parens: false,
        multiline: false,
    });
    let lambda = Lambda::compile(&sum, FunctionSet::Task).expect("two counts");
    let points = vec![point(&[], &[]); 3];
    let env = Env::utc(0);
    let how = How { groups: &[0; 3], active: None, truth: false, as_series: true, env: &env };
    let got = agree(&lambda, &points, how, &mut Binding::default());
    assert_eq!(got, [2, 4, 6].map(|n| Some(Ok(Value::Int(n)))));
}

#[test]
fn earlier_results_give_way_to_fields_and_tags() {
    let mut first = point(&[("x", Value::Int(1))], &[]);
    first.results = vec![("x".to_owned(), Value::Int(2)), ("y".to_owned(), Value::Int(3))];
    let mut second = point(&[], &[]);
    second.results = first.results.clone();
    let env = Env::utc(0);
    let how = How { groups: &[0; 2], active: None, truth: false, as_series: true, env: &env };
    let got = agree(&task("\"x\" * 10 + \"y\""), &[first, second], how, &mut Binding::default());
    assert_eq!(got, [13, 23].map(|n| Some(Ok(Value::Int(n)))));
}

#[test]
fn times_are_read_on_the_servers_clock() {
    let zone = TimeZone::fixed(jiff::tz::offset(-9));
    let env = Env { now: 1_700_000_000_000_000_000, zone };
    let cases = [
        ("hour(\"time\")", 13),
        ("hour(now())", 13),
        ("day(\"time\")", 14),
        ("weekday(\"time\")", 2),
        ("unixNano(now())", 1_700_000_000_000_000_000),
        ("minute(\"time\") + month(\"time\") + year(\"time\")", 13 + 11 + 2023),
    ];
    for (source, want) in cases {
        let lambda = task(source);
        assert_eq!(outcome(&lambda, &sample(), false, &env), Ok(Value::Int(want)), "{source}");
        assert_eq!(lambda.reads_time(), source.contains("\"time\""));
        assert!(lambda.references().is_empty());
    }
    for time in [i64::MIN, 0, i64::MAX] {
        let point = Point { time, ..sample() };
        assert!(outcome(&task("year(\"time\")"), &point, false, &env).is_ok());
    }
}

#[test]
fn what_never_works_is_refused_with_the_task() {
    let cases: &[(&str, &str, &str)] = &[
        ("sgima(\"f\")", "undefined function: \"sgima\"; did you mean \"sigma\"?", "sgima(\"f\")"),
        ("level() > 1", "undefined function: \"level\"", "level()"),
        (
            "1 + 'a'",
            "mismatched type to binary operator. got int + string. see bool(), int(), float(), string(), duration()",
            "1 + 'a'",
        ),
        ("TRUE AND 1", "mismatched type to binary operator. got boolean AND int.", "TRUE AND 1"),
        ("\"a\" > 1 AND 1", "mismatched type to binary operator. got boolean AND int.", "\"a\" > 1 AND 1"),
        ("(1 + 'a') > 2", "Failed to handle left node: mismatched type", "1 + 'a'"),
        ("abs(1 + 'a')", "Failed to handle 1 argument: mismatched type", "1 + 'a'"),
        ("-(1 + 'a')", "Failed to handle node: mismatched type", "1 + 'a'"),
        ("'a' =~ 'b'", "mismatched type to binary operator. got string =~ string.", "'a' =~ 'b'"),
        (
            "'usage' > 90",
            "mismatched type to binary operator. got string > int. see bool(), int(), float(), string(), duration(); if 'usage' is a field or tag, write it in double quotes: \"usage\"",
            "'usage' > 90",
        ),
        (
            "\"host\" == 'a' AND 'a' =~ 'b/c'",
            "Failed to handle right node: mismatched type to binary operator. got string =~ string. see bool(), int(), float(), string(), duration(); write the pattern between slashes: /b\\/c/",
            "'a' =~ 'b/c'",
        ),
        ("somewhere > 1", "unknown identifier \"somewhere\"", "somewhere"),
    ];
    for (source, want, at) in cases {
        let expr = tick::parse_lambda(source).unwrap_or_else(|error| panic!("{source}: {error}"));
        let error = Lambda::compile(&expr, FunctionSet::Task).expect_err(source);
        assert!(error.to_string().starts_with(want), "{source}: {error}");
        let place = &source[error.span.start as usize..error.span.end as usize];
        assert!(place.contains(at) || at.contains(place), "{source}: the place is {place}");
    }
}

/// An event of an alert.
struct Event(TagSet);

impl Scope for Event {
    fn get(&self, name: &str) -> Lookup<'_> {
        self.0.get(name).map_or(Lookup::Missing, Lookup::Str)
    }
    fn time(&self) -> Time {
        0
    }
    fn call(&self, call: MatchCall) -> Lookup<'_> {
        match call {
            MatchCall::Changed => Lookup::Bool(true),
            MatchCall::Level => Lookup::Int(2),
            MatchCall::Name => Lookup::Str("cpu"),
            MatchCall::TaskName => Lookup::Str("task"),
            MatchCall::AlertDuration => Lookup::Duration(90_000_000_000),
        }
    }
}

#[test]
fn match_expressions_ask_the_event() {
    let cases: &[(&str, Result<bool, &str>)] = &[
        ("changed()", Ok(true)),
        ("!changed()", Ok(false)),
        ("changed() AND level() >= WARNING", Ok(true)),
        ("level() == CRITICAL", Ok(false)),
        ("name() == 'cpu' AND taskName() =~ /^t/", Ok(true)),
        ("alertDuration() >= 1m", Ok(true)),
        ("\"host\" == 'a'", Ok(true)),
        ("\"time\" == 'late'", Ok(true)),
        ("changed() OR \"rack\" == 'x'", Err("no tag exists for rack")),
        ("level()", Err("TypeGuard: expression returned unexpected type int, expected boolean")),
        (
            "changed(1)",
            Err("Cannot call function \"changed\" with args (1: int), available signatures are [()]."),
        ),
    ];
    let event = Event(TagSet::new([("host", "a"), ("time", "late")]));
    for (source, want) in cases {
        let lambda = compile(source, FunctionSet::Match).unwrap_or_else(|error| panic!("{source}: {error}"));
        let got =
            lambda.eval_bool(&event, &mut State::default(), &Env::utc(0)).map_err(|error| error.to_string());
        assert_eq!(got, want.map_err(str::to_owned), "{source}");
    }
    let refused = compile("level() > WARNIN", FunctionSet::Match).expect_err("no such level");
    assert_eq!(refused, "unknown identifier \"WARNIN\"; did you mean \"WARNING\"?");
    // Asked of a point, they have no answer.
    let lambda = compile("level() > 1", FunctionSet::Match).expect("a match expression");
    let error = lambda.eval_bool(&sample(), &mut State::default(), &Env::utc(0)).expect_err("no event");
    assert_eq!(error.to_string(), "error calling \"level\": only an event of an alert has an answer");
}

#[test]
fn tags_alone_can_decide_a_filter() {
    let tags = TagSet::new([("host", "a"), ("region", "r1")]);
    let none = |_: &str| false;
    let cases: &[(&str, Option<bool>)] = &[
        ("\"region\" == 'r1' OR \"region\" == 'r2'", Some(true)),
        ("\"host\" =~ /^b/", Some(false)),
        ("TRUE", Some(true)),
        ("\"usage\" > 1.0", None),
        ("isPresent(\"host\")", Some(true)),
        ("isPresent(\"rack\")", None),
        ("\"host\" == 'a' AND hour(\"time\") > 8", None),
        ("\"host\" == 'a' AND count() > 1", None),
        ("\"host\" == 'a' AND unixNano(now()) > 1", None),
        ("\"host\" > 1", None),
    ];
    for (source, want) in cases {
        assert_eq!(task(source).fold_tags(&none, &tags), *want, "{source}");
    }
    assert_eq!(task("\"host\" == 'a'").fold_tags(&|name| name == "host", &tags), None);
}

#[test]
fn texts_cannot_grow_without_bound() {
    let big = "x".repeat(3 << 20);
    let point = point(&[("s", Value::str(&big))], &[]);
    let env = Env::utc(0);
    let cases = [
        ("\"s\" + \"s\" + \"s\" + \"s\" + \"s\" + \"s\"", "the text grows beyond 16 MiB"),
        ("strReplace(\"s\", '', \"s\", -1)", "error calling \"strReplace\": the text grows beyond 16 MiB"),
        (
            "regexReplace(/x/, \"s\", 'yyyyyyyy')",
            "error calling \"regexReplace\": the text grows beyond 16 MiB",
        ),
    ];
    for (source, want) in cases {
        let error = outcome(&task(source), &point, false, &env).expect_err(source);
        assert!(error.starts_with(want), "{source}: {error}");
    }
}

#[test]
fn long_expressions_fit_the_stack() {
    let env = Env::utc(0);
    let any = vec!["\"t\" == 'no'"; 900].join(" OR ");
    assert_eq!(outcome(&task(&any), &sample(), true, &env), Ok(Value::Bool(false)));
    let sum = vec!["\"i\""; 900].join(" + ");
    assert_eq!(outcome(&task(&sum), &sample(), false, &env), Ok(Value::Int(6300)));
    assert!(compile(&vec!["1"; 3000].join(" + "), FunctionSet::Task).is_err());
    let nested = format!("{}\"f\"{}", "abs(".repeat(150), ")".repeat(150));
    assert_eq!(outcome(&task(&nested), &sample(), false, &env), Ok(Value::Float(2.5)));
}

/// Lambdas embedded in lambdas nest deeper than the parser would allow a text to.
#[test]
fn deep_trees_fit_the_stack() {
    use tick::ast::{Call, Expr, ExprKind, Ident, Span};
    let wrap = |kind| Expr { span: Span::default(), comment: None, kind };
    let nest = |levels: usize| {
        let mut expr = wrap(ExprKind::Reference("f".to_owned()));
        for _ in 0..levels {
            let call = Call {
                name: Ident { name: "abs".to_owned(), span: Span::default() },
                args: vec![wrap(ExprKind::Lambda(expr.into()))],
                multiline: false,
                trailing: None,
            };
            expr = wrap(ExprKind::Call(call));
        }
        expr
    };
    let env = Env::utc(0);
    let lambda = Lambda::compile(&nest(490), FunctionSet::Task).expect("deep, but not too deep");
    assert_eq!(outcome(&lambda, &sample(), false, &env), Ok(Value::Float(2.5)));
    let text = point(&[("f", Value::str("text"))], &[]);
    assert!(outcome(&lambda, &text, false, &env).is_err());
    let error = Lambda::compile(&nest(600), FunctionSet::Task).expect_err("too deep");
    assert_eq!(error.code, lambda::codes::TOO_DEEP);
}

#[test]
fn a_lambda_knows_what_it_reads() {
    let lambda = task("\"b\" > 1 AND \"a\" == 'x' AND \"b\" < 9 AND \"time\" == \"time\"");
    let names: Vec<&str> = lambda.references().iter().map(|name| &**name).collect();
    assert_eq!(names, ["a", "b"]);
    assert!(lambda.reads_time() && !lambda.is_stateful());
    assert!(lambda.reads_only(&["a", "b", "c"]) && !lambda.reads_only(&["a"]));
    assert_eq!(task("\"a\">1.0  AND count()>2").to_string(), "\"a\" > 1.0 AND count() > 2");
    assert!(task("sigma(\"a\") > 3.0").is_stateful());
}
