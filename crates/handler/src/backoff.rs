//! How long to wait before the next attempt.

use std::time::Duration;

/// The wait after attempt number `attempts` (from 1): doubles from `least` to `most`, less a part
/// of up to a half that differs from delivery to delivery, so that what failed together is not
/// tried again together. The same delivery always waits the same.
pub fn backoff(attempts: u32, delivery: u64, least: Duration, most: Duration) -> Duration {
    let doubled = least.saturating_mul(1u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
    let whole = doubled.min(most);
    let part = mix(delivery ^ u64::from(attempts).rotate_left(32)) as u32;
    whole - whole.mul_f64(f64::from(part) / f64::from(u32::MAX) / 2.0).min(whole)
}

/// Spreads the bits of a number over the whole word (the finaliser of splitmix64).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_within_bounds() {
        let (least, most) = (Duration::from_millis(500), Duration::from_secs(60));
        for (attempts, whole) in [(1, 500), (2, 1000), (3, 2000), (8, 60_000), (31, 60_000), (1000, 60_000)] {
            for delivery in 0..100 {
                let wait = backoff(attempts, delivery, least, most).as_millis();
                assert!((whole / 2..=whole).contains(&wait), "{attempts} {delivery}: {wait}");
            }
        }
        assert_eq!(backoff(2, 7, least, most), backoff(2, 7, least, most));
        let waits: std::collections::BTreeSet<_> = (0..20).map(|id| backoff(4, id, least, most)).collect();
        assert!(waits.len() > 15, "deliveries wait differently");
    }
}
