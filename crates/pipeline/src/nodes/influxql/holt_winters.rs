//! Forecasts by the damped method of Holt and Winters. The parameters are those that fit the points
//! best, searched from a grid of guesses.

use super::nelder_mead::minimise;
use super::reduce::Answer;
use model::{Time, Value};

/// The arguments.
#[derive(Clone, Copy, Debug)]
pub struct HoltWinters {
    /// How many points to forecast.
    pub horizon: i64,
    /// Points in a season; less than two for none.
    pub season: i64,
    /// Time between points, nanoseconds.
    pub interval: i64,
    /// Give the fitted points too.
    pub with_fit: bool,
}

/// Most intervals that the points may span: the search takes thousands of walks over them.
const SPAN_MAX: usize = 10_000;
/// Most points in a season: the search takes thousands of steps, each the square of this.
const SEASON_MAX: i64 = 2_000;
/// Most points of a forecast.
const HORIZON_MAX: i64 = 100_000;
/// Standard deviation of the error at which the search ends.
const EPSILON: f64 = 1.0e-4;
/// Weight of the first points in the guesses of level and trend.
const WEIGHT: f64 = 0.5;
/// Guesses of each of the four rates.
const GUESSES: [f64; 2] = [0.3, 0.3 + 0.4];

/// The points, one an interval.
struct Fit {
    /// The values; NaN where there is none.
    values: Vec<f64>,
    /// Points in a season, 0 for none.
    season: usize,
}

impl HoltWinters {
    /// Refuses arguments that cannot be worked with.
    pub fn check(&self) -> Result<(), String> {
        if self.horizon > 0 && self.interval == 0 {
            return Err("holtWinters interval must not be zero: give it the time between points".into());
        }
        if self.season > SEASON_MAX {
            return Err(format!(
                "holtWinters season {} is too long: use up to {SEASON_MAX} points",
                self.season
            ));
        }
        if self.horizon > HORIZON_MAX {
            return Err(format!(
                "holtWinters cannot forecast {} points: use up to {HORIZON_MAX}",
                self.horizon
            ));
        }
        Ok(())
    }

    /// The forecast from these points.
    pub fn of(&self, times: &[Time], values: &[f64]) -> Result<Vec<Answer>, String> {
        let season = if self.season < 2 { 0 } else { self.season as usize };
        let (Some(&first), Some(&last)) = (times.first(), times.last()) else { return Ok(Vec::new()) };
        if times.len() < 2 || times.len() < season || self.horizon <= 0 || self.interval <= 0 {
            return Ok(Vec::new());
        }
        if self.round(last).wrapping_sub(self.round(first)) / self.interval <= 0 {
            return Ok(Vec::new());
        }
        let fit = Fit { values: self.spaced(times, values)?, season };
        if fit.values.len() < season.max(2) {
            let got = fit.values.len();
            return Err(format!(
                "failed to emit: holtWinters needs {season} intervals for a season, and got {got}"
            ));
        }
        let mut best = fit.search();
        let forecast = fit.forecast(self.horizon as usize, &mut best);
        // The step from the time `from` to the first answer is `offset` intervals.
        let (from, offset, answers) = match self.with_fit {
            true => (first, 0, &forecast[..]),
            false => (last, 1, &forecast[fit.values.len()..]),
        };
        let steps = answers.iter().zip(offset..).filter(|(value, _)| !value.is_nan());
        let answer = |(value, step): (&f64, i64)| Answer {
            time: Some(from.wrapping_add(self.interval.wrapping_mul(step))),
            value: Value::Float(*value),
            at: None,
        };
        Ok(steps.map(answer).collect())
    }

    fn round(&self, time: Time) -> Time {
        let up = i64::from(time % self.interval > self.interval / 2);
        (time / self.interval).wrapping_add(up).wrapping_mul(self.interval)
    }

    /// The values, one an interval; the first of several in one interval counts.
    fn spaced(&self, times: &[Time], values: &[f64]) -> Result<Vec<f64>, String> {
        let mut spaced = vec![values[0]];
        let mut at = self.round(times[0]);
        for (&time, &value) in times.iter().zip(values).skip(1) {
            let rounded = self.round(time);
            if rounded <= at {
                continue;
            }
            let missing = rounded.abs_diff(at) / self.interval.unsigned_abs() - 1;
            if spaced.len() as u64 + missing >= SPAN_MAX as u64 {
                return Err(format!(
                    "failed to emit: holtWinters points span more than {SPAN_MAX} intervals: use a longer interval"
                ));
            }
            spaced.extend(std::iter::repeat_n(f64::NAN, missing as usize));
            spaced.push(value);
            at = rounded;
        }
        Ok(spaced)
    }
}

impl Fit {
    /// Places in the parameters: four rates, the level, the trend, then the seasons.
    const LEVEL: usize = 4;
    const TREND: usize = 5;
    const SEASONS: usize = 6;

    /// Guesses of level, trend and seasons; the rates are left at zero.
    fn guesses(&self) -> Vec<f64> {
        let y = &self.values;
        let m = self.season;
        let (mut level, mut trend) = (0.0, 0.0);
        if m > 0 {
            for v in y[..m].iter().filter(|v| !v.is_nan()) {
                level += (1.0 / m as f64) * v;
            }
            for (v, next) in y[..m].iter().zip(&y[m..]) {
                if !v.is_nan() && !next.is_nan() {
                    trend += 1.0 / (m * m) as f64 * (next - v);
                }
            }
        } else {
            level += WEIGHT * y[0];
            if !y[1].is_nan() {
                trend = WEIGHT * (y[1] - y[0]);
            }
        }
        let mut guesses = vec![0.0; Fit::SEASONS];
        guesses[Fit::LEVEL] = level;
        guesses[Fit::TREND] = trend;
        guesses.extend(y[..m].iter().map(|v| if v.is_nan() { 0.0 } else { v / level }));
        guesses
    }

    /// The parameters that fit best.
    fn search(&self) -> Vec<f64> {
        let mut start = self.guesses();
        let mut best: Option<(f64, Vec<f64>)> = None;
        for rates in 0..16 {
            for (place, rate) in start[..4].iter_mut().enumerate() {
                *rate = GUESSES[rates >> (3 - place) & 1];
            }
            let (error, found) = minimise(|parameters| self.error(parameters), &start, EPSILON);
            let least = best.as_ref().map_or(f64::INFINITY, |(least, _)| *least);
            if error < least || best.is_none() {
                best = Some((error, found));
            }
        }
        best.map(|(_, found)| found).unwrap_or(start)
    }

    /// The sum of the squared errors.
    fn error(&self, parameters: &mut [f64]) -> f64 {
        let forecast = self.forecast(0, parameters);
        let mut sum = 0.0;
        for (forecast, value) in forecast.iter().zip(&self.values).filter(|(_, value)| !value.is_nan()) {
            if forecast.is_nan() {
                return f64::INFINITY;
            }
            sum += (forecast - value) * (forecast - value);
        }
        sum
    }

    /// Follows the relations over the points and `horizon` further. Rates out of range are put into
    /// it, and seasons are brought up to date, in `parameters` themselves.
    fn forecast(&self, horizon: usize, parameters: &mut [f64]) -> Vec<f64> {
        for rate in &mut parameters[..4] {
            *rate = rate.clamp(0.0, 1.0);
        }
        let (rates, seasons) = parameters.split_at_mut(Fit::SEASONS);
        let (alpha, beta, gamma, phi) = (rates[0], rates[1], rates[2], rates[3]);
        let (mut level, mut trend) = (rates[Fit::LEVEL], rates[Fit::TREND]);
        let (mut damping, mut settled) = (phi, false);
        let mut y = self.values[0];
        let mut forecast = vec![y];
        for t in 1..self.values.len() + horizon {
            let m = self.season;
            let (now, ahead) = match m {
                0 => (1.0, 1.0),
                _ => (seasons[(2 * t - 2) % m], seasons[(2 * t - 2 + t % m) % m]),
            };
            let damped = level + phi * trend;
            let next_level = alpha * (y / now) + (1.0 - alpha) * damped;
            let next_trend = beta * (next_level - level) + (1.0 - beta) * phi * trend;
            if m > 0 {
                seasons[(2 * t - 2) % m] = gamma * (y / damped) + (1.0 - gamma) * now;
            }
            y = (next_level + damping * next_trend) * ahead;
            (level, trend) = (next_level, next_trend);
            if !settled {
                let more = power(phi, t as u64);
                // What is this small changes nothing any more, and all that follow are smaller.
                settled = more < damping * 1.0e-18;
                damping += more;
            }
            forecast.push(y);
        }
        forecast
    }
}

/// `x` to the power `n`, as Go computes it: the C library's differs in the last digits, and between
/// machines.
fn power(x: f64, n: u64) -> f64 {
    if x.is_nan() || x == 0.0 || x == 1.0 || n == 1 {
        return x;
    }
    let (mut fraction, mut exponent) = libm::frexp(x);
    let (mut product, mut product_exponent) = (1.0, 0i32);
    let mut rest = n;
    while rest != 0 {
        if exponent.abs() > 1 << 12 {
            product_exponent += exponent;
            break;
        }
        if rest & 1 == 1 {
            product *= fraction;
            product_exponent += exponent;
        }
        fraction *= fraction;
        exponent <<= 1;
        if fraction < 0.5 {
            fraction += fraction;
            exponent -= 1;
        }
        rest >>= 1;
    }
    libm::ldexp(product, product_exponent)
}
