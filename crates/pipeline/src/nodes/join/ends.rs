//! What a join does without points: barriers, the end of groups and of the task.

use super::Rules;
use super::on::{Piece, Sent, Waiting};
use super::sets::{Set, Sets};
use crate::edge::Mark;
use crate::node::Cx;
use crate::state::States;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What a group remembers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound = "P: Serialize + DeserializeOwned")]
pub struct State<P> {
    /// Its sets.
    pub sets: Sets<P>,
    /// Only in groups of `on` tags.
    pub on: Option<Box<Waiting<P>>>,
}

impl<P> Default for State<P> {
    fn default() -> State<P> {
        State { sets: Sets::default(), on: None }
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
        let mut ended: Vec<(Set<P>, u32)> = Vec::new();
        for on in states.used() {
            let Some(mut waiting) = states.get(on).on.take() else { continue };
            for Sent { group, source, time, piece } in waiting.end() {
                let group = cx.spaces[cx.space_in].intern(group);
                let send = |set| ended.push((set, group));
                states.get(group).sets.collect(self.sources(), source as usize, time, piece, send);
            }
        }
        for group in states.used() {
            ended.extend(states.get(group).sets.drain().map(|set| (set, group)));
        }
        let key = |group: u32| {
            let of = cx.spaces[cx.space_in].get(group);
            (of.name, of.tags)
        };
        ended.sort_by_cached_key(|(set, group)| (set.time, key(*group)));
        ended
    }
}
