//! Integer verbs: `%d %b %o %O %x %X %c %q %U %v`.

use super::printer::Printer;
use crate::quote;

/// Prints an integer; false when the verb is not for integers.
pub(super) fn put(printer: &mut Printer, value: i64, signed: bool, verb: char) -> bool {
    match verb {
        'v' if printer.flags.go_syntax && !signed => {
            printer.flags.sharp = true;
            digits(printer, value, 16, 'v', false);
            printer.flags.sharp = false;
        }
        'v' | 'd' => digits(printer, value, 10, verb, false),
        'b' => digits(printer, value, 2, verb, false),
        'o' | 'O' => digits(printer, value, 8, verb, false),
        'x' => digits(printer, value, 16, verb, false),
        'X' => digits(printer, value, 16, verb, true),
        'c' => printer.pad(character(value).encode_utf8(&mut [0; 4])),
        'q' => {
            let text = character(value).to_string();
            let quoted = quote::quote_with(&text, '\'', printer.flags.plus);
            printer.pad(&quoted);
        }
        'U' => unicode(printer, value),
        _ => return false,
    }
    true
}

fn character(value: i64) -> char {
    u32::try_from(value).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

fn digits(printer: &mut Printer, value: i64, base: u32, verb: char, upper: bool) {
    let flags = printer.flags;
    let negative = value < 0;
    let mut least = 0;
    if let Some(precision) = flags.precision {
        least = precision;
        if precision == 0 && value == 0 {
            printer.flags.zero = false;
            printer.padding(flags.width.unwrap_or(0));
            printer.flags.zero = flags.zero;
            return;
        }
    } else if let Some(width) = flags.width.filter(|_| flags.zero) {
        least = width.saturating_sub(usize::from(negative || flags.plus || flags.space));
    }
    let number = radix(value.unsigned_abs(), base, upper);
    let body = format!("{}{number}", "0".repeat(least.saturating_sub(number.len())));
    let prefix = match (base, flags.sharp) {
        _ if verb == 'O' => "0o",
        (2, true) => "0b",
        (8, true) if !body.starts_with('0') => "0",
        (16, true) if upper => "0X",
        (16, true) => "0x",
        _ => "",
    };
    let sign = match (negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    // The zeros are in the digits already.
    printer.flags.zero = false;
    printer.pad(&format!("{sign}{prefix}{body}"));
    printer.flags.zero = flags.zero;
}

fn radix(mut value: u64, base: u32, upper: bool) -> String {
    let mut reversed = Vec::with_capacity(20);
    loop {
        let digit = (value % u64::from(base)) as u32;
        let digit = char::from_digit(digit, base).unwrap_or('0');
        reversed.push(if upper { digit.to_ascii_uppercase() } else { digit });
        value /= u64::from(base);
        if value == 0 {
            return reversed.into_iter().rev().collect();
        }
    }
}

/// `U+0078 'x'`
fn unicode(printer: &mut Printer, value: i64) {
    let flags = printer.flags;
    let least = flags.precision.unwrap_or(4).max(4);
    let number = radix(value as u64, 16, true);
    let zeros = "0".repeat(least.saturating_sub(number.len()));
    let mut text = format!("U+{zeros}{number}");
    let shown = u32::try_from(value).ok().and_then(char::from_u32);
    if let Some(c) = shown.filter(|c| flags.sharp && quote::is_print(*c)) {
        text.push_str(&format!(" '{c}'"));
    }
    printer.flags.zero = false;
    printer.pad(&text);
    printer.flags.zero = flags.zero;
}
