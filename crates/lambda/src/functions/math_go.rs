//! The mathematics where Go's special cases or rounding are not those of the C library.

/// The gamma function: NaN at the poles and at -Inf, an infinity of its sign at zero.
pub(super) fn gamma(x: f64) -> f64 {
    if x == f64::NEG_INFINITY || (x < 0.0 && x == x.floor()) {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::INFINITY.copysign(x);
    }
    libm::tgamma(x)
}

/// The library counts up to the order: one so large must not keep the stream waiting.
const ORDER_MAX: u64 = 1_000_000;

/// The order, when it is small enough to count up to.
fn order(n: i64) -> Option<i32> {
    i32::try_from(n).ok().filter(|_| n.unsigned_abs() <= ORDER_MAX)
}

/// Far below its order the function has long vanished; near a very large one it is not worked out.
pub(super) fn jn(n: i64, x: f64) -> f64 {
    match order(n) {
        Some(n) => libm::jn(n, x),
        None if x.is_infinite() || x.abs() < n.unsigned_abs() as f64 / 2.0 => 0.0,
        None => f64::NAN,
    }
}

/// As [`jn`], but here the function has fallen below every number.
pub(super) fn yn(n: i64, x: f64) -> f64 {
    match order(n) {
        Some(n) => libm::yn(n, x),
        None if x == f64::INFINITY => 0.0,
        None if (0.0..n.unsigned_abs() as f64 / 2.0).contains(&x) => {
            if n < 0 && n % 2 != 0 {
                f64::INFINITY
            } else {
                f64::NEG_INFINITY
            }
        }
        None => f64::NAN,
    }
}

/// Exact for powers of two.
pub(super) fn log2(x: f64) -> f64 {
    if x.is_nan() || x <= 0.0 || x.is_infinite() {
        return libm::log(x);
    }
    let (fraction, exponent) = libm::frexp(x);
    if fraction == 0.5 {
        return f64::from(exponent - 1);
    }
    libm::log(fraction) * std::f64::consts::LOG2_E + f64::from(exponent)
}

pub(super) fn log10(x: f64) -> f64 {
    // The quotient of the logarithms, rounded once: dividing two rounded ones is off by one bit.
    log2(x) * std::f64::consts::LOG10_2
}

pub(super) fn logb(x: f64) -> f64 {
    if x == 0.0 {
        f64::NEG_INFINITY
    } else if x.is_infinite() {
        f64::INFINITY
    } else if x.is_nan() {
        x
    } else {
        f64::from(libm::ilogb(x))
    }
}

/// Unlike [`f64::max`], NaN wins over every number but +Inf, and 0 over -0.
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

/// The mirror of [`max`].
pub(super) fn min(a: f64, b: f64) -> f64 {
    -max(-a, -b)
}

/// The powers of ten up to 10^31; larger ones are 10^32k times one of these.
const TENS: [f64; 32] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27, 1e28, 1e29, 1e30, 1e31,
];
const LARGE_TENS: [f64; 10] = [1e0, 1e32, 1e64, 1e96, 1e128, 1e160, 1e192, 1e224, 1e256, 1e288];
const SMALL_TENS: [f64; 11] =
    [1e0, 1e-32, 1e-64, 1e-96, 1e-128, 1e-160, 1e-192, 1e-224, 1e-256, 1e-288, 1e-320];

pub(super) fn pow10(n: i64) -> f64 {
    match n {
        0..=308 => LARGE_TENS[n as usize / 32] * TENS[n as usize % 32],
        -323..=-1 => SMALL_TENS[-n as usize / 32] / TENS[-n as usize % 32],
        309.. => f64::INFINITY,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_orders_do_not_count_up_to_them() {
        assert_eq!(jn(i64::MIN, 3.0), 0.0);
        assert_eq!(yn(i64::MAX, 3.0), f64::NEG_INFINITY);
        assert_eq!(yn(-2_000_001, 3.0), f64::INFINITY);
        assert!(yn(i64::MAX, -1.0).is_nan() && jn(i64::MAX, f64::NAN).is_nan());
    }

    #[test]
    fn special_cases_are_those_of_go() {
        assert!(gamma(-2.0).is_nan() && gamma(f64::NEG_INFINITY).is_nan());
        assert_eq!(gamma(-0.0), f64::NEG_INFINITY);
        assert_eq!((log10(1000.0), log2(8.0), log10(f64::INFINITY)), (3.0, 3.0, f64::INFINITY));
        let values = [50.0, 5.0, 7.0, 10.0, 100.0, 123456.789].map(log10);
        let of_kapacitor =
            [1.6989700043360187, 0.6989700043360187, 0.8450980400142568, 1.0, 2.0, 5.091514977169271];
        assert_eq!(values, of_kapacitor);
        assert_eq!(
            (logb(0.0), logb(f64::NEG_INFINITY), logb(5e-324)),
            (f64::NEG_INFINITY, f64::INFINITY, -1074.0)
        );
        assert!(max(1.0, f64::NAN).is_nan() && min(f64::NAN, 1.0).is_nan());
        assert_eq!(
            (max(f64::NAN, f64::INFINITY), min(f64::NEG_INFINITY, f64::NAN)),
            (f64::INFINITY, f64::NEG_INFINITY)
        );
        assert!(max(-0.0, 0.0).is_sign_positive() && min(0.0, -0.0).is_sign_negative());
        assert_eq!((pow10(-323), pow10(308), pow10(309), pow10(-324)), (1e-323, 1e308, f64::INFINITY, 0.0));
    }
}
