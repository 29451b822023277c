//! What must hold for any text and any script.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use support::Recorder;
use tick::ast::{Call, Expr, ExprKind, Ident, Program, Span, StatementKind};
use tick::{Mode, evaluate, format, format_expr, parse, parse_lambda};

/// The tree without what may differ between two layouts of one script: places, and whether lines
/// were broken.
fn bare(program: &Program) -> Program {
    let mut program = program.clone();
    for statement in &mut program.statements {
        statement.span = Span::default();
        match &mut statement.kind {
            StatementKind::Declaration { name, value } => {
                bare_name(name);
                bare_expr(value);
            }
            StatementKind::TypeDeclaration { name, type_name } => {
                bare_name(name);
                bare_name(type_name);
            }
            StatementKind::Dbrp { .. } => {}
            StatementKind::Expression(expr) => {
                bare_expr(expr);
                // Added where the statement would else be read as the rest of the one before.
                if let ExprKind::Binary { parens, .. } = &mut expr.kind {
                    *parens = false;
                }
            }
        }
    }
    program
}

fn bare_name(name: &mut Ident) {
    name.span = Span::default();
}

fn bare_expr(expr: &mut Expr) {
    expr.span = Span::default();
    match &mut expr.kind {
        ExprKind::List(items) => items.iter_mut().for_each(bare_expr),
        ExprKind::Unary { operand, .. } => bare_expr(operand),
        ExprKind::Binary { op_span, left, right, multiline, .. } => {
            *op_span = Span::default();
            *multiline = false;
            bare_expr(left);
            bare_expr(right);
        }
        ExprKind::Call(Call { name, args, multiline, .. }) => {
            bare_name(name);
            *multiline = false;
            args.iter_mut().for_each(bare_expr);
        }
        ExprKind::Chain { receiver, link_span, member, .. } => {
            *link_span = Span::default();
            bare_expr(receiver);
            bare_expr(member);
        }
        ExprKind::Lambda(body) => bare_expr(Arc::make_mut(body)),
        _ => {}
    }
}

const LITERALS: &[&str] = &[
    "5",
    "007",
    "1.5",
    ".5",
    "10s",
    "3ms",
    "5µ",
    "'a'",
    "'it\\'s'",
    "''",
    "'x\ny'",
    "'''tri'ple'''",
    "'''a\nb'''",
    "/re/",
    "/a\\/b/",
    "\"field\"",
    "\"q\\\"q\"",
    "TRUE",
    "FALSE",
    "x",
    "y",
    "limit",
    "*",
];
const OPERATORS: &[&str] =
    &["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "=~", "!~", "AND", "OR"];
const NAMES: &[&str] = &["from", "where", "window", "period", "tags", "eval", "as", "detector"];
const SOUP: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "|",
    "@",
    "var ",
    "dbrp ",
    "lambda:",
    "lambda",
    "=",
    "//c\n",
    "\n",
    " ",
    "'",
    "'''",
    "\"",
    "/",
    "\\",
    "!",
    "é",
    "_",
    "&",
    "1..2",
    "08",
    "99999999999999999999s",
    "300000d",
    "/[/",
    "/(?=x)/",
    "//",
    "stream",
    "time(",
    "\u{0}",
    "\u{85}",
    "\r\n",
];

/// Space between tokens, sometimes with line ends and comments.
fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        12 => Just(" "),
        2 => Just("\n"),
        1 => Just("\n    \n\t"),
        1 => Just(" // note\n"),
        1 => Just("\n// one\n//two\n\n// three\n"),
        1 => Just("\n//\n"),
    ]
}

fn pick(from: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(from).prop_map(str::to_owned)
}

/// Operands and operators, as in a lambda.
fn expression() -> impl Strategy<Value = String> {
    pick(LITERALS).prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            3 => (inner.clone(), space(), pick(OPERATORS), space(), inner.clone())
                .prop_map(|(left, a, op, b, right)| format!("{left}{a} {op} {b}{right}")),
            1 => (space(), inner.clone(), space()).prop_map(|(a, inner, b)| format!("({a}{inner}{b})")),
            1 => (pick(&["-", "!"]), inner.clone()).prop_map(|(op, inner)| format!("{op}{inner}")),
            1 => (pick(NAMES), proptest::collection::vec((space(), inner), 0..3), space())
                .prop_map(|(name, args, end)| format!("{name}({}{end})", joined(&args))),
        ]
    })
}

fn joined(args: &[(&'static str, String)]) -> String {
    args.iter().map(|(space, arg)| format!("{space}{arg}")).collect::<Vec<_>>().join(",")
}

/// A list of names, strings and stars.
fn list() -> impl Strategy<Value = String> {
    proptest::collection::vec((space(), pick(&["x", "'a'", "*"])), 0..4)
        .prop_map(|items| format!("[{}]", joined(&items)))
}

/// Anything an argument may be, chains included.
fn argument() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => expression(),
        2 => (space(), expression()).prop_map(|(space, body)| format!("lambda:{space}{body}")),
        1 => list(),
    ];
    leaf.prop_recursive(2, 8, 3, chain)
}

fn chain(argument: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let call = (pick(NAMES), proptest::collection::vec((space(), argument), 0..3), space())
        .prop_map(|(name, args, end)| format!("{name}({}{end})", joined(&args)));
    let link = (space(), pick(&["|", ".", "@"]), space(), call)
        .prop_map(|(a, link, b, call)| format!("{a}{link}{b}{call}"));
    (pick(&["stream", "x"]), proptest::collection::vec(link, 1..3))
        .prop_map(|(head, links)| head + &links.concat())
}

fn statement() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (pick(&["x", "y", "limit", "z"]), space(), argument())
            .prop_map(|(name, space, value)| format!("var {name} ={space}{value}")),
        1 => pick(&["var a int", "var b string", "dbrp \"a\".\"b\\\"c\"", "var c lambda"]),
        3 => chain(argument()),
        1 => (pick(LITERALS), space(), expression())
            .prop_map(|(value, space, next)| format!("var z = {value}{space}({next})")),
    ]
}

/// A script with pieces cut out, doubled or put in.
fn mutilated() -> impl Strategy<Value = String> {
    let piece = prop_oneof![Just(String::new()), pick(SOUP), pick(LITERALS), pick(OPERATORS)];
    let cut = (any::<prop::sample::Index>(), 0..4_usize, piece);
    (script(), proptest::collection::vec(cut, 1..3)).prop_map(|(mut source, cuts)| {
        for (place, length, piece) in cuts {
            let chars: Vec<char> = source.chars().collect();
            let at = place.index(chars.len() + 1);
            let rest = chars.iter().skip(at + length);
            source = chars.iter().take(at).copied().chain(piece.chars()).chain(rest.copied()).collect();
        }
        source
    })
}

fn script() -> impl Strategy<Value = String> {
    (proptest::collection::vec((space(), statement()), 0..4), space()).prop_map(|(statements, end)| {
        let lines = statements.into_iter().map(|(space, statement)| format!("{space}{statement}\n"));
        lines.collect::<String>() + end
    })
}

/// Pieces of scripts in any order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![pick(SOUP), pick(LITERALS), pick(OPERATORS), pick(NAMES)];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Parses, formats and evaluates; only panics matter.
fn digest(source: &str) {
    if let Err(error) = parse_lambda(source) {
        assert!(error.one_line(source).starts_with("parser: "));
    }
    match parse(source) {
        Ok(program) => {
            let _ = format(&program);
            for mode in [Mode::Task, Mode::Template] {
                if let Err(error) = evaluate(&program, &mut Recorder::default(), &BTreeMap::new(), mode) {
                    assert!(!error.one_line(source).is_empty());
                }
            }
        }
        Err(error) => assert!(error.one_line(source).starts_with("parser: ")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic(source in any::<String>()) {
        digest(&source);
    }

    #[test]
    fn any_pieces_are_read_without_panic(source in soup()) {
        digest(&source);
    }

    #[test]
    fn formatting_settles_and_keeps_the_meaning(source in script()) {
        let program = parse(&source).map_err(|error| TestCaseError::fail(error.one_line(&source)))?;
        let once = format(&program);
        let again = parse(&once).map_err(|error| TestCaseError::fail(error.one_line(&once)))?;
        prop_assert_eq!(&once, &format(&again));
        prop_assert_eq!(bare(&program), bare(&again));
    }

    #[test]
    fn no_comment_is_lost(source in script()) {
        let program = parse(&source).map_err(|error| TestCaseError::fail(error.one_line(&source)))?;
        prop_assert_eq!(source.matches("//").count(), format(&program).matches("//").count());
    }

    #[test]
    fn scripts_evaluate_without_panic(source in script()) {
        digest(&source);
    }

    #[test]
    fn mutilated_scripts_are_read_without_panic(source in mutilated()) {
        digest(&source);
        if let Ok(program) = parse(&source) {
            let once = format(&program);
            let again = parse(&once).map_err(|error| TestCaseError::fail(error.one_line(&once)))?;
            prop_assert_eq!(&once, &format(&again));
        }
    }

    #[test]
    fn lambdas_print_as_they_read(source in expression()) {
        let expr = parse_lambda(&source).map_err(|error| TestCaseError::fail(error.one_line(&source)))?;
        let printed = format_expr(&expr);
        let again = parse_lambda(&printed).map_err(|error| TestCaseError::fail(error.one_line(&printed)))?;
        prop_assert_eq!(printed, format_expr(&again));
    }

    #[test]
    fn durations_print_as_they_read(nanoseconds in any::<i64>()) {
        let printed = tick::duration::format_influx(nanoseconds);
        if nanoseconds != i64::MIN {
            prop_assert_eq!(tick::duration::parse_influx(&printed), Ok(nanoseconds));
        }
    }

    #[test]
    fn any_pattern_is_compiled_or_refused(pattern in any::<String>(), text in any::<String>()) {
        if let Ok(regex) = tick::re2::compile(&pattern) {
            let _ = tick::re2::replace_all(&regex, &text, &pattern);
        }
    }
}
