//! What stateful functions remember.

use serde::{Deserialize, Serialize};

/// What the stateful functions of one lambda remember for one group. Plain data: save it, load it,
/// move it. The default is the state before the first point.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State(Slots);

/// Most lambdas have no state and most others have one function, so neither allocates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Slots {
    #[default]
    None,
    One(Slot),
    Many(Box<[Slot]>),
}

/// The memory of one function.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Slot {
    Count(i64),
    Sigma { n: f64, mean: f64, m2: f64 },
    Spread { min: f64, max: f64 },
    Rand(u64),
}

/// The functions that remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stateful {
    Count,
    Sigma,
    Spread,
    Rand,
}

impl Stateful {
    /// The memory before the first call. `number` is the slot's place in its lambda: two lambdas'
    /// worth of random numbers differ, and every replay draws the same.
    fn fresh(self, number: usize) -> Slot {
        match self {
            Stateful::Count => Slot::Count(0),
            Stateful::Sigma => Slot::Sigma { n: 0.0, mean: 0.0, m2: 0.0 },
            Stateful::Spread => Slot::Spread { min: f64::INFINITY, max: f64::NEG_INFINITY },
            Stateful::Rand => Slot::Rand(mix(0x6661_7261_645f_726e ^ number as u64)),
        }
    }

    fn owns(self, slot: &Slot) -> bool {
        matches!(
            (self, slot),
            (Stateful::Count, Slot::Count(_))
                | (Stateful::Sigma, Slot::Sigma { .. })
                | (Stateful::Spread, Slot::Spread { .. })
                | (Stateful::Rand, Slot::Rand(_))
        )
    }
}

impl State {
    /// The memory of slot `number`. A state that does not fit the lambda (a fresh one, or one that
    /// another lambda wrote) starts anew.
    #[inline]
    pub(crate) fn slot(&mut self, layout: &[Stateful], number: usize) -> &mut Slot {
        if !self.fits(layout, number) {
            self.reset(layout);
        }
        match &mut self.0 {
            Slots::One(slot) => slot,
            Slots::Many(slots) => &mut slots[number],
            Slots::None => unreachable!("a layout with slots makes a state with slots"),
        }
    }

    #[inline]
    fn fits(&self, layout: &[Stateful], number: usize) -> bool {
        match &self.0 {
            Slots::None => false,
            Slots::One(slot) => layout.len() == 1 && layout[0].owns(slot),
            Slots::Many(slots) => slots.len() == layout.len() && layout[number].owns(&slots[number]),
        }
    }

    #[cold]
    fn reset(&mut self, layout: &[Stateful]) {
        self.0 = match layout {
            [one] => Slots::One(one.fresh(0)),
            many => Slots::Many(many.iter().enumerate().map(|(i, s)| s.fresh(i)).collect()),
        };
    }
}

impl Slot {
    /// `count()`.
    #[inline]
    pub(crate) fn count(&mut self) -> i64 {
        let Slot::Count(n) = self else { return 0 };
        *n = n.wrapping_add(1);
        *n
    }

    /// `sigma(x)`: the distance of `x` from the running mean, in standard deviations of the sample.
    #[inline]
    pub(crate) fn sigma(&mut self, x: f64) -> f64 {
        let Slot::Sigma { n, mean, m2 } = self else {
            return 0.0;
        };
        *n += 1.0;
        let delta = x - *mean;
        *mean += delta / *n;
        *m2 += delta * (x - *mean);
        let variance = *m2 / (*n - 1.0);
        if *n < 2.0 || variance == 0.0 { 0.0 } else { (x - *mean).abs() / variance.sqrt() }
    }

    /// `spread(x)`: the largest value so far less the smallest.
    #[inline]
    pub(crate) fn spread(&mut self, x: f64) -> f64 {
        let Slot::Spread { min, max } = self else {
            return 0.0;
        };
        // Written as comparisons: a NaN changes neither bound.
        if x < *min {
            *min = x;
        }
        if x > *max {
            *max = x;
        }
        *max - *min
    }

    /// `rand()`, or `rand(n)`: below `n` when it is positive.
    #[inline]
    pub(crate) fn rand(&mut self, n: Option<i64>) -> i64 {
        let Slot::Rand(seed) = self else { return 0 };
        *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let bits = mix(*seed);
        let bits = match n {
            Some(n) => ((u128::from(bits) * u128::from(n as u64)) >> 64) as u64,
            None => bits,
        };
        (bits & i64::MAX as u64) as i64
    }
}

/// The finisher of splitmix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_another_layout_starts_anew() {
        let mut state = State::default();
        state.slot(&[Stateful::Count], 0).count();
        assert_eq!(state.slot(&[Stateful::Count], 0).count(), 2);
        assert_eq!(state.slot(&[Stateful::Sigma, Stateful::Count], 1).count(), 1);
        assert_eq!(state.slot(&[Stateful::Spread], 0).spread(4.0), 0.0);
    }

    #[test]
    fn random_numbers_repeat_from_the_same_state_and_stay_in_bounds() {
        let layout = [Stateful::Rand];
        let draw = || {
            let mut state = State::default();
            (0..100).map(|_| state.slot(&layout, 0).rand(Some(10))).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
        assert!(draw().iter().all(|n| (0..10).contains(n)));
        assert!((0..10).all(|n| draw().contains(&n)));
        let mut state = State::default();
        assert_eq!(state.slot(&layout, 0).rand(Some(0)), 0);
        assert!(state.slot(&layout, 0).rand(Some(-5)) >= 0);
    }

    #[test]
    fn saved_and_loaded_is_the_same() {
        let mut state = State::default();
        state.slot(&[Stateful::Sigma], 0).sigma(3.5);
        let bytes = postcard::to_allocvec(&state).expect("a state is plain data");
        assert_eq!(postcard::from_bytes::<State>(&bytes).expect("it was just written"), state);
    }
}
