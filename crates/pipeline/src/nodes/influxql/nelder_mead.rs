//! The simplex method of Nelder and Mead: finds a minimum of a function without its derivatives.
//! The order of all operations is InfluxDB's, so that forecasts agree to the last digit.

const ITERATIONS_MAX: usize = 1000;
const REFLECTION: f64 = 1.0;
const CONTRACTION: f64 = 0.5;
const EXPANSION: f64 = 2.0;

/// The minimum that is found from `start` on, and where it is. `of` may change the place it is
/// asked about (to keep it in its range): the search goes on from there.
pub fn minimise(mut of: impl FnMut(&mut [f64]) -> f64, start: &[f64], epsilon: f64) -> (f64, Vec<f64>) {
    let mut simplex = Simplex::around(start);
    simplex.values = simplex.corners.iter_mut().map(|corner| of(corner)).collect();
    for _ in 0..ITERATIONS_MAX {
        simplex.step(&mut of);
        if simplex.spread() < epsilon {
            break;
        }
    }
    let best = simplex.ends().0;
    let place = simplex.corners[best].clone();
    (of(&mut simplex.corners[best]), place)
}

struct Simplex {
    corners: Vec<Vec<f64>>,
    /// The function at each corner.
    values: Vec<f64>,
}

impl Simplex {
    fn around(start: &[f64]) -> Simplex {
        let n = start.len() as f64;
        let root = (n + 1.0).sqrt() - 1.0;
        let far = (root + n) / (n * std::f64::consts::SQRT_2);
        let near = root / (n * std::f64::consts::SQRT_2);
        let mut corners = vec![start.to_vec()];
        for i in 0..start.len() {
            let step = |j: usize| if i == j { far } else { near };
            corners.push(start.iter().enumerate().map(|(j, v)| step(j) + v).collect());
        }
        Simplex { corners, values: Vec::new() }
    }

    /// The corners with the smallest and the greatest value.
    fn ends(&self) -> (usize, usize) {
        let (mut smallest, mut greatest) = (0, 0);
        for (i, &value) in self.values.iter().enumerate() {
            if value > self.values[greatest] {
                greatest = i;
            }
            if value < self.values[smallest] {
                smallest = i;
            }
        }
        (smallest, greatest)
    }

    /// The corner with the greatest value below that of `greatest`.
    fn second(&self, smallest: usize, greatest: usize) -> usize {
        let mut second = smallest;
        for (i, &value) in self.values.iter().enumerate() {
            if value > self.values[second] && value < self.values[greatest] {
                second = i;
            }
        }
        second
    }

    /// The centre of all corners but one.
    fn centre(&self, but: usize) -> Vec<f64> {
        let n = self.corners.len() - 1;
        let along = |axis: usize| {
            let mut sum = 0.0;
            for (i, corner) in self.corners.iter().enumerate() {
                if i != but {
                    sum += corner[axis];
                }
            }
            sum / n as f64
        };
        (0..n).map(along).collect()
    }

    fn replace(&mut self, corner: usize, place: &[f64], value: f64) {
        self.corners[corner].copy_from_slice(place);
        self.values[corner] = value;
    }

    fn step(&mut self, of: &mut impl FnMut(&mut [f64]) -> f64) {
        let (smallest, greatest) = self.ends();
        let second = self.second(smallest, greatest);
        let centre = self.centre(greatest);
        let pairs = |other: &[f64], mix: &dyn Fn(f64, f64) -> f64| -> Vec<f64> {
            centre.iter().zip(other).map(|(&c, &o)| mix(c, o)).collect()
        };
        let mut reflected = pairs(&self.corners[greatest], &|c, worst| c + REFLECTION * (c - worst));
        let value = of(&mut reflected);
        let (least, next) = (self.values[smallest], self.values[second]);
        if value < next && value >= least {
            self.replace(greatest, &reflected, value);
        }
        if value < least {
            let mut expanded = pairs(&reflected, &|c, r| c + EXPANSION * (r - c));
            let further = of(&mut expanded);
            if further < value {
                self.replace(greatest, &expanded, further);
            } else {
                self.replace(greatest, &reflected, value);
            }
        }
        // What follows looks at the values as they are by now.
        if value >= self.values[second] {
            let mut contracted = if value < self.values[greatest] {
                pairs(&reflected, &|c, r| c + CONTRACTION * (r - c))
            } else {
                pairs(&self.corners[greatest], &|c, worst| c - CONTRACTION * (c - worst))
            };
            let nearer = of(&mut contracted);
            if nearer < self.values[greatest] {
                self.replace(greatest, &contracted, nearer);
            } else {
                self.shrink(smallest);
                self.values[greatest] = of(&mut self.corners[greatest]);
                self.values[second] = of(&mut self.corners[second]);
            }
        }
    }

    /// Halves the distance of all corners from one.
    fn shrink(&mut self, to: usize) {
        let fixed = self.corners[to].clone();
        for (i, corner) in self.corners.iter_mut().enumerate() {
            if i != to {
                for (v, f) in corner.iter_mut().zip(&fixed) {
                    *v = f + (*v - f) / 2.0;
                }
            }
        }
    }

    /// The standard deviation of the values.
    fn spread(&self) -> f64 {
        let n = self.values.len() - 1;
        let mut sum = 0.0;
        for value in &self.values {
            sum += value;
        }
        let mean = sum / (n + 1) as f64;
        let mut spread = 0.0;
        for value in &self.values {
            spread += (value - mean) * (value - mean) / n as f64;
        }
        spread.sqrt()
    }
}
