//! Numbers as Go prints them: `strconv.FormatFloat`, `encoding/json` floats and `fmt` verbs.
//!
//! Every function appends to a [`Sink`], so a caller that fills a `String` and one that fills a
//! `Vec<u8>` share the code. Durations and times are re-exported here, beside the numbers.

use std::fmt::Write as _;

pub use crate::duration::format_duration;
pub use crate::time::{format_time_rfc3339nano, unix_seconds};

/// A buffer that text is appended to.
pub trait Sink {
    /// Appends `text`.
    fn put(&mut self, text: &str);
}

impl Sink for String {
    #[inline]
    fn put(&mut self, text: &str) {
        self.push_str(text);
    }
}

impl Sink for Vec<u8> {
    #[inline]
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// Integers below this magnitude are exact in an `f64` and short enough for the integer printer.
const EXACT_INTEGER_MAX: f64 = 1e15;

/// Go's `'g'` takes the exponent form from this power of ten on when the precision is "shortest".
const SHORTEST_EXPONENT_MAX: i32 = 6;

/// Appends the decimal digits of an integer.
#[inline]
pub fn format_int<S: Sink>(out: &mut S, value: i64) {
    out.put(itoa::Buffer::new().format(value));
}

/// Appends `value` as Go's `%v` prints a float64 (`strconv` format `'g'`, shortest): `1.5`,
/// `100000`, `1e+06`, `+Inf`, `NaN`.
pub fn format_float_g<S: Sink>(out: &mut S, value: f64) {
    let magnitude = value.abs();
    if magnitude < 1e6 && (magnitude >= 1e-3 || magnitude == 0.0) && put_short(out, value) {
        return;
    }
    if put_special(out, value) {
        return;
    }
    let mut text = Scratch::default();
    let decimal = Decimal::shortest(value, &mut text);
    if (-4..SHORTEST_EXPONENT_MAX).contains(&(decimal.point - 1)) {
        decimal.put_plain(out, decimal.fraction_digits());
    } else {
        decimal.put_exponent(out, decimal.digits.len() - 1, b'e', 2);
    }
}

/// Appends `value` as `strconv.FormatFloat(value, 'f', -1, 64)` does: never an exponent.
pub fn format_float_f<S: Sink>(out: &mut S, value: f64) {
    if put_short(out, value) || put_special(out, value) {
        return;
    }
    let mut text = Scratch::default();
    let decimal = Decimal::shortest(value, &mut text);
    decimal.put_plain(out, decimal.fraction_digits());
}

/// Appends `value` as `encoding/json` does (exponent form below 1e-6 and from 1e21).
///
/// Returns false, and appends nothing, for NaN and the infinities, which JSON cannot hold.
pub fn json_float<S: Sink>(out: &mut S, value: f64) -> bool {
    if put_short(out, value) {
        return true;
    }
    if !value.is_finite() {
        return false;
    }
    let mut text = Scratch::default();
    let decimal = Decimal::shortest(value, &mut text);
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        // encoding/json shortens e-09 to e-9; exponents of +21 and more have two digits anyway.
        decimal.put_exponent(out, decimal.digits.len() - 1, b'e', 1);
    } else {
        decimal.put_plain(out, decimal.fraction_digits());
    }
    true
}

/// Appends a number that has at most 15 digits, at most six of them after the point, as most
/// measured values do; false, and nothing appended, for any other.
///
/// If an integer below 10^15 divided by a power of ten gives `value`, its digits read back as
/// `value` (both are exact, and division rounds correctly), and no shorter text can: two numbers
/// of up to 15 digits are never the same f64.
fn put_short<S: Sink>(out: &mut S, value: f64) -> bool {
    let magnitude = value.abs();
    // Negative zero has a sign that an integer would lose.
    let large = magnitude.is_nan() || magnitude >= EXACT_INTEGER_MAX;
    if large || (value == 0.0 && value.is_sign_negative()) {
        return false;
    }
    let whole = magnitude as u64;
    if whole as f64 == magnitude {
        if value < 0.0 {
            out.put("-");
        }
        out.put(itoa::Buffer::new().format(whole));
        return true;
    }
    for (places, scale) in [(3, 1e3), (6, 1e6)] {
        let scaled = (magnitude * scale).round();
        if scaled < EXACT_INTEGER_MAX && scaled / scale == magnitude {
            put_scaled(out, value < 0.0, scaled as u64, places);
            return true;
        }
    }
    false
}

/// `scaled / 10^places` without the fraction's trailing zeros; the fraction is not zero.
fn put_scaled<S: Sink>(out: &mut S, negative: bool, scaled: u64, places: usize) {
    let mut text = [b'0'; 24];
    let (mut rest, mut start) = (scaled, text.len());
    while rest > 0 || start > text.len() - places - 2 {
        start -= 1;
        if start == text.len() - places - 1 {
            text[start] = b'.';
            continue;
        }
        text[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if negative {
        start -= 1;
        text[start] = b'-';
    }
    let end = text.iter().rposition(|byte| *byte != b'0').map_or(text.len(), |last| last + 1);
    out.put(std::str::from_utf8(&text[start..end]).unwrap_or_default());
}

fn put_special<S: Sink>(out: &mut S, value: f64) -> bool {
    if value.is_nan() {
        out.put("NaN");
    } else if value == f64::INFINITY {
        out.put("+Inf");
    } else if value == f64::NEG_INFINITY {
        out.put("-Inf");
    } else {
        return false;
    }
    true
}

/// A buffer for the shortest exponent form of a number, which has at most 24 bytes.
#[derive(Default)]
struct Scratch {
    bytes: [u8; 32],
    len: usize,
}

impl std::fmt::Write for Scratch {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Decimal digits of a finite number without trailing zeros, and where the point stands:
/// value = 0.d1d2d3... times ten to the power of `point`.
struct Decimal<'t> {
    negative: bool,
    /// ASCII, never empty.
    digits: &'t [u8],
    point: i32,
}

impl<'t> Decimal<'t> {
    /// The fewest digits that read back as `value`.
    fn shortest(value: f64, text: &'t mut Scratch) -> Decimal<'t> {
        // The buffer is larger than any shortest form, so writing cannot fail.
        let _ = write!(text, "{value:e}");
        if let Some(even) = even_of_tie(value, &text.bytes[..text.len]) {
            *text = even;
        }
        let len = text.len;
        Decimal::read(&mut text.bytes[..len])
    }

    /// `count` (at least 1) significant digits, correctly rounded.
    fn rounded(value: f64, count: usize, text: &'t mut Vec<u8>) -> Decimal<'t> {
        // No f64 has more than 767 significant digits: more would only be zeros.
        let fraction = count.saturating_sub(1).min(766);
        *text = format!("{value:.fraction$e}").into_bytes();
        Decimal::read(text)
    }

    /// Reads `-1.2345e-6`.
    fn read(text: &'t mut [u8]) -> Decimal<'t> {
        let negative = text.first() == Some(&b'-');
        let body = &mut text[usize::from(negative)..];
        let mark = body.iter().position(|byte| *byte == b'e').unwrap_or(body.len());
        let (mantissa, exponent) = body.split_at_mut(mark);
        let (mut power, mut below) = (0i32, false);
        for byte in exponent.iter().skip(1) {
            match byte {
                b'-' => below = true,
                byte => power = power * 10 + i32::from(byte - b'0'),
            }
        }
        let mut digits = mantissa;
        if digits.len() > 1 {
            // The digit before the point moves over it, so that the digits stand together.
            digits[1] = digits[0];
            digits = &mut digits[1..];
        }
        let len = digits.iter().rposition(|byte| *byte != b'0').map_or(1, |last| last + 1);
        Decimal { negative, digits: &digits[..len], point: 1 + if below { -power } else { power } }
    }

    fn fraction_digits(&self) -> usize {
        usize::try_from(self.digits.len() as i32 - self.point).unwrap_or(0)
    }

    fn digit(&self, index: i32) -> u8 {
        usize::try_from(index).ok().and_then(|index| self.digits.get(index)).map_or(b'0', |d| *d)
    }

    /// `123.45` with exactly `fraction` digits after the point (digits beyond ours are zeros).
    fn put_plain<S: Sink>(&self, out: &mut S, fraction: usize) {
        let whole = self.point.max(0);
        let mut text = Line::new();
        if self.negative {
            text.push(b'-');
        }
        if whole == 0 {
            text.push(b'0');
        }
        for index in 0..whole {
            text.push(self.digit(index));
        }
        if fraction > 0 {
            text.push(b'.');
            for index in 0..fraction as i32 {
                text.push(self.digit(self.point + index));
            }
        }
        text.put(out);
    }

    /// `1.2345e+06` with exactly `fraction` digits after the point and at least `width` exponent
    /// digits.
    fn put_exponent<S: Sink>(&self, out: &mut S, fraction: usize, mark: u8, width: usize) {
        let mut text = Line::new();
        if self.negative {
            text.push(b'-');
        }
        text.push(self.digit(0));
        if fraction > 0 {
            text.push(b'.');
            for index in 1..=fraction as i32 {
                text.push(self.digit(index));
            }
        }
        let exponent = if self.digits == b"0" { 0 } else { self.point - 1 };
        text.push(mark);
        text.push(if exponent < 0 { b'-' } else { b'+' });
        let magnitude = exponent.unsigned_abs();
        if width > 1 && magnitude < 10 {
            text.push(b'0');
        }
        for byte in itoa::Buffer::new().format(magnitude).bytes() {
            text.push(byte);
        }
        text.put(out);
    }
}

/// The other shortest text of a value that lies exactly between `text`, in exponent form, and
/// another: Go takes the one with an even last digit, the standard library the larger.
///
/// The exact expansion then has one digit more than the text. Two texts so near need a unit in
/// their last place no larger than one in the float's: 16 digits and more.
fn even_of_tie(value: f64, text: &[u8]) -> Option<Scratch> {
    let mark = text.iter().position(|byte| *byte == b'e')?;
    let odd = text[..mark].last().is_some_and(|digit| digit % 2 == 1);
    // One place of the mantissa is the point, another perhaps the sign.
    let count = text[..mark].iter().filter(|byte| byte.is_ascii_digit()).count();
    if !odd || count < 16 {
        return None;
    }
    let (mantissa, exponent) = split(value);
    let binary_places = -(exponent + mantissa.trailing_zeros() as i32);
    let power: i32 = std::str::from_utf8(&text[mark + 1..]).ok()?.parse().ok()?;
    let exact = if binary_places > 0 {
        // A fraction of n binary places has n decimal ones.
        binary_places == count as i32 - power
    } else {
        format!("{value:.0}").trim_start_matches('-').trim_end_matches('0').len() == count + 1
    };
    if !exact {
        return None;
    }
    let longer = format!("{value:.count$e}");
    let (digits, power) = longer.split_once('e')?;
    let mut even = Scratch::default();
    write!(even, "{}e{power}", digits.strip_suffix('5')?).ok()?;
    // Below a power of two the floats are nearer: the smaller text may read as another.
    let read: f64 = std::str::from_utf8(&even.bytes[..even.len]).ok()?.parse().ok()?;
    (read == value).then_some(even)
}

/// ASCII text under construction, on the stack while it is short.
struct Line {
    short: [u8; 40],
    len: usize,
    long: Vec<u8>,
}

impl Line {
    fn new() -> Line {
        Line { short: [0; 40], len: 0, long: Vec::new() }
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        match self.short.get_mut(self.len) {
            Some(slot) => {
                *slot = byte;
                self.len += 1;
            }
            None => self.long.push(byte),
        }
    }

    fn put<S: Sink>(&self, out: &mut S) {
        out.put(std::str::from_utf8(&self.short[..self.len]).unwrap_or_default());
        if !self.long.is_empty() {
            out.put(std::str::from_utf8(&self.long).unwrap_or_default());
        }
    }
}

/// `strconv.AppendFloat(value, verb, precision, 64)`: verbs `e E f g G x X b`, no precision means
/// the shortest text that reads back exactly.
pub(crate) fn append_float(out: &mut String, value: f64, verb: char, precision: Option<usize>) {
    if put_special(out, value) {
        return;
    }
    match verb {
        'b' => append_binary(out, value),
        'x' | 'X' => append_hex(out, value, precision, verb == 'X'),
        'e' | 'E' => {
            let (mut short, mut long) = (Scratch::default(), Vec::new());
            let decimal = match precision {
                Some(fraction) => Decimal::rounded(value, fraction + 1, &mut long),
                None => Decimal::shortest(value, &mut short),
            };
            let fraction = precision.unwrap_or(decimal.digits.len() - 1);
            decimal.put_exponent(out, fraction, verb as u8, 2);
        }
        'f' => match precision {
            None => format_float_f(out, value),
            Some(fraction) => append_fixed(out, value, fraction),
        },
        _ => append_general(out, value, verb, precision),
    }
}

fn append_fixed(out: &mut String, value: f64, fraction: usize) {
    // Past 1074 digits an f64 has only zeros, and the standard library bounds its precision.
    let exact = fraction.min(1100);
    let _ = write!(out, "{value:.exact$}");
    out.extend(std::iter::repeat_n('0', fraction - exact));
}

fn append_general(out: &mut String, value: f64, verb: char, precision: Option<usize>) {
    let Some(precision) = precision else {
        let mut text = String::new();
        format_float_g(&mut text, value);
        out.push_str(&if verb == 'G' { text.to_uppercase() } else { text });
        return;
    };
    let precision = precision.max(1);
    let mut text = Vec::new();
    let decimal = Decimal::rounded(value, precision, &mut text);
    let count = decimal.digits.len();
    let mut limit = precision as i32;
    if limit > count as i32 && count as i32 >= decimal.point {
        limit = count as i32;
    }
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= limit {
        let mark = if verb == 'G' { b'E' } else { b'e' };
        decimal.put_exponent(out, precision.min(count) - 1, mark, 2);
    } else {
        decimal.put_plain(out, decimal.fraction_digits());
    }
}

/// The fraction bits and the exponent of the last of them.
fn split(value: f64) -> (u64, i32) {
    let bits = value.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match ((bits >> 52) & 0x7ff) as i32 {
        0 => (fraction, -1074),
        exponent => (fraction | (1 << 52), exponent - 1075),
    }
}

fn append_binary(out: &mut String, value: f64) {
    let (mantissa, exponent) = split(value);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let _ = write!(out, "{sign}{mantissa}p{exponent:+}");
}

/// `0x1.8p+01`: one hexadecimal digit before the point.
fn append_hex(out: &mut String, value: f64, precision: Option<usize>, upper: bool) {
    let (mantissa, exponent) = split(value);
    let mut text = String::new();
    if value.is_sign_negative() {
        text.push('-');
    }
    let shift = if mantissa == 0 { 0 } else { mantissa.leading_zeros() as i32 - 3 };
    // The leading one stands at bit 60, so that fifteen hexadecimal digits follow it.
    let mut bits = mantissa << shift;
    let mut power = if mantissa == 0 { 0 } else { exponent + 60 - shift };
    if let Some(digits) = precision.filter(|digits| *digits < 15) {
        let extra = bits << (digits * 4) & ((1 << 60) - 1);
        bits >>= 60 - digits * 4;
        if extra | (bits & 1) > 1 << 59 {
            bits += 1;
        }
        bits <<= 60 - digits * 4;
        if bits & (1 << 61) != 0 {
            bits >>= 1;
            power += 1;
        }
    }
    let _ = write!(text, "0x{}", bits >> 60);
    let fraction = format!("{:015x}", bits & ((1 << 60) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(digits) => {
            let kept = &fraction[..digits.min(15)];
            format!("{kept}{}", "0".repeat(digits.saturating_sub(15)))
        }
    };
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(&fraction);
    }
    let sign = if power < 0 { '-' } else { '+' };
    let _ = write!(text, "p{sign}{:02}", power.unsigned_abs());
    out.push_str(&if upper { text.to_uppercase() } else { text });
}
