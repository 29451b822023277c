//! Templates that would hurt the server: endless, huge, or deep; and arbitrary ones.

mod fixture;

use proptest::prelude::*;
use template::{Error, Limits, Object, Template, Value};

fn render(template: &Template) -> Result<String, Error> {
    let mut out = String::from("before ");
    let result = template.render(&fixture::Test::new(), &mut out);
    if result.is_err() {
        assert_eq!(out, "before ", "a failed rendering must leave nothing");
    }
    result.map(|()| out["before ".len()..].to_owned())
}

fn text(source: &str) -> Template {
    Template::text(source, "message").expect("a template")
}

/// Runs in a thread with a small stack, so that a deep recursion shows.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(work).expect("a thread");
    thread.join().expect("no overflow and no failed assertion");
}

#[test]
fn endless_recursion_is_an_error() {
    on_small_stack(|| {
        for source in [
            r#"{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}"#,
            r#"{{define "a"}}{{if true}}{{with .}}{{template "a" (print (print .))}}{{end}}{{end}}{{end}}{{template "a" 1}}"#,
        ] {
            let error = render(&text(source)).expect_err("too deep");
            assert!(error.to_string().contains("exceeded maximum template depth"), "{error}");
            let html = Template::html(source, "details").expect("a template");
            assert!(render(&html).is_err());
        }
    });
}

#[test]
fn deep_nesting_is_an_error() {
    on_small_stack(|| {
        for (open, middle, close) in [
            ("{{if true}}", "x", "{{end}}"),
            ("{{range .List}}", "x", "{{end}}"),
            ("{{block \"b\" .}}", "x", "{{end}}"),
            ("{{define \"b\"}}", "x", "{{end}}"),
            ("{{if true}}x{{else}}", "x", "{{end}}"),
        ] {
            let source = format!("{}{middle}{}", open.repeat(5000), close.repeat(5000));
            let error = Template::text(&source, "message").expect_err("too deep");
            assert!(error.to_string().starts_with("template: message:1: "), "{error}");
        }
        let source = format!("{{{{{}1{}}}}}", "(".repeat(5000), ")".repeat(5000));
        assert!(Template::text(&source, "message").is_err());
        // As deep as allowed must also work.
        let source = format!("{}x{}", "{{if true}}".repeat(45), "{{end}}".repeat(45));
        assert_eq!(render(&text(&source)).expect("rendered"), "x");
        assert_eq!(render(&Template::html(&source, "details").expect("parsed")).expect("rendered"), "x");
    });
}

#[test]
fn long_chains_are_not_deep() {
    on_small_stack(|| {
        let arms: String = (0..3000).map(|n| format!("{{{{else if eq .Name \"{n}\"}}}}{n}")).collect();
        let source = format!("{{{{if eq .Name \"x\"}}}}x{arms}{{{{else}}}}last{{{{end}}}}");
        assert_eq!(render(&text(&source)).expect("rendered"), "last");
        assert_eq!(render(&Template::html(&source, "details").expect("parsed")).expect("rendered"), "last");
        // A chain of templates is deep, even though no single one is.
        let chain: String = (0..3000)
            .map(|n| format!("{{{{define \"{n}\"}}}}{{{{template \"{}\" .}}}}{{{{end}}}}", n + 1))
            .collect();
        let source = format!("{chain}{{{{define \"3000\"}}}}{{{{end}}}}{{{{template \"0\" .}}}}");
        assert!(render(&text(&source)).is_err());
        assert!(render(&Template::html(&source, "details").expect("parsed")).is_err());
    });
}

#[test]
fn output_is_bounded() {
    let limits = Limits { output_bytes: 1000, ..Limits::default() };
    for source in [
        "{{range .Tags}}{{printf \"%400d\" 1}}{{end}}",
        "{{printf \"%1001d\" 1}}",
        "{{$x := printf \"%1001d\" 1}}",
        "{{$x := \"0123456789\"}}{{range 1000}}{{$x = print $x $x}}{{end}}",
    ] {
        let error = render(&text(source).with_limits(limits)).expect_err("too large");
        assert!(matches!(&error, Error::Limit { .. }), "{error}");
        assert!(error.to_string().contains("1000 bytes"), "{error}");
    }
    // The fast path keeps the limit too, and says the same.
    let flat = text(&format!("{}{{{{.Name}}}}", "x".repeat(1000))).with_limits(limits);
    assert!(matches!(render(&flat), Err(Error::Limit { .. })));
    let fits = text(&"x".repeat(1000)).with_limits(limits);
    assert_eq!(render(&fits).expect("rendered").len(), 1000);
}

#[test]
fn work_is_bounded() {
    let error = render(&text("{{range 1000000000}}{{end}}")).expect_err("too long");
    assert!(error.to_string().contains("1000000 steps"), "{error}");
    let nested = "{{range 100000}}{{range 100000}}{{range 100000}}{{end}}{{end}}{{end}}";
    assert!(matches!(render(&text(nested)), Err(Error::Limit { .. })));
    // Reading a large variable copies it, which counts.
    let copies = "{{$x := printf \"%1000000d\" 1}}{{range 900000}}{{len $x}}{{end}}";
    assert!(matches!(render(&text(copies)), Err(Error::Limit { .. })));
    // What is wrong with an html template grows with each loop it passes through.
    let loops = format!("<p \"{}", "{{range .List}}{{break}}{{end}}".repeat(30_000));
    let error = Template::html(&loops, "details").expect("parsed").check().expect_err("wrong");
    assert!(error.to_string().len() < 100_000);
    // Checking nested loops doubles with every level; that is bounded too.
    let source = format!("{}x{}", "{{range .List}}".repeat(40), "{{end}}".repeat(40));
    let error = Template::html(&source, "details").expect("parsed").check().expect_err("too long");
    assert!(error.to_string().contains("too many nested loops"), "{error}");
}

#[test]
fn printing_is_bounded() {
    let limits = Limits { output_bytes: 1 << 20, ..Limits::default() };
    // Each would make gigabytes if it were only refused afterwards.
    let wide = format!("{{{{printf \"{}\" 1}}}}", "%1000000[1]d".repeat(4000));
    let words = format!("{{{{printf \"{}\" .Name}}}}", "%-1000000[1]s".repeat(4000));
    let rows = "{{printf \"%1000000v\" .Long}}".to_owned();
    for source in [&wide, &words, &rows] {
        let template = text(source).with_limits(limits);
        let mut out = String::new();
        let error = template.render(&Long::new(), &mut out).expect_err("too large");
        assert!(error.to_string().contains("1048576 bytes"), "{error}");
    }
}

#[test]
fn ranges_of_every_integer_are_bounded() {
    for source in [
        "{{range .Duration}}{{end}}",
        "{{range .Time.UnixNano}}{{range 5}}{{end}}{{end}}",
        "{{range 9223372036854775807}}x{{end}}",
        "{{range $x := .Duration}}{{range $y := $.Duration}}{{$x}}{{$y}}{{end}}{{end}}",
    ] {
        let error = render(&text(source)).expect_err("too long");
        assert!(matches!(error, Error::Limit { .. }), "{source}: {error}");
    }
}

#[test]
fn many_names_are_bounded() {
    // Looking a name up among many costs more than one step.
    let defines: String = (0..5000).map(|n| format!("{{{{define \"t{n}\"}}}}{n}{{{{end}}}}")).collect();
    let source = format!("{defines}{{{{range 100000}}}}{{{{template \"t4999\"}}}}{{{{end}}}}");
    assert!(matches!(render(&text(&source)), Err(Error::Limit { .. })));
    let names: String = (0..5000).map(|n| format!("{{{{$v{n} := {n}}}}}")).collect();
    let source = format!("{names}{{{{range 100000}}}}{{{{$v0}}}}{{{{end}}}}");
    assert!(matches!(render(&text(&source)), Err(Error::Limit { .. })));
}

#[test]
fn where_we_differ_from_go() {
    // No complex numbers.
    for source in ["{{1i}}", "{{1+2i}}", "{{-0.5i}}"] {
        let error = Template::text(source, "message").expect_err(source).to_string();
        assert!(error.contains("complex constants are not supported"), "{error}");
    }
    // Text is always UTF-8: half a character becomes U+FFFD.
    assert_eq!(render(&text(r#"{{slice "é" 0 1}}{{"\xff"}}"#)).expect("rendered"), "\u{fffd}\u{fffd}");
    // Go forgets where a template ends once it has been called: it would escape this for text.
    let twice = "{{define \"a\"}}<a href=\"{{end}}{{template \"a\"}}x\">{{template \"a\"}}{{.Fields.url}}\">";
    let twice = Template::html(twice, "details").expect("parsed");
    let expected = "<a href=\"x\"><a href=\"http://a%20b/?x=1&amp;y=%c3%a9#f\">";
    assert_eq!(render(&twice).expect("rendered"), expected);
    // Go counts the braces of both branches together.
    let braces = "<script>`${ {{if .Name}}{ {{else}}{ {{end}} } } {{.Name}}`</script>";
    let braces = Template::html(braces, "details").expect("parsed");
    assert_eq!(render(&braces).expect("rendered"), "<script>`${ {  } } cpu`</script>");
    // There are no addresses here.
    assert_eq!(render(&text("{{printf \"%p\" .Tags.host}}")).expect("rendered"), "%!p(string=serverA)");
    // Ours is at home in UTC.
    assert_eq!(render(&text("{{.Time.Local.Equal .Time}}")).expect("rendered"), "true");
}

#[test]
fn templates_are_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>(_: &T) {}
    shared(&text("{{.Name}}"));
}

#[test]
fn data_may_be_nil() {
    let template = Template::text_with_json("http://h/{{.Name}}?{{json .}}", "body").expect("parsed");
    let mut out = String::new();
    template.render_value(Value::Nil, &mut out).expect("rendered");
    assert_eq!(out, "http://h/<no value>?null\n");
}

/// Data with a list of many rows.
struct Long(Vec<Value<'static>>);

impl Long {
    fn new() -> Long {
        Long((0..10_000).map(Value::Int).collect())
    }
}

impl Object for Long {
    fn type_name(&self) -> &str {
        "main.Long"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "Name" => Some(Value::from("long")),
            "Long" => Some(Value::list(&self.0)),
            _ => None,
        }
    }
}

/// A struct that contains itself.
struct Loop;

impl Object for Loop {
    fn type_name(&self) -> &str {
        "main.Loop"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        (name == "Self").then_some(Value::Object(self))
    }

    fn shape(&self) -> &'static [template::Slot] {
        &[template::Slot::Field("Self")]
    }
}

#[test]
fn data_that_contains_itself_ends() {
    on_small_stack(|| {
        for source in ["{{.}}", "{{printf \"%#v\" .}}", "{{json .}}", "{{eq . .}}", "{{print .Self.Self}}"] {
            let template = Template::text_with_json(source, "message").expect("parsed");
            let mut out = String::new();
            // Whether it is an error is each function's own business; that it ends is ours.
            let _ = template.render(&Loop, &mut out);
            assert!(out.len() < 10_000);
        }
    });
}

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    " ",
    "\n",
    ".",
    "$",
    "$x",
    ":=",
    "=",
    "|",
    "(",
    ")",
    ",",
    "\"",
    "`",
    "'",
    "if",
    "else",
    "end",
    "range",
    "with",
    "define",
    "template",
    "block",
    "break",
    "continue",
    "nil",
    "true",
    "/*",
    "*/",
    ".Name",
    ".Tags",
    ".Fields.value",
    ".List",
    ".Time",
    ".Duration",
    ".Info",
    "printf",
    "print",
    "index",
    "slice",
    "len",
    "eq",
    "and",
    "or",
    "not",
    "html",
    "js",
    "urlquery",
    "json",
    "call",
    "\"%*[2]d%!x% +#0-5.3q\"",
    "\"host\"",
    "\"é☃\"",
    "1",
    "-1",
    "0x1p-2",
    "9223372036854775807",
    "1e308",
    "'\\U0010FFFF'",
    ".Add",
    ".Truncate",
    ".Format",
    ".AddDate",
    "<a href=\"",
    "<a ",
    "<script>",
    "</script>",
    "<script>x=`",
    "${",
    "`",
    "<!--",
    "#!",
    "<style>",
    "</style>",
    "<!--",
    "-->",
    "'\"",
    ">",
    "<p style=\"",
    "url(",
    "=x",
    "?q=",
    "/re[",
    "\\",
    "{{end}}",
    "{{else}}",
    "{{if .Name}}",
    "{{range .List}}",
    "{{.Fields.msg}}",
    "{{define \"a\"}}",
    "{{template \"a\" .}}",
    "é",
    "\u{2028}",
];

fn never_panics(source: &str) {
    let data = fixture::Test::new();
    let limits = Limits { output_bytes: 1 << 16, steps: 20_000 };
    for template in [
        Template::text(source, "message"),
        Template::text_with_json(source, "message"),
        Template::html(source, "details"),
    ] {
        let Ok(template) = template else { continue };
        let template = template.with_limits(limits);
        let (mut fast, mut slow) = (String::new(), String::new());
        let fast_result = template.render(&data, &mut fast);
        let slow_result = template.render_value(Value::Object(&data), &mut slow);
        assert_eq!(fast_result, slow_result);
        assert_eq!(fast, slow);
        assert!(fast.len() <= limits.output_bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_text_never_panics(source in "\\PC{0,60}") {
        never_panics(&source);
        never_panics(&format!("{{{{{source}}}}}"));
    }

    #[test]
    fn arbitrary_pieces_never_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..25)
    ) {
        never_panics(&pieces.concat());
        never_panics(&format!("{{{{{}}}}}", pieces.join(" ")));
    }

    #[test]
    fn arbitrary_layouts_never_panic(layout in "[%\\[\\]0-9*.+# -]{0,6}[a-zA-Z%é]{0,2}") {
        let layout = layout.replace('"', "");
        for arg in [".Name", ".Fields.value", ".Fields.count", ".Time", ".Duration", ".Info", "nil", "'é' 3"] {
            never_panics(&format!("{{{{printf \"{layout}\" {arg}}}}}"));
        }
        never_panics(&format!("{{{{.Time.Format \"{layout}2006\"}}}}"));
    }

    #[test]
    fn extreme_numbers_never_panic(a in any::<i64>(), b in any::<i64>(), c in any::<i64>()) {
        for call in [
            "(.Time.Add {a}).Add {b}", "(.Time.AddDate {a} {b} {c}).Format \"2006 Mon 002\"",
            ".Time.Truncate {a}", "(.Unset.Add {a}).Round {b}", ".Duration.Round {a}",
            ".Duration.Truncate {a}", "slice .Name {a} {b}", "index .List {c}", "(.Unset.Sub .Time).Abs",
            "printf \"%*.*d\" {a} {b} {c}", "printf \"%c %U %q %x\" {a} {b} {c} {a}",
        ] {
            let call = call.replace("{a}", &a.to_string());
            let call = call.replace("{b}", &b.to_string()).replace("{c}", &c.to_string());
            never_panics(&format!("{{{{{call}}}}}"));
        }
    }
}
