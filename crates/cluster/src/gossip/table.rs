//! Who is who: the cards of all members heard of, and whether foca holds each of them for alive.

use super::identity::Identity;
use super::options::About;
use super::packet::Card;
use crate::carrier::MemberId;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How many members are listed. Far more than a cluster has; it bounds what a peer can make us keep.
pub(super) const MEMBERS_MAX: usize = 1024;

/// Another member, as seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What it says of itself.
    pub about: About,
    /// The cluster it belongs to, empty if to none yet.
    pub cluster: String,
    /// Whether it answers.
    pub alive: bool,
    /// Whether it said farewell before it fell silent.
    pub left: bool,
    /// Since when it is alive or is not, in Unix milliseconds by this member's clock.
    pub since: i64,
}

struct Known {
    card: Card,
    alive: bool,
    left: bool,
    since: i64,
}

/// The members by id.
#[derive(Default)]
pub(super) struct Table {
    known: BTreeMap<MemberId, Known>,
    /// When the process of a forgotten member had started.
    forgotten: HashMap<MemberId, i64>,
}

/// What came of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    Nothing,
    News,
    /// There are too many members.
    Full,
}

impl Table {
    /// Takes a card; `direct` says that it comes from the member itself.
    pub fn learn(&mut self, card: Card, direct: bool, wall: i64) -> Learned {
        let id = card.about.id;
        if self.forgotten.get(&id) == Some(&card.about.started) {
            return Learned::Nothing;
        }
        let full = self.known.len() >= MEMBERS_MAX;
        match self.known.get_mut(&id) {
            Some(known) if !supersedes(&card, &known.card, direct) => return Learned::Nothing,
            Some(known) => known.card = card,
            None if full => return Learned::Full,
            None => {
                self.known.insert(id, Known { card, alive: false, left: false, since: wall });
            }
        }
        self.forgotten.remove(&id);
        Learned::News
    }

    /// A member has said, not in its card, that it belongs to a cluster.
    pub fn belongs(&mut self, id: MemberId, cluster: &str) -> Learned {
        match self.known.get_mut(&id) {
            Some(known) if known.card.cluster != cluster => {
                cluster.clone_into(&mut known.card.cluster);
                Learned::News
            }
            _ => Learned::Nothing,
        }
    }

    /// A member has said farewell.
    pub fn left(&mut self, id: MemberId) {
        if let Some(known) = self.known.get_mut(&id) {
            known.left = true;
        }
    }

    /// Compares with those whom foca holds for alive. Returns whether anything changed.
    pub fn refresh<'a>(&mut self, active: impl Iterator<Item = &'a Identity>, wall: i64) -> bool {
        let active: HashSet<MemberId> = active.map(|identity| identity.id).collect();
        let mut changed = false;
        for (id, known) in &mut self.known {
            let alive = active.contains(id);
            if alive != known.alive {
                known.alive = alive;
                known.left &= !alive;
                known.since = wall;
                changed = true;
            }
        }
        changed
    }

    /// Takes a member off, until its process is another.
    pub fn forget(&mut self, id: MemberId) {
        if let Some(known) = self.known.remove(&id) {
            self.forgotten.insert(id, known.card.about.started);
        }
    }

    pub fn remember(&mut self, id: MemberId) {
        self.forgotten.remove(&id);
    }

    pub fn is_forgotten(&self, id: MemberId) -> bool {
        self.forgotten.contains_key(&id)
    }

    pub fn forgotten(&self) -> impl Iterator<Item = MemberId> {
        self.forgotten.keys().copied()
    }

    pub fn card(&self, id: MemberId) -> Option<&Card> {
        self.known.get(&id).map(|known| &known.card)
    }

    /// Addresses of those who are not alive, and since when; without those of other clusters than the
    /// one given, who would not listen.
    pub fn down(&self, cluster: &str) -> impl Iterator<Item = (&str, i64)> {
        self.known
            .values()
            .filter(|known| !known.alive)
            .filter(move |Known { card, .. }| {
                cluster.is_empty() || card.cluster.is_empty() || card.cluster == cluster
            })
            .map(|known| (known.card.about.gossip.as_str(), known.since))
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.known
            .values()
            .map(|known| Seen {
                about: known.card.about.clone(),
                cluster: known.card.cluster.clone(),
                alive: known.alive,
                left: known.left,
                since: known.since,
            })
            .collect()
    }
}

/// Whether a card says something newer than another of the same member. What comes from the member
/// itself counts even if its generation is smaller: its clock went back between two starts.
fn supersedes(new: &Card, old: &Card, direct: bool) -> bool {
    if new.generation == old.generation {
        return new != old && (direct || old.cluster.is_empty());
    }
    new.generation > old.generation || (direct && new.about.started != old.about.started)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(id: MemberId, started: i64, cluster: &str) -> Card {
        let about = About { id, started, gossip: format!("m{id}:1"), ..About::default() };
        Card { generation: started.unsigned_abs(), cluster: cluster.to_owned(), about }
    }

    fn identity(id: MemberId) -> Identity {
        Identity { address: format!("m{id}:1"), id, generation: 1 }
    }

    #[test]
    fn newer_cards_replace_older_ones() {
        let mut table = Table::default();
        let cases = [
            (card(1, 5, ""), false, Learned::News),
            (card(1, 5, ""), true, Learned::Nothing),
            (card(1, 5, "c"), false, Learned::News),
            (card(1, 5, ""), false, Learned::Nothing),
            (card(1, 4, ""), false, Learned::Nothing),
            (card(1, 6, "c"), false, Learned::News),
            (card(1, 2, "c"), true, Learned::News),
        ];
        for (number, (card, direct, wanted)) in cases.into_iter().enumerate() {
            assert_eq!(table.learn(card, direct, 0), wanted, "case {number}");
        }
        assert_eq!(table.card(1).map(|card| card.generation), Some(2));
        assert_eq!(table.belongs(1, "d"), Learned::News);
        assert_eq!(table.belongs(1, "d"), Learned::Nothing);
        assert_eq!(table.belongs(2, "d"), Learned::Nothing);
    }

    #[test]
    fn alive_is_what_foca_says_and_since_when() {
        let mut table = Table::default();
        table.learn(card(1, 5, ""), true, 10);
        assert!(table.refresh([identity(1), identity(2)].iter(), 11));
        assert!(!table.refresh([identity(1)].iter(), 12));
        assert_eq!(table.down("").count(), 0);
        table.left(1);
        assert!(table.refresh([].iter(), 13));
        let seen = table.seen();
        assert_eq!((seen[0].alive, seen[0].left, seen[0].since), (false, true, 13));
        assert_eq!(table.down("c").collect::<Vec<_>>(), [("m1:1", 13)]);
        table.belongs(1, "c");
        assert_eq!(table.down("c").count(), 1);
        assert_eq!(table.down("d").count(), 0);
        assert!(table.refresh([identity(1)].iter(), 14));
        assert!(!table.seen()[0].left, "it is back");
    }

    #[test]
    fn a_forgotten_member_appears_again_only_as_another_process() {
        let mut table = Table::default();
        table.learn(card(1, 5, ""), true, 0);
        table.forget(1);
        table.forget(2);
        assert!(table.seen().is_empty() && table.is_forgotten(1) && !table.is_forgotten(2));
        assert_eq!(table.learn(card(1, 5, ""), true, 0), Learned::Nothing);
        assert_eq!(table.learn(card(1, 6, ""), true, 0), Learned::News);
        assert!(!table.is_forgotten(1));
        table.forget(1);
        table.remember(1);
        assert_eq!(table.learn(card(1, 6, ""), true, 0), Learned::News);
    }

    #[test]
    fn the_table_is_bounded() {
        let mut table = Table::default();
        for id in 0..MEMBERS_MAX as u64 {
            assert_eq!(table.learn(card(id, 1, ""), false, 0), Learned::News);
        }
        assert_eq!(table.learn(card(u64::MAX, 1, ""), false, 0), Learned::Full);
        assert_eq!(table.learn(card(3, 2, ""), false, 0), Learned::News);
    }
}
