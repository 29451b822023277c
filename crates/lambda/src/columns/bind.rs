//! Where the references of a lambda are found in a run: field, tag or earlier result.

use super::Input;
use super::buffer::{Col, Tags, Texts};
use super::shape::{Code, Source};
use crate::scope::{Lookup, field_at as at};
use crate::specialise::Goal;
use crate::typed::Program;
use crate::types::Ty;
use model::{Column, Data, Name, SeriesTable, TagColumn, TagSet};
use std::sync::Arc;

/// What evaluating one lambda over the runs of one shard has taught: which series have tags of the
/// referenced names, and the programs for the types met so far. Only a cache: it belongs to one
/// lambda and one series table, and starting with a new one changes no result.
#[derive(Clone, Debug, Default)]
pub struct Binding {
    /// Series looked at so far.
    checked: u32,
    /// One entry a reference.
    tags: Vec<TagUse>,
    pub(super) programs: Vec<(Box<[Code]>, Goal, Arc<Program>)>,
}

/// Which series have a tag of one name.
#[derive(Clone, Debug, Default)]
struct TagUse {
    any: bool,
    /// A bit a series; as long as the last series that has it.
    bits: Vec<u64>,
}

impl TagUse {
    fn set(&mut self, id: u32) {
        self.any = true;
        let word = id as usize / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        self.bits[word] |= 1 << (id % 64);
    }

    #[inline]
    fn has(&self, id: u32) -> bool {
        self.bits.get(id as usize / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }
}

/// One reference in one run.
#[derive(Debug)]
pub(super) struct Bound<'a> {
    field: Option<&'a Column>,
    /// The tag of each row; `None` when no row has it.
    tags: Option<Tags<'a>>,
    result: Option<&'a Column>,
}

impl Binding {
    /// Finds the references in a run.
    pub(super) fn bind<'a>(&mut self, references: &[Name], input: &Input<'a>) -> Vec<Bound<'a>> {
        if matches!(input.rows.tags, TagColumn::Series(_)) {
            self.learn(references, input.table);
        }
        let present = |column: &&'a Column| column.mask.count() > 0;
        let bound = |(slot, name): (usize, &Name)| Bound {
            field: input.rows.column(name).map(|column| &**column).filter(present),
            tags: self.tags_of(slot, name, input),
            result: input
                .results
                .iter()
                .rev()
                .find(|field| field.name == *name)
                .map(|field| &*field.column)
                .filter(present),
        };
        references.iter().enumerate().map(bound).collect()
    }

    /// Looks at the series that are new since the last run.
    fn learn(&mut self, references: &[Name], table: &SeriesTable) {
        if self.tags.len() != references.len() || self.checked > table.len() {
            self.tags = vec![TagUse::default(); references.len()];
            self.checked = 0;
        }
        for series in table.since(self.checked) {
            for (key, _) in &series.tags {
                if let Ok(slot) = references.binary_search_by(|name| (**name).cmp(key)) {
                    self.tags[slot].set(self.checked);
                }
            }
            self.checked += 1;
        }
    }

    fn tags_of<'a>(&self, slot: usize, name: &str, input: &Input<'a>) -> Option<Tags<'a>> {
        match &input.rows.tags {
            TagColumn::Series(ids) => {
                let used = &self.tags[slot];
                let some = used.any && ids.iter().any(|&id| used.has(id));
                some.then(|| series_tags(name, ids, input.table))
            }
            TagColumn::Sets(sets) => set_tags(name, sets),
        }
    }
}

/// Places in the memory of the last series seen: a run cycles through few.
const MEMO: usize = 4096;

fn series_tags<'a>(name: &str, ids: &[u32], table: &'a SeriesTable) -> Tags<'a> {
    let size = ids.len().next_power_of_two().min(MEMO);
    // No run is long enough for this code.
    let mut memo: Vec<(u32, u32)> = vec![(0, u32::MAX); size];
    let mut tags = Tags { codes: Vec::with_capacity(ids.len()), values: Vec::new() };
    for &id in ids {
        let known = &mut memo[id as usize & (size - 1)];
        if known.0 != id || known.1 == u32::MAX {
            *known = (id, tags.values.len() as u32);
            tags.values.push(table.get(id).tags.get(name));
        }
        tags.codes.push(known.1);
    }
    tags
}

fn set_tags<'a>(name: &str, sets: &'a [TagSet]) -> Option<Tags<'a>> {
    let mut tags = Tags { codes: Vec::with_capacity(sets.len()), values: Vec::new() };
    let mut last: Option<&[u8]> = None;
    for set in sets {
        let bytes = set.as_bytes();
        // The rows of a batch mostly share one allocation.
        if !last.is_some_and(|last| std::ptr::eq(last, bytes)) {
            last = Some(bytes);
            tags.values.push(set.get(name));
        }
        tags.codes.push(tags.values.len() as u32 - 1);
    }
    tags.values.iter().any(Option::is_some).then_some(tags)
}

fn typed(column: &Column) -> Option<Ty> {
    match column.data {
        Data::Float(_) => Some(Ty::Float),
        Data::Int(_) => Some(Ty::Int),
        Data::Bool(_) => Some(Ty::Bool),
        Data::Str(_) => Some(Ty::Str),
        Data::Mixed(_) => None,
    }
}

fn code_at(column: &Column, source: Source, row: usize) -> Option<Code> {
    column.kind_at(row).map(|kind| Ty::of_kind(kind).map_or(Code::NULL, |ty| Code::new(ty, source)))
}

impl<'a> Bound<'a> {
    /// The type and place of the reference, when they are the same for every row.
    pub(super) fn uniform(&self) -> Option<Code> {
        let full = |column: &Column| column.mask.is_full().then(|| typed(column)).flatten();
        match (self.field, &self.tags, self.result) {
            (None, None, None) => Some(Code::new(Ty::Missing, Source::Field)),
            (Some(field), None, _) => full(field).map(|ty| Code::new(ty, Source::Field)),
            (None, Some(tags), _) => {
                tags.values.iter().all(Option::is_some).then(|| Code::new(Ty::Str, Source::Tag))
            }
            (None, None, Some(result)) => full(result).map(|ty| Code::new(ty, Source::Result)),
            (Some(_), Some(_), _) => None,
        }
    }

    /// Every column is of one type, so rows can be sorted by shape.
    pub(super) fn is_typed(&self) -> bool {
        [self.field, self.result].into_iter().flatten().all(|column| typed(column).is_some())
    }

    fn tag(&self, row: usize) -> Option<&'a str> {
        self.tags.as_ref().and_then(|tags| tags.get(row))
    }

    /// The type and place of the reference in one row.
    pub(super) fn code(&self, row: usize) -> Code {
        let tagged = self.tag(row).is_some();
        match self.field.and_then(|field| code_at(field, Source::Field, row)) {
            Some(_) if tagged => Code::AMBIGUOUS,
            Some(code) => code,
            None if tagged => Code::new(Ty::Str, Source::Tag),
            None => self
                .result
                .and_then(|result| code_at(result, Source::Result, row))
                .unwrap_or(Code::new(Ty::Missing, Source::Field)),
        }
    }

    /// The column of the rows that have this code.
    pub(super) fn column(&self, code: Code) -> Option<Col<'_>> {
        match code.source() {
            Source::Field => self.field.and_then(|field| Col::of_data(&field.data)),
            Source::Tag => self.tags.as_ref().map(|tags| Col::Str(Texts::Tags(tags))),
            Source::Result => self.result.and_then(|result| Col::of_data(&result.data)),
        }
    }

    /// What the reference is in one row.
    pub(super) fn lookup(&self, row: usize) -> Lookup<'_> {
        let tag = self.tag(row);
        match (self.field.and_then(|field| at(field, row)), tag) {
            (Some(_), Some(_)) => Lookup::Ambiguous,
            (Some(value), None) => value,
            (None, Some(tag)) => Lookup::Str(tag),
            (None, None) => self.result.and_then(|result| at(result, row)).unwrap_or(Lookup::Missing),
        }
    }
}

/// The programs kept for one lambda. A stream whose fields change type all the time would
/// otherwise collect one for every combination.
const PROGRAMS_MAX: usize = 32;

impl Binding {
    /// The program for these types, made on first sight.
    pub(super) fn program(
        &mut self,
        codes: &[Code],
        goal: Goal,
        make: impl FnOnce(&[Code]) -> Program,
    ) -> Arc<Program> {
        let key = || codes.iter().map(|code| code.without_source());
        let known =
            self.programs.iter().find(|(types, of, _)| *of == goal && types.iter().copied().eq(key()));
        if let Some((_, _, program)) = known {
            return program.clone();
        }
        if self.programs.len() >= PROGRAMS_MAX {
            self.programs.clear();
        }
        let types: Box<[Code]> = key().collect();
        let program = Arc::new(make(&types));
        self.programs.push((types, goal, program.clone()));
        program
    }
}

/// The name of the first reference that is both a field and a tag.
pub(super) fn ambiguous(references: &[Name], codes: impl Iterator<Item = Code>) -> Option<&Name> {
    references.iter().zip(codes).find(|(_, code)| *code == Code::AMBIGUOUS).map(|(name, _)| name)
}
