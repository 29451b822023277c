//! `.on()`: points of groups that have more tags than the `on` tags are joined with points of
//! groups that have no more. A specific point goes on alone once no partner can come for it; a
//! less specific one never does.
//!
//! Kapacitor gives up waiting only when every parent has brought a point of *any* group, and then
//! overlooks a first parent without points in this one. Here each parent must have brought a point
//! of this `on` group: so the groups are independent, and can be in different shards.

use crate::group::Group;
use crate::merge::limit::give_back;
use model::Time;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// What can be joined: a point or a batch.
pub trait Piece: Clone {
    /// Itself, as a member of the group that `specific` is in.
    fn adopted(&self, specific: &Self) -> Self;

    /// What it weighs against the limit of what waits.
    fn weight(&self) -> usize;
}

/// A point that waits, or that is sent on to the sets of its group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sent<P> {
    /// The group whose sets it goes to: its number may be another's by the time it goes.
    pub group: Group,
    /// Its parent.
    pub source: u32,
    /// Its rounded time.
    pub time: Time,
    /// It.
    pub piece: P,
}

/// What waits in one group of `on` tags.
#[derive(Debug, Serialize, Deserialize)]
pub struct Waiting<P> {
    /// The last time of each parent.
    marks: SmallVec<[Option<Time>; 2]>,
    /// Points that may be joined with any number of specific ones to come.
    general: VecDeque<Sent<P>>,
    /// Specific points for which no partner has come yet.
    specific: VecDeque<Sent<P>>,
}

impl<P> Waiting<P> {
    /// Nothing, of `sources` parents.
    pub fn new(sources: usize) -> Waiting<P> {
        Waiting {
            marks: SmallVec::from_elem(None, sources),
            general: VecDeque::new(),
            specific: VecDeque::new(),
        }
    }
}

impl<P> Waiting<P> {
    /// The group is over at a parent: what waits in it goes, and the parent has brought nothing yet.
    /// Whether other parents still have.
    pub fn over(&mut self, source: usize) -> bool {
        self.general = VecDeque::new();
        self.specific = VecDeque::new();
        self.marks[source] = None;
        self.marks.iter().any(Option::is_some)
    }

    /// No parent has brought anything yet.
    pub fn reset_marks(&mut self) {
        self.marks.fill(None);
    }

    /// What waits: first the less specific points, then the others, each in the order in which they
    /// came.
    pub fn iter(&self) -> impl Iterator<Item = &Sent<P>> {
        self.general.iter().chain(&self.specific)
    }

    /// The specific points up to a time, which go on as if no partner could come any more. The less
    /// specific ones are dropped; how much they weigh is the other thing that is given.
    pub fn give_up(&mut self, to: Time) -> (Vec<Sent<P>>, usize)
    where
        P: Piece,
    {
        let dropped = taken(&mut self.general, to).iter().map(|sent| sent.piece.weight()).sum();
        (taken(&mut self.specific, to), dropped)
    }
}

/// Takes what is not later than a time: late points can be anywhere.
fn taken<P>(queue: &mut VecDeque<Sent<P>>, to: Time) -> Vec<Sent<P>> {
    let (due, rest): (VecDeque<_>, _) = std::mem::take(queue).into_iter().partition(|sent| sent.time <= to);
    *queue = rest;
    Vec::from(due)
}

impl<P: Piece> Waiting<P> {
    /// Takes a point and gives those that go on to their groups' sets, in order.
    pub fn arrive(&mut self, new: Sent<P>, is_specific: bool) -> Vec<Sent<P>> {
        let mut sent = Vec::new();
        self.marks[new.source as usize] = Some(new.time);
        // No parent will bring anything older, if each keeps to the order of time.
        let low = self.marks.iter().copied().min().flatten();
        while self.specific.front().is_some_and(|waits| low.is_some_and(|low| waits.time < low)) {
            sent.extend(self.specific.pop_front());
        }
        give_back(&mut self.specific);
        if is_specific {
            self.specific_arrives(new, low, &mut sent);
        } else {
            while self.specific.front().is_some_and(|waits| waits.time == new.time) {
                self.specific.pop_front().iter().for_each(|specific| pair(specific, &new, &mut sent));
            }
            self.general.push_back(new);
        }
        sent
    }

    fn specific_arrives(&mut self, new: Sent<P>, low: Option<Time>, sent: &mut Vec<Sent<P>>) {
        let mut old = 0;
        let mut met = false;
        for general in &self.general {
            if general.time == new.time {
                pair(&new, general, sent);
                met = true;
            }
            if low.is_none_or(|low| general.time >= low) {
                break;
            }
            old += 1;
        }
        self.general.drain(..old);
        give_back(&mut self.general);
        match met {
            true => {}
            false if low.is_some_and(|low| new.time < low) => sent.push(new),
            false => self.specific.push_back(new),
        }
    }
}

fn pair<P: Piece>(specific: &Sent<P>, general: &Sent<P>, sent: &mut Vec<Sent<P>>) {
    sent.push(specific.clone());
    let piece = general.piece.adopted(&specific.piece);
    sent.push(Sent { group: specific.group.clone(), source: general.source, time: general.time, piece });
}
