//! What the source holds for the tags of a point. Points of one series have the same tags, so it is
//! worked out once a series.

use super::content::Content;
use super::convert::{convert, go_type};
use crate::logfmt::pair;
use model::{Name, Rows, SeriesTable, TagColumn, TagSet, Value};
use std::sync::Arc;
use template::{Element, Map, Template, Value as Shown};

/// Series that are remembered, by their numbers: a bound on memory.
const REMEMBERED: usize = 1 << 17;

/// Something to look up.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The field or tag.
    pub name: Name,
    /// Its key in the source.
    pub key: String,
    /// What it is when the source has nothing.
    pub default: Value,
}

/// What a node looks up, and where.
pub(super) struct Rules {
    /// Templates of the places, over the tags.
    pub order: Vec<Template>,
    pub fields: Vec<Wanted>,
    pub tags: Vec<Wanted>,
}

/// What points of one series get.
#[derive(Debug)]
pub(super) struct Resolved {
    /// One a field; none when no place could be worked out.
    pub fields: Vec<Value>,
    /// All their tags.
    pub tags: TagSet,
    /// What failed and why, with the further pairs of its line.
    pub problems: Vec<(String, String)>,
}

/// What was worked out. None of it is saved.
#[derive(Debug, Default)]
pub(super) struct Memory {
    series: Vec<Option<Known>>,
    /// Number of the run that is looked at.
    run: u32,
}

#[derive(Debug)]
struct Known {
    /// The tags of the series, to notice if its number belongs to another one now.
    tags: TagSet,
    resolved: Arc<Resolved>,
    /// The run in which `tags` was last seen to be right.
    run: u32,
}

/// The templates of the places. The error is Go's.
pub(super) fn templates(sources: &[String]) -> Result<Vec<Template>, String> {
    sources.iter().map(|source| Template::text(source, "order").map_err(|error| error.to_string())).collect()
}

impl Memory {
    /// What each row gets.
    pub fn resolve(
        &mut self,
        rules: &Rules,
        content: &Content,
        rows: &Rows,
        series: &SeriesTable,
    ) -> Vec<Arc<Resolved>> {
        match &rows.tags {
            TagColumn::Sets(sets) => {
                let mut resolved: Vec<Arc<Resolved>> = Vec::with_capacity(sets.len());
                for (at, tags) in sets.iter().enumerate() {
                    let same = at > 0 && sets[at - 1] == *tags;
                    resolved.push(match resolved.last() {
                        Some(last) if same => last.clone(),
                        _ => Arc::new(rules.resolve(content, tags)),
                    });
                }
                resolved
            }
            TagColumn::Series(ids) => {
                self.run = self.run.wrapping_add(1);
                if self.run == 0 {
                    // After so many runs the numbers start anew, and would find what was noted long ago.
                    *self = Memory { run: 1, ..Memory::default() };
                }
                ids.iter().map(|&id| self.of_series(rules, content, id, &series.get(id).tags)).collect()
            }
        }
    }

    fn of_series(&mut self, rules: &Rules, content: &Content, id: u32, tags: &TagSet) -> Arc<Resolved> {
        let at = id as usize;
        if at >= REMEMBERED {
            return Arc::new(rules.resolve(content, tags));
        }
        if at >= self.series.len() {
            self.series.resize_with(at + 1, || None);
        }
        match &mut self.series[at] {
            Some(known) if known.run == self.run || known.tags == *tags => {
                known.run = self.run;
                known.resolved.clone()
            }
            place => {
                let resolved = Arc::new(rules.resolve(content, tags));
                *place = Some(Known { tags: tags.clone(), resolved: resolved.clone(), run: self.run });
                resolved
            }
        }
    }
}

impl Rules {
    /// What points with these tags get.
    pub fn resolve(&self, content: &Content, tags: &TagSet) -> Resolved {
        let order = match self.places(tags) {
            Ok(order) => order,
            Err(problem) => {
                return Resolved { fields: Vec::new(), tags: tags.clone(), problems: vec![problem] };
            }
        };
        let mut problems = Vec::new();
        let mut value = |wanted: &Wanted| {
            let Some(datum) = content.lookup(&order, &wanted.key) else { return wanted.default.clone() };
            convert(datum, &wanted.default).unwrap_or_else(|why| {
                let mut pairs = String::new();
                pair(&mut pairs, "key", &wanted.name);
                pair(&mut pairs, "expected", go_type(&wanted.default));
                pair(&mut pairs, "got", datum.go_type());
                problems.push((format!("failed to load key: {why}"), pairs));
                wanted.default.clone()
            })
        };
        let fields = self.fields.iter().map(&mut value).collect();
        let mut all = tags.clone();
        for wanted in &self.tags {
            if let Value::Str(text) = value(wanted) {
                all = all.with(&wanted.name, &text);
            }
        }
        Resolved { fields, tags: all, problems }
    }

    fn places(&self, tags: &TagSet) -> Result<Vec<String>, (String, String)> {
        let view = Tags(tags);
        let place = |template: &Template| {
            let mut place = String::new();
            template.render_value(Shown::Map(&view), &mut place).map_err(|error| {
                let mut pairs = String::new();
                pair(&mut pairs, "order", template.source());
                (format!("failed to evaluate order template: {error}"), pairs)
            })?;
            Ok(place)
        };
        self.order.iter().map(place).collect()
    }
}

struct Tags<'a>(&'a TagSet);

impl Map for Tags<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Shown<'_>> {
        self.0.get(key).map(Shown::from)
    }

    fn entry(&self, index: usize) -> Option<(&str, Shown<'_>)> {
        self.0.iter().nth(index).map(|(key, value)| (key, Shown::from(value)))
    }

    fn element(&self) -> Element {
        Element::Text
    }
}
