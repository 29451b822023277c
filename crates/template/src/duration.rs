//! Durations as Go prints and rounds them.

use crate::number::Sink;

/// Nanoseconds in a second.
pub(crate) const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub(crate) const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds in an hour.
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// Appends a duration in nanoseconds as Go's `Duration.String` does: `0s`, `1.5µs`, `2h0m0.25s`.
pub fn format_duration<S: Sink>(out: &mut S, nanos: i64) {
    if nanos == 0 {
        return out.put("0s");
    }
    if nanos < 0 {
        out.put("-");
    }
    let rest = nanos.unsigned_abs();
    let second = SECOND as u64;
    if rest < second {
        let (unit, scale) = match rest {
            0..1_000 => ("ns", 1),
            1_000..1_000_000 => ("µs", 1_000),
            _ => ("ms", 1_000_000),
        };
        put_fraction(out, rest, scale);
        return out.put(unit);
    }
    let (hours, minutes) = (rest / (3600 * second), rest / (60 * second) % 60);
    if hours > 0 {
        out.put(itoa::Buffer::new().format(hours));
        out.put("h");
    }
    if hours > 0 || minutes > 0 {
        out.put(itoa::Buffer::new().format(minutes));
        out.put("m");
    }
    put_fraction(out, rest % (60 * second), second);
    out.put("s");
}

/// `value / scale` with the fraction's trailing zeros dropped; `scale` is a power of ten.
fn put_fraction<S: Sink>(out: &mut S, value: u64, scale: u64) {
    out.put(itoa::Buffer::new().format(value / scale));
    let mut fraction = value % scale;
    if fraction == 0 {
        return;
    }
    let mut text = [b'0'; 10];
    text[0] = b'.';
    let width = scale.ilog10() as usize;
    for slot in text[1..=width].iter_mut().rev() {
        *slot += (fraction % 10) as u8;
        fraction /= 10;
    }
    let end = text[..=width].iter().rposition(|byte| *byte != b'0').unwrap_or(0);
    out.put(std::str::from_utf8(&text[..=end]).unwrap_or_default());
}

/// `Duration.Truncate`: towards zero to a multiple of `step`; unchanged when `step` is not positive.
pub(crate) fn truncate(nanos: i64, step: i64) -> i64 {
    if step <= 0 { nanos } else { nanos - nanos % step }
}

/// `Duration.Round`: to the nearest multiple of `step`, halves away from zero, saturating.
pub(crate) fn round(nanos: i64, step: i64) -> i64 {
    if step <= 0 {
        return nanos;
    }
    let rest = (nanos % step).unsigned_abs();
    let down = nanos - nanos % step;
    if rest + rest < step as u64 {
        down
    } else if nanos < 0 {
        down.saturating_sub(step)
    } else {
        down.saturating_add(step)
    }
}

/// A duration as a float count of `unit`, split as Go splits it so that the rounding agrees.
pub(crate) fn in_units(nanos: i64, unit: i64) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}
