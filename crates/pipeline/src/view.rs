//! Views: the points of an entry that one kind of `from` wants. Tasks whose `from` nodes ask the
//! same share the view and its groups, so that a hundred tasks over one stream select it once.

use crate::edge::Run;
use crate::group::GroupTable;
use crate::partition::Placement;
use lambda::{Binding, Env, Errors, Input, Lambda, NoStates};
use model::{Field, OriginColumn, Rows, SeriesTable, SourceRun, TagColumn};
use std::sync::Arc;

/// How the errors of a `from`'s filter begin.
pub const FILTER_FAILED: &str = "failed to evaluate WHERE expression";

/// What a view selects, and what it has learnt of each series.
pub struct View {
    /// By what the tasks that use it spread points: a point of this shard that came for the sake
    /// of another task is not in the view.
    placement: Placement,
    /// The `where` of the `from`, when it has no state.
    filter: Option<Arc<Lambda>>,
    /// `filter` as text: equal text is an equal filter.
    filter_text: String,
    /// Tasks that use it.
    pub users: u32,
    /// Of each series, whether it belongs to this shard by `placement`.
    here: Vec<Answer>,
    /// Of each series, what `filter` says when its tags alone decide.
    passes: Vec<Answer>,
    /// What `filter` has learnt of the series.
    binding: Binding,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Answer {
    #[default]
    Unknown,
    Yes,
    No,
    /// The fields decide.
    Depends,
}

/// The points of one run that a view selects.
pub struct Selected {
    /// The points.
    pub rows: Rows,
    /// Points that reached the source: what the filter dropped included.
    pub arrived: u64,
    /// Points on which the filter failed, and why the first did.
    pub failed: (u64, Option<String>),
    /// The groups of the points, by grouping.
    groups: Vec<(usize, Arc<Vec<u32>>, u32)>,
}

/// A run of an entry as rows, and the views of it that were asked for so far.
pub struct Arrived {
    /// All its points.
    pub rows: Rows,
    series: Arc<Vec<u32>>,
    selected: Vec<(usize, Selected)>,
}

/// What views need to know of the shard.
pub struct Surroundings<'a> {
    /// The shard's series.
    pub series: &'a SeriesTable,
    /// The shard's number.
    pub shard: u32,
    /// How many there are.
    pub shards: u32,
    /// The entry's clock, and the zone of time functions.
    pub env: &'a Env,
}

impl View {
    /// A view, used by nobody yet.
    pub fn new(placement: Placement, filter: Option<Arc<Lambda>>) -> View {
        let filter_text = filter.as_ref().map(|f| f.to_string()).unwrap_or_default();
        View {
            placement,
            filter,
            filter_text,
            users: 0,
            here: Vec::new(),
            passes: Vec::new(),
            binding: Binding::default(),
        }
    }

    /// Whether it selects the same as a new one would.
    pub fn is(&self, placement: &Placement, filter: Option<&Arc<Lambda>>) -> bool {
        self.placement == *placement
            && self.filter.is_some() == filter.is_some()
            && filter.is_none_or(|f| f.to_string() == self.filter_text)
    }

    fn is_here(&mut self, series: u32, at: &Surroundings<'_>) -> bool {
        let answer = slot(&mut self.here, series);
        if *answer == Answer::Unknown {
            let tags = &at.series.get(series).tags;
            let here = self.placement.shard(tags, at.shards) == at.shard;
            *answer = if here { Answer::Yes } else { Answer::No };
        }
        *answer == Answer::Yes
    }

    fn passes(&mut self, series: u32, at: &Surroundings<'_>) -> Answer {
        let Some(filter) = &self.filter else { return Answer::Yes };
        let answer = slot(&mut self.passes, series);
        if *answer == Answer::Unknown {
            *answer = match filter.fold_tags(&|_| false, &at.series.get(series).tags) {
                Some(true) => Answer::Yes,
                Some(false) => Answer::No,
                None => Answer::Depends,
            };
        }
        *answer
    }

    fn select(&mut self, run: &Arrived, at: &Surroundings<'_>) -> Selected {
        let all = run.rows.len();
        let here: Option<Vec<u32>> = (at.shards > 1)
            .then(|| (0..all as u32).filter(|&row| self.is_here(run.series[row as usize], at)).collect());
        let arrived = here.as_ref().map_or(all, Vec::len);
        let rows = match here {
            Some(here) if arrived < all => &run.rows.gather(&here),
            _ => &run.rows,
        };
        let (rows, failed) = self.filter_rows(rows, at);
        Selected { rows, arrived: arrived as u64, failed, groups: Vec::new() }
    }

    fn filter_rows(&mut self, rows: &Rows, at: &Surroundings<'_>) -> (Rows, (u64, Option<String>)) {
        let Some(filter) = self.filter.clone() else { return (rows.clone(), (0, None)) };
        let TagColumn::Series(series) = &rows.tags else { unreachable!("a source run has series") };
        // A field with the name of a tag makes the reference ambiguous: then rows decide, not tags.
        let shadowed = filter.references().iter().any(|name| rows.column(name).is_some());
        let mut keep = Vec::new();
        let mut depends = shadowed;
        if !shadowed {
            for row in 0..rows.len() {
                match self.passes(series[row], at) {
                    Answer::Yes => keep.push(row as u32),
                    Answer::No => {}
                    _ => {
                        depends = true;
                        break;
                    }
                }
            }
        }
        let mut failed = (0, None);
        if depends {
            (keep, failed) = filter_by_row(&filter, rows, at, &mut self.binding);
        }
        let kept = if keep.len() == rows.len() { rows.clone() } else { rows.gather(&keep) };
        (kept, failed)
    }
}

fn slot(answers: &mut Vec<Answer>, series: u32) -> &mut Answer {
    let at = series as usize;
    if at >= answers.len() {
        answers.resize((at + 1).next_power_of_two(), Answer::Unknown);
    }
    &mut answers[at]
}

fn filter_by_row(
    filter: &Lambda,
    rows: &Rows,
    at: &Surroundings<'_>,
    binding: &mut Binding,
) -> (Vec<u32>, (u64, Option<String>)) {
    let (mut passed, mut errors) = (Vec::new(), Errors::new());
    let input = Input::new(rows, at.series, at.env);
    filter.predicate_rows(&input, binding, &mut NoStates::default(), &mut passed, &mut errors);
    let keep = (0..rows.len() as u32).filter(|&row| passed[row as usize]).collect();
    let first = errors.kept().first();
    (keep, (errors.count() as u64, first.map(|(_, e)| format!("{FILTER_FAILED}: {e}"))))
}

impl Arrived {
    /// A run as it comes with an entry.
    pub fn new(run: SourceRun) -> Arrived {
        let mut fields: Vec<Field> =
            run.fields.into_iter().map(|(name, column)| Field { name, column: Arc::new(column) }).collect();
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        let series = Arc::new(run.series);
        Arrived {
            rows: Rows {
                origins: OriginColumn::One(run.origin),
                times: Arc::new(run.times),
                ordinals: Arc::new(run.ordinals),
                tags: TagColumn::Series(series.clone()),
                fields,
            },
            series,
            selected: Vec::new(),
        }
    }

    /// What view number `number` selects of it, worked out once.
    pub fn select(&mut self, number: usize, views: &mut [View], at: &Surroundings<'_>) -> &mut Selected {
        let found = self.selected.iter().position(|(n, _)| *n == number);
        let found = found.unwrap_or_else(|| {
            let selected = views[number].select(self, at);
            self.selected.push((number, selected));
            self.selected.len() - 1
        });
        &mut self.selected[found].1
    }
}

impl Selected {
    /// The points with their groups in the space `space`, worked out once.
    pub fn run(&mut self, space: usize, table: &mut GroupTable, series: &SeriesTable) -> Run {
        let found = self.groups.iter().position(|(s, ..)| *s == space);
        let found = found.unwrap_or_else(|| {
            let (groups, end) = groups_of(&self.rows, table, series);
            self.groups.push((space, groups, end));
            self.groups.len() - 1
        });
        let (_, groups, groups_end) = &self.groups[found];
        Run { rows: self.rows.clone(), groups: groups.clone(), groups_end: *groups_end }
    }
}

/// The group of each row, and one past the highest.
pub fn groups_of(rows: &Rows, table: &mut GroupTable, series: &SeriesTable) -> (Arc<Vec<u32>>, u32) {
    let groups: Vec<u32> = match &rows.tags {
        // The measurement is part of the series, so a series is in one group even by measurement.
        TagColumn::Series(ids) => ids.iter().map(|&id| table.of_series(id, series)).collect(),
        TagColumn::Sets(sets) => {
            sets.iter().enumerate().map(|(row, tags)| table.of_tags(tags, rows.origins.get(row))).collect()
        }
    };
    let end = groups.iter().max().map_or(0, |max| max + 1);
    (Arc::new(groups), end)
}
