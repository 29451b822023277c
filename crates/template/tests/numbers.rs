//! Numbers, durations and times as Go prints them.

use proptest::prelude::*;
use template::json;
use template::number::{
    format_duration, format_float_f, format_float_g, format_time_rfc3339nano, json_float, unix_seconds,
};

fn text(write: impl FnOnce(&mut String)) -> String {
    let mut out = String::new();
    write(&mut out);
    out
}

fn json_text(value: f64) -> String {
    text(|out| assert!(json_float(out, value)))
}

/// Value, Go's `%v`, `strconv` 'f' -1, and `encoding/json`.
const FLOATS: &[(f64, &str, &str, &str)] = &[
    (0.0, "0", "0", "0"),
    (-0.0, "-0", "-0", "-0"),
    (1.0, "1", "1", "1"),
    (1.5, "1.5", "1.5", "1.5"),
    (0.1, "0.1", "0.1", "0.1"),
    (98.5, "98.5", "98.5", "98.5"),
    (100000.0, "100000", "100000", "100000"),
    (999999.0, "999999", "999999", "999999"),
    (1e6, "1e+06", "1000000", "1000000"),
    (1234567.0, "1.234567e+06", "1234567", "1234567"),
    (123456.7, "123456.7", "123456.7", "123456.7"),
    (1234567.8, "1.2345678e+06", "1234567.8", "1234567.8"),
    (1e15, "1e+15", "1000000000000000", "1000000000000000"),
    (1e20, "1e+20", "100000000000000000000", "100000000000000000000"),
    (1e21, "1e+21", "1000000000000000000000", "1e+21"),
    (1e22, "1e+22", "10000000000000000000000", "1e+22"),
    (1e100, "1e+100", ONE_E100, "1e+100"),
    (0.0001, "0.0001", "0.0001", "0.0001"),
    (0.00001, "1e-05", "0.00001", "0.00001"),
    (0.000001, "1e-06", "0.000001", "0.000001"),
    (0.0000001, "1e-07", "0.0000001", "1e-7"),
    (1.5e-9, "1.5e-09", "0.0000000015", "1.5e-9"),
    (1.5e-10, "1.5e-10", "0.00000000015", "1.5e-10"),
    (-3.25, "-3.25", "-3.25", "-3.25"),
    (-1e-7, "-1e-07", "-0.0000001", "-1e-7"),
    (2.6457513110645907, "2.6457513110645907", "2.6457513110645907", "2.6457513110645907"),
    (9007199254740993.0, "9.007199254740992e+15", "9007199254740992", "9007199254740992"),
];

const ONE_E100: &str =
    "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn floats() {
    for (value, general, plain, encoded) in FLOATS {
        assert_eq!(text(|out| format_float_g(out, *value)), *general);
        assert_eq!(text(|out| format_float_f(out, *value)), *plain);
        assert_eq!(json_text(*value), *encoded);
    }
}

#[test]
fn floats_beyond_numbers() {
    for (value, shown) in [(f64::NAN, "NaN"), (f64::INFINITY, "+Inf"), (f64::NEG_INFINITY, "-Inf")] {
        assert_eq!(text(|out| format_float_g(out, value)), shown);
        assert_eq!(text(|out| format_float_f(out, value)), shown);
        let mut out = String::from("kept");
        assert!(!json_float(&mut out, value));
        assert_eq!(out, "kept");
    }
}

#[test]
fn bytes_take_the_same_text() {
    let mut out: Vec<u8> = Vec::new();
    format_float_g(&mut out, 2.5);
    format_duration(&mut out, 1_500);
    format_time_rfc3339nano(&mut out, 0);
    assert_eq!(out, "2.51.5µs1970-01-01T00:00:00Z".as_bytes());
}

#[test]
fn durations() {
    for (nanos, shown) in [
        (0, "0s"),
        (1, "1ns"),
        (-1, "-1ns"),
        (999, "999ns"),
        (1_100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (3_300_000_000, "3.3s"),
        (60_000_000_000, "1m0s"),
        (90_500_000_000, "1m30.5s"),
        (3_600_000_000_000, "1h0m0s"),
        (245_000_000_000, "4m5s"),
        (245_001_000_000, "4m5.001s"),
        (18_367_001_000_000, "5h6m7.001s"),
        (480_000_000_001, "8m0.000000001s"),
        (i64::MAX, "2562047h47m16.854775807s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(text(|out| format_duration(out, nanos)), shown);
    }
}

#[test]
fn times() {
    for (nanos, shown) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (1_577_934_245_006_007_008, "2020-01-02T03:04:05.006007008Z"),
        (1_577_934_245_100_000_000, "2020-01-02T03:04:05.1Z"),
        (951_782_400_000_000_000, "2000-02-29T00:00:00Z"),
        (1_709_164_799_999_000_000, "2024-02-28T23:59:59.999Z"),
        (-2_208_988_800_000_000_000, "1900-01-01T00:00:00Z"),
        (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
    ] {
        assert_eq!(text(|out| format_time_rfc3339nano(out, nanos)), shown);
    }
}

#[test]
fn civil_dates() {
    assert_eq!(unix_seconds(1970, 1, 1, 0, 0, 0), 0);
    assert_eq!(unix_seconds(2020, 1, 2, 3, 4, 5), 1_577_934_245);
    assert_eq!(unix_seconds(2020, 1, 31 + 29 + 1, 0, 0, 0), unix_seconds(2020, 3, 1, 0, 0, 0));
    assert_eq!(unix_seconds(1, 1, 1, 0, 0, 0), -62_135_596_800);
}

#[test]
fn json_strings() {
    for (raw, encoded) in [
        ("", r#""""#),
        ("plain é 😀", "\"plain é 😀\""),
        ("<a href='x'>&\"\\", r#""\u003ca href='x'\u003e\u0026\"\\""#),
        ("\n\r\t\u{1}\u{1f}", r#""\n\r\t\u0001\u001f""#),
        ("\u{2027}\u{2028}\u{2029}\u{202a}", "\"\u{2027}\\u2028\\u2029\u{202a}\""),
    ] {
        assert_eq!(text(|out| json::put_string(out, raw)), encoded);
    }
}

proptest! {
    #[test]
    fn every_float_reads_back(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        for shown in [
            text(|out| format_float_g(out, value)),
            text(|out| format_float_f(out, value)),
            json_text(value),
        ] {
            prop_assert_eq!(shown.parse::<f64>().expect("a number").to_bits(), value.to_bits());
        }
    }

    #[test]
    fn short_decimals_are_short(digits in -1_000_000_000_000_000i64..1_000_000_000_000_000, places in 0u32..10) {
        let value = digits as f64 / 10f64.powi(places as i32);
        prop_assert_eq!(text(|out| format_float_f(out, value)), format!("{value}"));
        let general = text(|out| format_float_g(out, value));
        if (1e-4..1e6).contains(&value.abs()) || value == 0.0 {
            prop_assert_eq!(general, format!("{value}"));
        } else {
            prop_assert!(general.contains('e'));
        }
        if !(0.0..1e-6).contains(&value.abs()) || value == 0.0 {
            prop_assert_eq!(json_text(value), format!("{value}"));
        }
    }

    #[test]
    fn every_time_is_ordered_like_its_text(a in any::<i64>(), b in any::<i64>()) {
        // With the Z cut off and the fraction padded, texts of four-digit years sort like times.
        let key = |nanos: i64| {
            let shown = text(|out| format_time_rfc3339nano(out, nanos));
            let shown = shown.trim_end_matches('Z').to_owned();
            let fraction = shown.split_once('.').map_or("", |(_, fraction)| fraction);
            format!("{}.{fraction:0<9}", &shown[..19])
        };
        prop_assert_eq!(a.cmp(&b), key(a).cmp(&key(b)));
    }
}

/// Values exactly between two shortest texts, by their bits, and what Go prints.
const TIES: &[(u64, &str)] = &[
    (0x3f45f80000000000, "0.0006704330444335938"),
    (0x3f4ba80000000000, "0.0008440017700195312"),
    (0x3f86630000000000, "0.010931015014648438"),
    (0xbeba000000000000, "-1.5497207641601562e-06"),
    (0xbf9b838000000000, "-0.026868820190429688"),
    (0xbe70000000000000, "-5.960464477539063e-08"),
    (0xbe60000000000000, "-2.9802322387695312e-08"),
    (0xbe60000000000000, "-2.9802322387695312e-08"),
];

#[test]
fn ties_take_the_even_digit() {
    for (bits, expected) in TIES {
        let value = f64::from_bits(*bits);
        let mut text = String::new();
        format_float_g(&mut text, value);
        assert_eq!(text, *expected);
        assert_eq!(text.parse::<f64>().ok(), Some(value));
    }
}
