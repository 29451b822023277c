//! What an alert writes on the data that it passes on: the level, the id and more of the event, as
//! tags or fields.

use crate::edge::{Batch, Run};
use crate::group::Group;
use crate::node::Cx;
use model::{Column, Event, EventState, Kind, Purpose, Rows, TagColumn, TagSet};
use std::sync::Arc;

/// The names of the tags and fields; one that is empty is not written.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    /// Tag with the level.
    pub level_tag: String,
    /// Tag with the id.
    pub id_tag: String,
    /// Field with the level.
    pub level_field: String,
    /// Field with the id.
    pub id_field: String,
    /// Field with the message.
    pub message_field: String,
    /// Field with the duration, nanoseconds.
    pub duration_field: String,
}

/// Of the events that points triggered.
fn states(events: &[Event]) -> impl Iterator<Item = &EventState> {
    events.iter().filter(|event| event.purpose == Purpose::Alert).map(|event| &event.state)
}

impl Marks {
    /// The tags that are written.
    pub fn tags(&self) -> Vec<String> {
        [&self.level_tag, &self.id_tag].into_iter().filter(|tag| !tag.is_empty()).cloned().collect()
    }

    /// Anything is written at all.
    pub fn any(&self) -> bool {
        let fields = [&self.level_field, &self.id_field, &self.message_field, &self.duration_field];
        self.writes_tags() || fields.into_iter().any(|field| !field.is_empty())
    }

    fn writes_tags(&self) -> bool {
        !self.level_tag.is_empty() || !self.id_tag.is_empty()
    }

    fn tag(&self, tags: &TagSet, event: &EventState) -> TagSet {
        let mut tags = tags.clone();
        if !self.level_tag.is_empty() {
            tags = tags.with(&self.level_tag, event.level.name());
        }
        if !self.id_tag.is_empty() {
            tags = tags.with(&self.id_tag, &event.id);
        }
        tags
    }

    /// Writes on each point what its event says; events and points come in the same order.
    pub fn mark_run(&self, cx: &mut Cx<'_>, run: &mut Run, events: usize) {
        if self.writes_tags() {
            let tags: Vec<TagSet> = states(&cx.effects.events[events..])
                .enumerate()
                .map(|(row, state)| self.tag(run.rows.tags.get(row, cx.series), state))
                .collect();
            let groups = run.groups.iter().zip(&tags);
            let groups: Vec<u32> = groups.map(|(&group, tags)| cx.regroup_changed(group, tags)).collect();
            run.groups_end = groups.iter().max().map_or(0, |group| group + 1);
            run.groups = Arc::new(groups);
            run.rows.tags = TagColumn::Sets(Arc::new(tags));
        }
        let states: Vec<&EventState> = states(&cx.effects.events[events..]).collect();
        self.mark_fields(&mut run.rows, &states);
    }

    /// Writes on a batch and each of its points what the event says. Kapacitor takes all tags of a
    /// batch for its group, so those written here become part of the group.
    pub fn mark_batch(&self, cx: &mut Cx<'_>, batch: &mut Batch, event: &EventState) {
        if self.writes_tags() {
            let rows = 0..batch.rows.len();
            let tags = rows.map(|row| self.tag(batch.rows.tags.get(row, cx.series), event)).collect();
            batch.rows.tags = TagColumn::Sets(Arc::new(tags));
            batch.tags = self.tag(&batch.tags, event);
            let group = Group { tags: batch.tags.clone(), name: cx.group(batch.group).name.clone() };
            batch.group = cx.spaces[cx.space_out].intern(group);
        }
        let states = vec![event; batch.rows.len()];
        self.mark_fields(&mut batch.rows, &states);
    }

    /// Where two marks have one name the last one here wins, as in Kapacitor.
    fn mark_fields(&self, rows: &mut Rows, events: &[&EventState]) {
        let mut texts = |field: &str, text: fn(&EventState) -> &str| {
            if !field.is_empty() {
                let mut column = Column::of(Kind::Str);
                events.iter().for_each(|event| column.push_str(text(event)));
                rows.set_field(field.into(), Arc::new(column));
            }
        };
        texts(&self.level_field, |event| event.level.name());
        texts(&self.message_field, |event| &event.message);
        texts(&self.id_field, |event| &event.id);
        if !self.duration_field.is_empty() {
            let durations: Vec<i64> = events.iter().map(|event| event.duration).collect();
            rows.set_field(self.duration_field.as_str().into(), Arc::new(Column::from(durations)));
        }
    }
}
