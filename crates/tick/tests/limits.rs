//! Scripts made to exhaust the stack or the memory get an error instead. Threads have 2 MiB here,
//! as tasks of the server have.

mod support;

use std::collections::BTreeMap;

use support::Recorder;
use tick::{MAX_HEIGHT, MAX_NESTING, MAX_SCRIPT_BYTES, Mode, evaluate, format, parse, parse_lambda};

fn refused(source: &str) -> &'static str {
    parse(source).expect_err("the script is too deep").code
}

#[test]
fn deep_nesting_is_refused() {
    for source in [
        "(".repeat(100_000),
        "-".repeat(100_000),
        "!".repeat(100_000),
        "f(".repeat(100_000),
        "a|f(".repeat(100_000),
        "lambda: (".to_owned() + &"f(".repeat(100_000),
    ] {
        assert_eq!(refused(&source), tick::codes::TOO_DEEP);
    }
    let deepest = MAX_NESTING - 1;
    let source = format!("var x = {}1{}", "(".repeat(deepest), ")".repeat(deepest));
    assert!(parse(&source).is_ok());
}

#[test]
fn long_rows_are_refused() {
    for source in ["a".to_owned() + &".b".repeat(100_000), "1".to_owned() + &"+1".repeat(100_000)] {
        assert_eq!(refused(&source), tick::codes::TOO_DEEP);
    }
    let operators = MAX_HEIGHT - 2;
    let source = format!("var x = 1{}\nstream{}", " + 1".repeat(operators), "|from()".repeat(10));
    let program = parse(&source).expect("the row is just short enough");
    let again = parse(&format(&program)).expect("its layout parses");
    assert_eq!(format(&program), format(&again));
    let result = evaluate(&program, &mut Recorder::default(), &BTreeMap::new(), Mode::Task);
    let value = result.err().map(|error| error.message);
    // `stream` has no second `from`, but the variable before it was evaluated.
    assert!(value.is_some_and(|message| message.contains("from")));
    assert!(parse_lambda(&format!("1{}", " + 1".repeat(operators))).is_ok());
}

#[test]
fn layout_of_nested_calls_takes_linear_time() {
    let depth = MAX_NESTING - 10;
    let mut source = "a".to_owned();
    for level in 0..depth {
        source = if level % 2 == 0 { format!("f({source} + 1, 2)") } else { format!("(1 + {source})") };
    }
    let program = parse(&format!("var x = {source}")).expect("it is not too deep");
    assert!(format(&program).contains("f("));
}

#[test]
fn long_scripts_are_refused() {
    let source = " ".repeat(MAX_SCRIPT_BYTES + 1);
    assert_eq!(refused(&source), tick::codes::TOO_LONG);
    assert!(parse(&source[1..]).is_ok());
}

#[test]
fn values_that_double_are_refused() {
    let doubling = |first: &str, next: &str| {
        let mut source = format!("var a0 = {first}\n");
        for step in 1..60 {
            source += &format!("var a{step} = {}\n", next.replace('@', &format!("a{}", step - 1)));
        }
        let program = parse(&source).expect("it is valid");
        let result = evaluate(&program, &mut Recorder::default(), &BTreeMap::new(), Mode::Task);
        result.expect_err("it grows too large").code
    };
    assert_eq!(doubling("'text'", "@ + @"), tick::codes::TOO_LARGE);
    assert_eq!(doubling("lambda: \"x\"", "lambda: @ + @"), tick::codes::TOO_LARGE);
    let many =
        "var a = lambda: ".to_owned() + &"1 + ".repeat(900) + "1\n" + &"lambda: a + a + a\n".repeat(2000);
    let program = parse(&many).expect("it is valid");
    let result = evaluate(&program, &mut Recorder::default(), &BTreeMap::new(), Mode::Task);
    assert_eq!(result.expect_err("all together it is too large").code, tick::codes::TOO_LARGE);
    assert_eq!(doubling("['a']", "[@, @]"), tick::codes::NOT_A_LITERAL);
}

#[test]
fn large_patterns_are_refused() {
    for pattern in ["(a{1000}){1000}", "\\pL{1000}{1000}", "(\\pL{500}){500}"] {
        assert!(tick::re2::compile(pattern).is_err(), "{pattern}");
    }
    assert!(tick::re2::compile(&"(".repeat(100_000)).is_err());
    assert!(tick::re2::compile(&("(".repeat(100_000) + &")".repeat(100_000))).is_err());
}

#[test]
fn line_ends_of_windows_are_space() {
    let program = parse("// a\r\nvar x = 5\r\nstream\r\n|from()\r\n").expect("it parses");
    assert_eq!(format(&program), "// a\nvar x = 5\n\nstream\n    |from()\n");
}
