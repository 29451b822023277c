//! A placement in the making.

use super::balance::{Handover, Load, Step, Steps};
use super::{Place, rank};
use crate::MemberId;
use std::cmp::Reverse;

/// A placement in the making. Members are known by their place in the list.
pub(super) struct Board {
    ids: Vec<MemberId>,
    /// For each shard, who of the members keeps it so far.
    before: Vec<Vec<usize>>,
    /// For each shard, who led it so far, if it is a member.
    led: Vec<Option<usize>>,
    /// For each shard, who is to keep it.
    replicas: Vec<Vec<usize>>,
    load: Load,
    /// For each shard, how high each member ranks.
    ranks: Vec<Vec<u64>>,
}

impl Board {
    /// All that the members keep so far. Members are sorted and have weights of at least 1.
    pub fn new(shards: u32, members: &[(MemberId, u32)], current: &[Place]) -> Board {
        let (ids, weights): (Vec<MemberId>, Vec<u32>) = members.iter().copied().unzip();
        let at = |id: &MemberId| ids.binary_search(id).ok();
        let (mut before, mut led, mut ranks) = (Vec::new(), Vec::new(), Vec::new());
        for shard in 0..shards {
            let known = current.get(shard as usize);
            let mut keepers: Vec<usize> =
                known.map(|(replicas, _)| replicas.iter().filter_map(at).collect()).unwrap_or_default();
            keepers.sort_unstable();
            keepers.dedup();
            led.push(known.and_then(|(_, leader)| at(leader)).filter(|leader| keepers.contains(leader)));
            before.push(keepers);
            ranks.push(ids.iter().map(|id| rank(&shard.to_le_bytes(), *id)).collect());
        }
        let mut load = Load::new(weights);
        before.iter().flatten().for_each(|member| load.add(*member));
        Board { ids, replicas: before.clone(), before, led, load, ranks }
    }

    /// Takes replicas that are too many from those who carry most.
    pub fn trim(&mut self, wanted: usize) {
        for shard in 0..self.replicas.len() {
            while self.replicas[shard].len() > wanted {
                let keepers = self.replicas[shard].iter().copied();
                let most = keepers.max_by(|one, other| {
                    let follower = |member: usize| self.led[shard] != Some(member);
                    let by_load = self.load.compare(*one, *other, 0);
                    by_load
                        .then(follower(*one).cmp(&follower(*other)))
                        .then(self.by_rank(shard, *other, *one))
                });
                let Some(most) = most else { break };
                self.replicas[shard].retain(|member| *member != most);
                self.load.remove(most);
            }
        }
    }

    /// Gives replicas that are missing to those who carry least.
    pub fn fill(&mut self, wanted: usize) {
        for shard in 0..self.replicas.len() {
            while self.replicas[shard].len() < wanted {
                let others = (0..self.ids.len()).filter(|member| !self.replicas[shard].contains(member));
                let least = others.min_by(|one, other| {
                    self.load.compare(*one, *other, 1).then(self.by_rank(shard, *other, *one))
                });
                let Some(least) = least else { break };
                self.replicas[shard].push(least);
                self.load.add(least);
            }
        }
    }

    /// Moves replicas until all carry as much as they should.
    pub fn spread(&mut self) {
        while let Some(handovers) = self.load.relief(&self.steps_of_replicas()) {
            for Handover { shard, from, to } in handovers {
                self.replicas[shard].retain(|member| *member != from);
                self.replicas[shard].push(to);
                self.load.remove(from);
                self.load.add(to);
            }
        }
    }

    /// For each shard, who leads. Whoever does so far stays, unless the leaders would be unevenly
    /// spread.
    pub fn lead(&self) -> Vec<usize> {
        let mut load = self.load.emptied();
        let keeps = |shard: usize| self.led[shard].filter(|leader| self.replicas[shard].contains(leader));
        (0..self.replicas.len()).filter_map(keeps).for_each(|leader| load.add(leader));
        let mut leaders = Vec::with_capacity(self.replicas.len());
        for (shard, replicas) in self.replicas.iter().enumerate() {
            leaders.push(keeps(shard).unwrap_or_else(|| {
                let least = replicas.iter().copied().min_by(|one, other| {
                    // Who has the data already can lead at once.
                    let fresh = |member: &usize| !self.before[shard].contains(member);
                    let by_load = load.compare(*one, *other, 1);
                    by_load.then(fresh(one).cmp(&fresh(other))).then(self.by_rank(shard, *other, *one))
                });
                let leader = least.unwrap_or_default();
                load.add(leader);
                leader
            }));
        }
        while let Some(handovers) = load.relief(&self.steps_of_leaders(&leaders)) {
            for Handover { shard, from, to } in handovers {
                leaders[shard] = to;
                load.remove(from);
                load.add(to);
            }
        }
        leaders
    }

    /// The placement with these leaders.
    pub fn places(&self, leaders: &[usize]) -> Vec<Place> {
        let places = self.replicas.iter().zip(leaders).map(|(replicas, leader)| {
            let mut replicas: Vec<MemberId> = replicas.iter().map(|member| self.ids[*member]).collect();
            replicas.sort_unstable();
            (replicas, self.ids[*leader])
        });
        places.collect()
    }

    fn by_rank(&self, shard: usize, one: usize, other: usize) -> std::cmp::Ordering {
        (self.ranks[shard][one], one).cmp(&(self.ranks[shard][other], other))
    }

    fn steps_of_replicas(&self) -> Steps {
        let mut best = Best::new(self.ids.len());
        for (shard, replicas) in self.replicas.iter().enumerate() {
            for from in replicas {
                let kept = self.before[shard].contains(from);
                let led = kept && self.led[shard] == Some(*from);
                for to in (0..self.ids.len()).filter(|to| !replicas.contains(to)) {
                    let returns = self.before[shard].contains(&to);
                    let order = (led, !returns, Reverse(self.ranks[shard][to]));
                    best.offer(*from, to, Step { cost: kept.into(), shard }, order);
                }
            }
        }
        best.steps
    }

    fn steps_of_leaders(&self, leaders: &[usize]) -> Steps {
        let mut best = Best::new(self.ids.len());
        for (shard, from) in leaders.iter().enumerate() {
            let kept = self.led[shard] == Some(*from);
            for to in self.replicas[shard].iter().filter(|to| *to != from) {
                let fresh = !self.before[shard].contains(to);
                let order = (false, fresh, Reverse(self.ranks[shard][*to]));
                best.offer(*from, *to, Step { cost: kept.into(), shard }, order);
            }
        }
        best.steps
    }
}

/// Among steps of equal cost, the least goes first.
type Order = (bool, bool, Reverse<u64>);

/// The best step from each member to each other so far.
struct Best {
    steps: Steps,
    orders: Vec<Vec<Option<Order>>>,
}

impl Best {
    fn new(members: usize) -> Best {
        Best { steps: vec![vec![None; members]; members], orders: vec![vec![None; members]; members] }
    }

    fn offer(&mut self, from: usize, to: usize, step: Step, order: Order) {
        let known = self.steps[from][to].zip(self.orders[from][to]);
        if known.is_none_or(|(best, known)| (step.cost, order) < (best.cost, known)) {
            self.steps[from][to] = Some(step);
            self.orders[from][to] = Some(order);
        }
    }
}
