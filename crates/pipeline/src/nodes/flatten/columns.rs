//! The fields of flattened points: which column a field of a point goes to, without working its
//! name out for each.

use hashbrown::HashMap;
use model::{Column, Field, Name, Rows, SeriesTable, TagColumn, TagSet, Value};
use std::sync::Arc;

/// How fields are named.
pub struct Naming {
    /// The tags whose values come first.
    pub on: Vec<String>,
    /// What stands between them, and before the field's own name.
    pub delimiter: String,
    /// The field's own name is left out.
    pub drop_name: bool,
}

impl Naming {
    /// What the names of the fields of a point with these tags begin with; the place of the first
    /// tag that it lacks.
    fn prefix(&self, tags: &TagSet) -> Result<String, u32> {
        let mut prefix = String::new();
        for (at, tag) in self.on.iter().enumerate() {
            let value = tags.get(tag).ok_or(at as u32)?;
            if at > 0 {
                prefix.push_str(&self.delimiter);
            }
            prefix.push_str(value);
        }
        Ok(prefix)
    }

    fn name(&self, prefix: &str, field: &str) -> String {
        match (self.drop_name, prefix.is_empty()) {
            (true, _) => prefix.to_owned(),
            (false, true) => field.to_owned(),
            (false, false) => [prefix, &self.delimiter, field].concat(),
        }
    }
}

/// The rows of an entry or of a batch with what their fields' names begin with.
pub struct Prefixed<'a> {
    naming: &'a Naming,
    rows: &'a Rows,
    /// By row: the place of its prefix, or the tag that it lacks behind [`LACKS`].
    of_row: Vec<u32>,
    prefixes: Vec<String>,
    /// By prefix and field: the column, or [`UNKNOWN`].
    columns: Vec<u32>,
}

const LACKS: u32 = 1 << 31;
const UNKNOWN: u32 = u32::MAX;

impl<'a> Prefixed<'a> {
    /// Works the prefixes of the rows out, each series' once.
    pub fn of(naming: &'a Naming, rows: &'a Rows, series: &SeriesTable) -> Prefixed<'a> {
        let mut prefixes: Vec<String> = Vec::new();
        let mut by_text: HashMap<String, u32> = HashMap::new();
        let mut code = |tags: &TagSet| match naming.prefix(tags) {
            Err(tag) => LACKS | tag,
            Ok(text) => *by_text.entry(text).or_insert_with_key(|text| {
                prefixes.push(text.clone());
                (prefixes.len() - 1) as u32
            }),
        };
        let of_row = match &rows.tags {
            TagColumn::Series(ids) => {
                let mut known: HashMap<u32, u32> = HashMap::new();
                let mut of = |&id: &u32| *known.entry(id).or_insert_with(|| code(&series.get(id).tags));
                ids.iter().map(&mut of).collect()
            }
            TagColumn::Sets(sets) => {
                let mut known: HashMap<&[u8], u32> = HashMap::new();
                let mut of = |tags: &'a TagSet| *known.entry(tags.as_bytes()).or_insert_with(|| code(tags));
                sets.iter().map(&mut of).collect()
            }
        };
        let columns = vec![UNKNOWN; prefixes.len() * rows.fields.len()];
        Prefixed { naming, rows, of_row, prefixes, columns }
    }

    /// The prefix of a row, or the place of the tag that it lacks.
    pub fn prefix(&self, row: u32) -> Result<u32, u32> {
        match self.of_row[row as usize] {
            code if code & LACKS == 0 => Ok(code),
            code => Err(code & !LACKS),
        }
    }

    /// Calls `each` for every field of a row with the column that it goes to, in order of the
    /// fields' own names.
    pub fn each(
        &mut self,
        made: &mut Made,
        prefix: u32,
        row: u32,
        mut each: impl FnMut(&mut Made, u32, &Column),
    ) {
        let fields = self.rows.fields.len();
        for (at, field) in self.rows.fields.iter().enumerate() {
            if !field.column.mask.get(row as usize) {
                continue;
            }
            let slot = &mut self.columns[prefix as usize * fields + at];
            if *slot == UNKNOWN {
                let name = self.naming.name(&self.prefixes[prefix as usize], &field.name);
                *slot = made.column(&name);
            }
            each(made, *slot, &field.column);
        }
    }
}

/// The columns that come out, written row by row.
#[derive(Default)]
pub struct Made {
    rows: usize,
    index: HashMap<Name, u32>,
    columns: Vec<Named>,
}

/// A column that comes out.
pub struct Named {
    name: Name,
    column: Column,
}

impl Made {
    /// The number of the column of that name.
    fn column(&mut self, name: &str) -> u32 {
        if let Some(&known) = self.index.get(name) {
            return known;
        }
        let name = Name::from(name);
        let new = self.columns.len() as u32;
        self.columns.push(Named { name: name.clone(), column: Column::default() });
        self.index.insert(name, new);
        new
    }

    /// The name of a column.
    pub fn name(&self, column: u32) -> &Name {
        &self.columns[column as usize].name
    }

    /// Writes a field of the current row; of several values the last counts.
    #[inline]
    pub fn put(&mut self, column: u32, from: &Column, row: usize) {
        self.cell(column).push_from(from, row);
    }

    /// The same, by name.
    pub fn put_value(&mut self, name: &Name, value: Value) {
        let column = self.column(name);
        self.cell(column).push(value);
    }

    #[inline]
    fn cell(&mut self, column: u32) -> &mut Column {
        let column = &mut self.columns[column as usize].column;
        column.truncate(self.rows);
        column.pad(self.rows);
        column
    }

    /// The current row is whole.
    pub fn end_row(&mut self) {
        self.rows += 1;
    }

    /// The fields, by name.
    pub fn finish(self) -> Vec<Field> {
        let rows = self.rows;
        let field = |Named { name, mut column }: Named| {
            column.truncate(rows);
            column.pad(rows);
            (column.mask.count() > 0).then(|| Field { name, column: Arc::new(column) })
        };
        let mut fields: Vec<Field> = self.columns.into_iter().filter_map(field).collect();
        fields.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        fields
    }
}
