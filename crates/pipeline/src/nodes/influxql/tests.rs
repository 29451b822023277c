//! What cases cannot say of the functions: their kernels over any numbers, and their limits.

pub(in crate::nodes) mod bed;
mod paths;

use super::function::{Function, Method};
use super::holt_winters::HoltWinters;
use super::nelder_mead::minimise;
use super::points::Values;
use super::select::{End, by_time, extreme, percentile};
use super::statistics::{distinct, median_of_ints, mode};
use super::top::{Best, best};
use model::Value;
use proptest::prelude::*;
use std::borrow::Cow;

proptest! {
    #[test]
    fn top_is_the_head_of_the_sorted_values(
        points in prop::collection::vec((-5i64..5, 0i64..100), 1..60),
        n in 0i64..70,
    ) {
        let (values, times): (Vec<i64>, Vec<i64>) = points.into_iter().unzip();
        let rows = |which| -> Vec<(Value, Option<i64>)> {
            best(&times, &values, n, which).into_iter().map(|answer| (answer.value, answer.time)).collect()
        };
        let mut sorted: Vec<(i64, i64)> = values.iter().copied().zip(times.iter().copied()).collect();
        sorted.sort_by_key(|(value, time)| (-value, *time));
        let head = |sorted: &[(i64, i64)]| -> Vec<(Value, Option<i64>)> {
            sorted.iter().take(n as usize).map(|(value, time)| (Value::Int(*value), Some(*time))).collect()
        };
        prop_assert_eq!(rows(Best::Greatest), head(&sorted));
        sorted.sort();
        prop_assert_eq!(rows(Best::Smallest), head(&sorted));
    }

    #[test]
    fn selectors_select_what_no_other_point_beats(points in prop::collection::vec((-5i64..5, 0i64..9), 1..40)) {
        let (values, times): (Vec<i64>, Vec<i64>) = points.iter().copied().unzip();
        let found = |answer: super::reduce::Answer| points[answer.at.unwrap_or(usize::MAX)];
        let all = Values::Int(Cow::Borrowed(&values));
        let earliest = |v: i64| points.iter().filter(|p| p.0 == v).map(|p| p.1).min();
        let greatest = |t: i64| points.iter().filter(|p| p.1 == t).map(|p| p.0).max();
        let (value, time) = found(extreme(&times, &values, |a, b| a < b));
        prop_assert_eq!((Some(value), Some(time)), (values.iter().copied().min(), earliest(value)));
        let (value, time) = found(extreme(&times, &values, |a, b| a > b));
        prop_assert_eq!((Some(value), Some(time)), (values.iter().copied().max(), earliest(value)));
        let (value, time) = found(by_time(&times, &all, End::First));
        prop_assert_eq!((Some(time), Some(value)), (times.iter().copied().min(), greatest(time)));
        let (value, time) = found(by_time(&times, &all, End::Last));
        prop_assert_eq!((Some(time), Some(value)), (times.iter().copied().max(), greatest(time)));
    }

    #[test]
    fn a_percentile_is_a_rank(values in prop::collection::vec(any::<f64>(), 1..50), percent in -10.0..120.0f64) {
        let times: Vec<i64> = (0..values.len() as i64).collect();
        let rank = (values.len() as f64 * percent / 100.0 + 0.5).floor() as i64;
        let answer = percentile(&times, &values, percent);
        prop_assert_eq!(answer.is_some(), (1..=values.len() as i64).contains(&rank));
        if let Some(Value::Float(found)) = answer.map(|answer| answer.value)
            && !found.is_nan()
        {
            let below = values.iter().filter(|v| **v < found).count() as i64;
            let not_above = values.iter().filter(|v| **v <= found).count() as i64;
            prop_assert!(below < rank && rank <= not_above);
        }
    }

    #[test]
    fn distinct_values_are_each_there_once(points in prop::collection::vec((-3i64..3, 0i64..9), 1..40)) {
        let (values, times): (Vec<i64>, Vec<i64>) = points.iter().copied().unzip();
        let floats: Vec<f64> = values.iter().map(|v| *v as f64 * 0.5).collect();
        let ints = distinct(&times, &Values::Int(Cow::Borrowed(&values)));
        let mut wanted: Vec<(i64, i64)> = Vec::new();
        for (value, time) in &points {
            if !wanted.iter().any(|(_, seen)| seen == value) {
                wanted.push((*time, *value));
            }
        }
        wanted.sort();
        let got: Vec<(Option<i64>, Value)> = ints.into_iter().map(|answer| (answer.time, answer.value)).collect();
        let wanted: Vec<(Option<i64>, Value)> =
            wanted.into_iter().map(|(time, value)| (Some(time), Value::Int(value))).collect();
        prop_assert_eq!(&got, &wanted);
        prop_assert_eq!(distinct(&times, &Values::Float(Cow::Borrowed(&floats))).len(), wanted.len());
    }

    #[test]
    fn nan_is_neither_top_nor_bottom(
        values in prop::collection::vec(prop_oneof![-5.0..5.0f64, Just(f64::NAN)], 1..40),
        n in 0i64..45,
    ) {
        let times: Vec<i64> = (0..values.len() as i64).collect();
        let numbers = values.iter().filter(|v| !v.is_nan()).count().min(n as usize);
        for which in [Best::Greatest, Best::Smallest] {
            let nan = |answer: &super::reduce::Answer| matches!(answer.value, Value::Float(v) if v.is_nan());
            let rows = best(&times, &values, n, which);
            prop_assert_eq!(rows.len(), values.len().min(n as usize));
            prop_assert!(!rows[..numbers].iter().any(nan) && rows[numbers..].iter().all(nan));
        }
    }

    #[test]
    fn no_numbers_upset_a_kernel(values in prop::collection::vec(prop_oneof![any::<f64>(), Just(f64::NAN)], 1..40)) {
        let times: Vec<i64> = values.iter().map(|v| v.to_bits() as i64 >> 20).collect();
        let ints: Vec<i64> = values.iter().map(|v| v.to_bits() as i64).collect();
        mode(&times, &values);
        median_of_ints(&ints);
        best(&times, &values, 5, Best::Smallest);
        distinct(&times, &Values::Float(Cow::Borrowed(&values)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_points_upset_a_forecast(
        points in prop::collection::vec((any::<i64>(), prop_oneof![any::<f64>(), -9.0..9.0, Just(f64::NAN)]), 0..9),
        season in 0i64..4,
    ) {
        // At most some 32 intervals, in any order.
        let (times, values): (Vec<i64>, Vec<f64>) = points.into_iter().map(|(t, v)| (t >> 20, v)).unzip();
        let forecast = HoltWinters { horizon: 2, season, interval: 1 << 39, with_fit: true };
        if let Ok(answers) = forecast.of(&times, &values) {
            prop_assert!(answers.iter().all(|answer| matches!(answer.value, Value::Float(v) if !v.is_nan())));
            prop_assert!(answers.is_sorted_by_key(|answer| answer.time));
        }
    }
}

#[test]
fn the_search_finds_the_bottom_of_a_valley() {
    let valley = |x: &mut [f64]| 100.0 * (x[1] - x[0] * x[0]).powi(2) + (1.0 - x[0]).powi(2);
    let (least, place) = minimise(valley, &[-1.0, 1.0], 1e-4);
    assert!(
        least < 1e-3 && (place[0] - 1.0).abs() < 0.1 && (place[1] - 1.0).abs() < 0.1,
        "{least} at {place:?}"
    );
}

#[test]
fn a_forecast_over_too_many_intervals_is_refused() {
    let forecast = HoltWinters { horizon: 1, season: 0, interval: 1, with_fit: false };
    let error = forecast.of(&[0, 1_000_000_000], &[1.0, 2.0]);
    assert!(error.is_err_and(|why| why.contains("more than 10000 intervals")));
    let seasonal = HoltWinters { horizon: 1, season: 4, interval: 10, with_fit: false };
    let error = seasonal.of(&[0, 1, 2, 11], &[1.0; 4]);
    assert!(error.is_err_and(|why| why.contains("needs 4 intervals")));
}

#[test]
fn arguments_that_end_kapacitor_are_refused() {
    let check = |method| Function { name: "f", field: "v".into(), method }.check();
    let hw = |horizon, season, interval| {
        Method::HoltWinters(HoltWinters { horizon, season, interval, with_fit: false })
    };
    for method in [
        Method::Elapsed(0),
        Method::MovingAverage(0),
        Method::MovingAverage(-1),
        Method::MovingAverage(i64::MAX),
        Method::Top(-1),
        Method::Bottom(i64::MAX),
        hw(1, 0, 0),
        hw(i64::MAX, 0, 1),
        hw(1, i64::MAX, 1),
    ] {
        assert!(check(method).is_err(), "{method:?}");
    }
    for method in [Method::Elapsed(-1), Method::MovingAverage(1), Method::Top(0), hw(0, 0, 0), hw(1, -1, -1)]
    {
        assert!(check(method).is_ok(), "{method:?}");
    }
}
