//! Float verbs: `%e %E %f %F %g %G %b %x %X %v`.

use super::printer::{Flags, Printer};
use crate::number::append_float;

/// Prints a float; false when the verb is not for floats.
pub(super) fn put(printer: &mut Printer, value: f64, verb: char) -> bool {
    let (form, default) = match verb {
        'v' => ('g', None),
        'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
        'f' | 'F' => ('f', Some(6)),
        'e' | 'E' => (verb, Some(6)),
        _ => return false,
    };
    let flags = printer.flags;
    let precision = flags.precision.or(default);
    let mut number = String::new();
    append_float(&mut number, value, form, precision);
    if !number.starts_with(['-', '+']) {
        number.insert(0, '+');
    }
    if flags.space && number.starts_with('+') && !flags.plus {
        number.replace_range(..1, " ");
    }
    if !value.is_finite() {
        let bare = value.is_nan() && !flags.space && !flags.plus;
        let sign_hidden = bare || (number.starts_with('+') && !flags.plus);
        printer.flags.zero = false;
        printer.pad(if sign_hidden && value.is_nan() { &number[1..] } else { &number });
        printer.flags.zero = flags.zero;
        return true;
    }
    if flags.sharp && form != 'b' {
        number = with_point(&number, verb, precision);
    }
    place(printer, &number, &flags);
    true
}

/// Puts sign, padding and digits in the order the flags want.
fn place(printer: &mut Printer, number: &str, flags: &Flags) {
    if !flags.plus && number.starts_with('+') {
        return printer.pad(&number[1..]);
    }
    let missing = flags.width.unwrap_or(0).saturating_sub(number.len());
    if flags.zero && missing > 0 {
        // Zeros go between the sign and the digits.
        printer.out.push_str(&number[..1]);
        printer.padding(missing);
        printer.out.push_str(&number[1..]);
    } else {
        printer.pad(number);
    }
}

/// The `#` flag: always a decimal point, and for `%g` the trailing zeros.
fn with_point(number: &str, verb: char, precision: Option<usize>) -> String {
    let mut wanted = match verb {
        'v' | 'g' | 'G' | 'x' => precision.map_or(6, |digits| digits as i64),
        _ => 0,
    };
    let hex = matches!(verb, 'x' | 'X');
    let marks: &[char] = if hex { &['p', 'P'] } else { &['e', 'E', 'p', 'P'] };
    let (body, tail) = number.split_at(number.find(marks).unwrap_or(number.len()));
    let mut significant = false;
    for c in body.chars().skip(1).filter(|c| *c != '.') {
        significant |= c != '0';
        wanted -= i64::from(significant);
    }
    let mut out = body.to_owned();
    if !body.contains('.') {
        if body.len() == 2 && body.ends_with('0') {
            wanted -= 1;
        }
        out.push('.');
    }
    out.extend(std::iter::repeat_n('0', usize::try_from(wanted).unwrap_or(0)));
    out.push_str(tail);
    out
}
