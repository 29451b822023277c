//! Go's `fmt`: `print`, `println` and `printf` over template values.

mod float;
mod integer;
mod printer;
mod verbs;

pub(crate) use printer::Printer;

use crate::value::{NamedInt, Value};

/// `fmt.Sprint`: spaces between operands when neither is a string.
pub(crate) fn print(args: &[Value<'_>]) -> String {
    if let [Value::Str(text) | Value::Safe(_, text)] = args {
        return text.to_string();
    }
    let mut printer = Printer::default();
    let mut after_text = true;
    for (index, arg) in args.iter().enumerate() {
        let is_text = arg.text().is_some();
        if index > 0 && !is_text && !after_text {
            printer.out.push(' ');
        }
        printer.argument(arg, 'v');
        after_text = is_text;
    }
    printer.out
}

/// `fmt.Sprintln`: spaces between all operands and a newline.
pub(crate) fn println(args: &[Value<'_>]) -> String {
    let mut printer = Printer::default();
    for (index, arg) in args.iter().enumerate() {
        if index > 0 {
            printer.out.push(' ');
        }
        printer.argument(arg, 'v');
    }
    printer.out.push('\n');
    printer.out
}

/// `fmt.Sprintf`, which stops soon after `max` bytes: a short layout can ask for gigabytes.
pub(crate) fn printf(layout: &str, args: &[Value<'_>], max: usize) -> String {
    verbs::Directives::new(layout, args, max).run()
}

/// The text of a named integer, with Go's form for one out of range.
pub(crate) fn named_text(named: &NamedInt, value: i64) -> String {
    let text = named.text(value);
    if text.starts_with("%!") { format!("{text}({value})") } else { text.to_owned() }
}
