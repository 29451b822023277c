//! What a join does without points: barriers, the end of groups and of the task; and what it gives
//! up when too much waits.

use super::Rules;
use super::on::{Piece, Sent, Waiting};
use super::sets::{Set, Sets};
use crate::edge::Mark;
use crate::node::Cx;
use crate::state::States;
use model::Time;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What a group remembers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "P: Serialize + DeserializeOwned")]
pub struct State<P> {
    /// Its sets.
    pub sets: Sets<P>,
    /// Only in groups of `on` tags.
    pub on: Option<Box<Waiting<P>>>,
    /// Only of group 0: how much may come, in all groups, before what waits has to be counted. Once it
    /// is forgotten with its group, the next entry counts.
    room: u64,
}

impl<P> Default for State<P> {
    fn default() -> State<P> {
        State { sets: Sets::default(), on: None, room: 0 }
    }
}

/// A point or a batch that can be saved.
pub trait Saved: Piece + Send + Serialize + DeserializeOwned + 'static {}
impl<P: Piece + Send + Serialize + DeserializeOwned + 'static> Saved for P {}

impl Rules {
    /// Takes marks of a parent, and hands on the sets whose turn has come with the number of their
    /// group.
    pub(super) fn mark<P: Saved>(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<P>>,
        input: usize,
        marks: &[Mark],
        mut send: impl FnMut(&mut Cx<'_>, Set<P>, u32),
    ) {
        let space = self.spaces(cx, |source| source == input)[input];
        for mark in marks {
            match *mark {
                Mark::Barrier { group, time } => {
                    let group = self.group(cx, space, group);
                    let time = self.round(time);
                    let sets = &mut states.get(group).sets;
                    sets.advance(self.sources(), input, time, |set| send(cx, set, group));
                }
                Mark::Delete { group } => {
                    cx.seen.remove(group);
                    let known = match space {
                        None => Some(group),
                        Some(space) => cx.spaces[cx.space_in].find(&cx.spaces[space].get(group)),
                    };
                    known.into_iter().for_each(|group| self.delete(cx, states, input, group));
                }
            }
        }
    }

    fn delete<P: Saved>(&self, cx: &mut Cx<'_>, states: &mut States<State<P>>, input: usize, group: u32) {
        let mut waiting = states.peek(group).is_some().then(|| states.get(group).on.take()).flatten();
        let others = waiting.as_mut().is_some_and(|waiting| waiting.over(input));
        states.forget(group);
        if others {
            states.get(group).on = waiting;
        }
        if self.delete_all && !self.on.is_empty() {
            let of = cx.spaces[cx.space_in].get(group);
            let (on, _) = self.on_group(cx, &of);
            if states.peek(on).is_some_and(|state| state.on.is_some())
                && let Some(waiting) = &mut states.get(on).on
            {
                waiting.reset_marks();
            }
        }
    }

    /// Everything that waits, in order of time, with the numbers of the groups: no more comes. Of a
    /// time, groups are in the order of their tags, for their numbers depend on other tasks.
    pub(super) fn end<P: Saved>(&self, cx: &mut Cx<'_>, states: &mut States<State<P>>) -> Vec<(Set<P>, u32)> {
        self.give_up(cx, states, Time::MAX).0
    }

    /// What waits and is not later than a time, as [`Self::end`] gives everything, and how much
    /// beside that is dropped: points that only wait for more specific ones.
    fn give_up<P: Saved>(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<P>>,
        to: Time,
    ) -> (Vec<(Set<P>, u32)>, usize) {
        let mut ended: Vec<(Set<P>, u32)> = Vec::new();
        let mut dropped = 0;
        for on in states.used() {
            if states.peek(on).is_none_or(|state| state.on.is_none()) {
                continue;
            }
            let Some(waiting) = &mut states.get(on).on else { continue };
            let (specific, general) = waiting.give_up(to);
            dropped += general;
            for Sent { group, source, time, piece } in specific {
                let group = cx.spaces[cx.space_in].intern(group);
                let send = |set| ended.push((set, group));
                states.get(group).sets.collect(self.sources(), source as usize, time, piece, send);
            }
        }
        for group in states.used() {
            if states.peek(group).is_some_and(|state| !state.sets.is_empty()) {
                states.get(group).sets.give_up(to, |set| ended.push((set, group)));
            }
        }
        let key = |group: u32| {
            let of = cx.spaces[cx.space_in].get(group);
            (of.name, of.tags)
        };
        ended.sort_by_cached_key(|(set, group)| (set.time, key(*group)));
        (ended, dropped)
    }

    /// Gives the oldest up if too much waits from earlier entries, and hands on their sets. The
    /// groups are only gone through when so much has come that it can be.
    #[inline]
    pub(super) fn shed<P: Saved>(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<P>>,
        send: impl FnMut(&mut Cx<'_>, Set<P>, u32),
    ) {
        if states.peek(0).is_none_or(|state| state.room == 0) {
            self.count(cx, states, send);
        }
    }

    /// So much has come since.
    #[inline]
    pub(super) fn came<P: Saved>(&self, states: &mut States<State<P>>, weight: usize) {
        let room = &mut states.get(0).room;
        *room = room.saturating_sub(weight as u64);
    }

    #[cold]
    fn count<P: Saved>(
        &self,
        cx: &mut Cx<'_>,
        states: &mut States<State<P>>,
        mut send: impl FnMut(&mut Cx<'_>, Set<P>, u32),
    ) {
        let waits = waiting(states).map(|(_, weight)| weight).sum();
        let mut left = waits;
        if let Some(excess) = self.limit.excess(waits) {
            let (sets, mut dropped) = self.give_up(cx, states, time_of(states, excess));
            let mut sent = 0;
            for (set, group) in sets {
                match self.fill.is_some() || set.is_complete() {
                    true => sent += weight(&set),
                    false => dropped += weight(&set),
                }
                send(cx, set, group);
            }
            left = waiting(states).map(|(_, weight)| weight).sum();
            self.limit.tell(cx, sent);
            self.limit.dropped(cx, dropped);
        }
        states.get(0).room = self.limit.room(left);
    }
}

/// Everything that waits: its time and what it weighs.
fn waiting<P: Saved>(states: &States<State<P>>) -> impl Iterator<Item = (Time, usize)> {
    states.iter().flat_map(|(_, state)| {
        let on = state.on.iter().flat_map(|on| on.iter()).map(|sent| (sent.time, sent.piece.weight()));
        state.sets.iter().map(|set| (set.time, weight(set))).chain(on)
    })
}

fn weight<P: Piece>(set: &Set<P>) -> usize {
    set.points.iter().flatten().map(Piece::weight).sum()
}

/// The least time so that what is not later weighs as much as has to go. All groups go by it: which
/// of them goes first does not matter then.
fn time_of<P: Saved>(states: &States<State<P>>, excess: usize) -> Time {
    let mut all: Vec<(Time, usize)> = waiting(states).collect();
    // Nothing weighs less than one: what has to go is among so many of the oldest.
    if let Some(last) = excess.checked_sub(1).filter(|&last| last < all.len()) {
        all.select_nth_unstable(last);
        all.truncate(excess);
    }
    all.sort_unstable();
    let mut so_far = 0;
    let reached = all.iter().find(|(_, weight)| {
        so_far += weight;
        so_far >= excess
    });
    reached.map_or(Time::MAX, |(time, _)| *time)
}
