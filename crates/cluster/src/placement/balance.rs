//! Evening out a load: who should hand a shard to whom, through whom, for as few moves as can be.

use std::cmp::Ordering;

/// What members carry, each beside its weight. Weights are at least 1.
#[derive(Clone, Debug)]
pub(super) struct Load {
    counts: Vec<u64>,
    weights: Vec<u32>,
}

/// One way for a member to hand something to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// What it costs: 1 when data has to move, 0 when it is decided here only.
    pub cost: u32,
    /// The shard that changes hands.
    pub shard: usize,
}

/// A shard that changes hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handover {
    pub shard: usize,
    pub from: usize,
    pub to: usize,
}

/// For each member in a row, the best step to each other in a column.
pub(super) type Steps = Vec<Vec<Option<Step>>>;

impl Load {
    /// Nobody carries anything.
    pub fn new(weights: Vec<u32>) -> Load {
        Load { counts: vec![0; weights.len()], weights }
    }

    /// The same members, carrying nothing.
    pub fn emptied(&self) -> Load {
        Load::new(self.weights.clone())
    }

    fn members(&self) -> usize {
        self.counts.len()
    }

    pub fn add(&mut self, member: usize) {
        self.counts[member] += 1;
    }

    pub fn remove(&mut self, member: usize) {
        self.counts[member] -= 1;
    }

    /// Who carries less for its weight, each with so much more than it has.
    pub fn compare(&self, one: usize, other: usize, more: u64) -> Ordering {
        let share = |a: usize, b: usize| u128::from(self.counts[a] + more) * u128::from(self.weights[b]);
        share(one, other).cmp(&share(other, one))
    }

    /// Whether it gets more even when one thing goes from the first to the second: the second then
    /// still carries less than the first did.
    fn evens(&self, from: usize, to: usize) -> bool {
        let before = u128::from(self.counts[from]) * u128::from(self.weights[to]);
        before > u128::from(self.counts[to] + 1) * u128::from(self.weights[from])
    }

    /// The handovers that relieve one of those who carry most for one of those who carry least, by
    /// the cheapest chain of steps. `None` when it cannot get any more even. Each such change
    /// lowers the sum of squares, so a caller that carries them out comes to an end.
    pub fn relief(&self, steps: &Steps) -> Option<Vec<Handover>> {
        let mut donors: Vec<usize> = (0..self.members()).collect();
        donors.sort_by(|one, other| self.compare(*other, *one, 0));
        donors.chunk_by(|one, other| self.compare(*one, *other, 0).is_eq()).find_map(|heaviest| {
            let chains: Vec<Chains> = heaviest.iter().map(|donor| Chains::from(*donor, steps)).collect();
            let mut best: Option<(&Chains, usize)> = None;
            for chains in &chains {
                let reached = (0..self.members())
                    .filter(|to| chains.costs[*to].is_some() && self.evens(chains.start, *to));
                for to in reached {
                    let better = best.is_none_or(|(other, there)| {
                        let lighter = self.compare(to, there, 1);
                        lighter.then_with(|| chains.costs[to].cmp(&other.costs[there])).is_lt()
                    });
                    if better {
                        best = Some((chains, to));
                    }
                }
            }
            best.map(|(chains, to)| chains.handovers(to))
        })
    }
}

/// The cheapest chain of steps from one member to each that can be reached.
struct Chains {
    start: usize,
    /// Cost and number of steps.
    costs: Vec<Option<(u32, u32)>>,
    /// The last step, and from whom.
    last: Vec<Option<(usize, usize)>>,
}

impl Chains {
    fn from(start: usize, steps: &Steps) -> Chains {
        let members = steps.len();
        let mut chains = Chains { start, costs: vec![None; members], last: vec![None; members] };
        chains.costs[start] = Some((0, 0));
        let mut done = vec![false; members];
        let nearest = |chains: &Chains, done: &[bool]| {
            let open = (0..members).filter(|member| !done[*member]);
            open.filter_map(|member| Some((chains.costs[member]?, member))).min()
        };
        while let Some(((cost, length), from)) = nearest(&chains, &done) {
            done[from] = true;
            for (to, step) in steps[from].iter().enumerate() {
                let Some(step) = step.filter(|_| !done[to]) else { continue };
                let there = (cost + step.cost, length + 1);
                if chains.costs[to].is_none_or(|known| there < known) {
                    chains.costs[to] = Some(there);
                    chains.last[to] = Some((from, step.shard));
                }
            }
        }
        chains
    }

    /// The chain to a member, from its end.
    fn handovers(&self, mut to: usize) -> Vec<Handover> {
        let mut handovers = Vec::new();
        while let Some((from, shard)) = self.last[to] {
            handovers.push(Handover { shard, from, to });
            to = from;
        }
        handovers
    }
}
