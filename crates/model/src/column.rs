//! A column: one field of many rows.

use crate::{Kind, Mask, Value};
use serde::{Deserialize, Serialize};

/// The values of one field over the rows of a [`crate::Rows`]. A row without the field has its
/// mask bit clear and an arbitrary (zero) value in `data`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The values, one a row.
    pub data: Data,
    /// Which rows have the field.
    pub mask: Mask,
}

/// The values of a column. Rows of different types (or null, time, duration) make it `Mixed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Data {
    /// Floats.
    Float(Vec<f64>),
    /// Integers.
    Int(Vec<i64>),
    /// Booleans.
    Bool(Vec<bool>),
    /// Texts.
    Str(Strings),
    /// Anything else.
    Mixed(Vec<Value>),
}

impl Default for Data {
    fn default() -> Data {
        Data::Mixed(Vec::new())
    }
}

/// Many texts in one buffer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Strings {
    text: String,
    /// End of each text in `text`; 32 bits bound one column of one run to 4 GiB.
    ends: Vec<u32>,
}

impl Strings {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// No texts.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text at `row`.
    #[inline]
    pub fn get(&self, row: usize) -> &str {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        &self.text[start..self.ends[row] as usize]
    }

    /// Adds a text.
    #[inline]
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(u32::try_from(self.text.len()).expect("a run's text stays below 4 GiB"));
    }

    /// All the text, and the end of each.
    pub fn parts(&self) -> (&str, &[u32]) {
        (&self.text, &self.ends)
    }

    /// From [`Self::parts`]; `None` when the ends do not fit the text.
    pub fn from_parts(text: String, ends: Vec<u32>) -> Option<Strings> {
        let mut last = 0;
        for &end in &ends {
            if end < last || !text.is_char_boundary(end as usize) {
                return None;
            }
            last = end;
        }
        Some(Strings { text, ends })
    }

    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.text.truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }
}

impl Data {
    /// An empty column of that kind.
    pub fn of(kind: Kind) -> Data {
        match kind {
            Kind::Float => Data::Float(Vec::new()),
            Kind::Int => Data::Int(Vec::new()),
            Kind::Bool => Data::Bool(Vec::new()),
            Kind::Str => Data::Str(Strings::default()),
            _ => Data::Mixed(Vec::new()),
        }
    }

    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Data::Float(v) => v.len(),
            Data::Int(v) => v.len(),
            Data::Bool(v) => v.len(),
            Data::Str(v) => v.len(),
            Data::Mixed(v) => v.len(),
        }
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn get(&self, row: usize) -> Value {
        match self {
            Data::Float(v) => Value::Float(v[row]),
            Data::Int(v) => Value::Int(v[row]),
            Data::Bool(v) => Value::Bool(v[row]),
            Data::Str(v) => Value::str(v.get(row)),
            Data::Mixed(v) => v[row].clone(),
        }
    }

    /// Adds zeros until there are `len` rows.
    fn grow(&mut self, len: usize) {
        match self {
            Data::Float(v) => v.resize(len, 0.0),
            Data::Int(v) => v.resize(len, 0),
            Data::Bool(v) => v.resize(len, false),
            Data::Str(v) => v.ends.resize(len, v.ends.last().copied().unwrap_or(0)),
            Data::Mixed(v) => v.resize(len, Value::Null),
        }
    }

    fn push_zero(&mut self) {
        match self {
            Data::Float(v) => v.push(0.0),
            Data::Int(v) => v.push(0),
            Data::Bool(v) => v.push(false),
            Data::Str(v) => v.push(""),
            Data::Mixed(v) => v.push(Value::Null),
        }
    }
}

impl From<Vec<f64>> for Column {
    fn from(values: Vec<f64>) -> Column {
        Column { mask: Mask::all(values.len()), data: Data::Float(values) }
    }
}

impl From<Vec<i64>> for Column {
    fn from(values: Vec<i64>) -> Column {
        Column { mask: Mask::all(values.len()), data: Data::Int(values) }
    }
}

impl From<Vec<bool>> for Column {
    fn from(values: Vec<bool>) -> Column {
        Column { mask: Mask::all(values.len()), data: Data::Bool(values) }
    }
}

impl Column {
    /// An empty column of that kind.
    pub fn of(kind: Kind) -> Column {
        Column { data: Data::of(kind), mask: Mask::default() }
    }

    /// Rows.
    #[inline]
    pub fn len(&self) -> usize {
        self.mask.len()
    }

    /// No rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value at `row`, or `None` where the field is missing.
    pub fn get(&self, row: usize) -> Option<Value> {
        self.mask.get(row).then(|| self.data.get(row))
    }

    /// The kind of the value at `row`, without building it.
    pub fn kind_at(&self, row: usize) -> Option<Kind> {
        self.mask.get(row).then(|| match &self.data {
            Data::Float(_) => Kind::Float,
            Data::Int(_) => Kind::Int,
            Data::Bool(_) => Kind::Bool,
            Data::Str(_) => Kind::Str,
            Data::Mixed(v) => v[row].kind(),
        })
    }

    /// Adds a row without the field.
    pub fn push_missing(&mut self) {
        self.data.push_zero();
        self.mask.push(false);
    }

    /// Adds rows without the field until there are `rows`.
    pub fn pad(&mut self, rows: usize) {
        match rows.saturating_sub(self.len()) {
            0 => {}
            1 => self.push_missing(),
            _ => {
                self.data.grow(rows);
                self.mask.grow(rows);
            }
        }
    }

    /// Adds a float.
    #[inline]
    pub fn push_float(&mut self, value: f64) {
        match &mut self.data {
            Data::Float(v) => v.push(value),
            _ => return self.push_other(Value::Float(value)),
        }
        self.mask.push(true);
    }

    /// Adds an integer.
    #[inline]
    pub fn push_int(&mut self, value: i64) {
        match &mut self.data {
            Data::Int(v) => v.push(value),
            _ => return self.push_other(Value::Int(value)),
        }
        self.mask.push(true);
    }

    /// Adds a boolean.
    #[inline]
    pub fn push_bool(&mut self, value: bool) {
        match &mut self.data {
            Data::Bool(v) => v.push(value),
            _ => return self.push_other(Value::Bool(value)),
        }
        self.mask.push(true);
    }

    /// Adds a text.
    #[inline]
    pub fn push_str(&mut self, value: &str) {
        match &mut self.data {
            Data::Str(v) => v.push(value),
            _ => return self.push_other(Value::str(value)),
        }
        self.mask.push(true);
    }

    /// Adds a value of any kind.
    pub fn push(&mut self, value: Value) {
        match value {
            Value::Float(v) => self.push_float(v),
            Value::Int(v) => self.push_int(v),
            Value::Bool(v) => self.push_bool(v),
            Value::Str(v) => self.push_str(&v),
            other => self.push_other(other),
        }
    }

    /// Adds a value, or a row without the field.
    pub fn push_option(&mut self, value: Option<Value>) {
        match value {
            Some(value) => self.push(value),
            None => self.push_missing(),
        }
    }

    /// A value of another kind than the column's: an empty column (no present value yet) takes the
    /// new kind, any other becomes mixed.
    #[cold]
    fn push_other(&mut self, value: Value) {
        let kind = value.kind();
        if self.mask.count() == 0 && !matches!(kind, Kind::Null | Kind::Time | Kind::Duration) {
            let rows = self.len();
            self.data = Data::of(kind);
            for _ in 0..rows {
                self.data.push_zero();
            }
            return self.push(value);
        }
        let mut mixed = match std::mem::take(&mut self.data) {
            Data::Mixed(v) => v,
            other => (0..other.len()).map(|row| other.get(row)).collect(),
        };
        mixed.push(value);
        self.data = Data::Mixed(mixed);
        self.mask.push(true);
    }

    /// Adds row `row` of `from`.
    pub fn push_from(&mut self, from: &Column, row: usize) {
        if !from.mask.get(row) {
            return self.push_missing();
        }
        match &from.data {
            Data::Float(v) => self.push_float(v[row]),
            Data::Int(v) => self.push_int(v[row]),
            Data::Bool(v) => self.push_bool(v[row]),
            Data::Str(v) => self.push_str(v.get(row)),
            Data::Mixed(v) => self.push(v[row].clone()),
        }
    }

    /// The rows at `rows`, in that order.
    pub fn gather(&self, rows: &[u32]) -> Column {
        let data = match &self.data {
            Data::Float(v) => Data::Float(rows.iter().map(|&r| v[r as usize]).collect()),
            Data::Int(v) => Data::Int(rows.iter().map(|&r| v[r as usize]).collect()),
            Data::Bool(v) => Data::Bool(rows.iter().map(|&r| v[r as usize]).collect()),
            Data::Str(v) => {
                let mut out = Strings::default();
                rows.iter().for_each(|&r| out.push(v.get(r as usize)));
                Data::Str(out)
            }
            Data::Mixed(v) => Data::Mixed(rows.iter().map(|&r| v[r as usize].clone()).collect()),
        };
        let mut mask = Mask::all(rows.len());
        if !self.mask.is_full() {
            for (to, &row) in rows.iter().enumerate() {
                if !self.mask.get(row as usize) {
                    mask.set(to, false);
                }
            }
        }
        Column { data, mask }
    }

    /// Keeps the first `len` rows.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        match &mut self.data {
            Data::Float(v) => v.truncate(len),
            Data::Int(v) => v.truncate(len),
            Data::Bool(v) => v.truncate(len),
            Data::Str(v) => v.truncate(len),
            Data::Mixed(v) => v.truncate(len),
        }
        self.mask = match self.mask.words() {
            None => Mask::all(len),
            Some(words) => Mask::from_words(words.to_vec(), len),
        };
    }

    /// The column as floats, when every row is one: the input of a kernel.
    pub fn floats(&self) -> Option<&[f64]> {
        match &self.data {
            Data::Float(v) if self.mask.is_full() => Some(v),
            _ => None,
        }
    }

    /// The column as integers, when every row is one.
    pub fn ints(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Int(v) if self.mask.is_full() => Some(v),
            _ => None,
        }
    }
}

impl Column {
    /// The rows `from..to`.
    pub fn slice(&self, from: usize, to: usize) -> Column {
        let data = match &self.data {
            Data::Float(v) => Data::Float(v[from..to].to_vec()),
            Data::Int(v) => Data::Int(v[from..to].to_vec()),
            Data::Bool(v) => Data::Bool(v[from..to].to_vec()),
            Data::Str(v) => {
                let mut out = Strings::default();
                (from..to).for_each(|row| out.push(v.get(row)));
                Data::Str(out)
            }
            Data::Mixed(v) => Data::Mixed(v[from..to].to_vec()),
        };
        let mut mask = Mask::all(to - from);
        if !self.mask.is_full() {
            for row in from..to {
                if !self.mask.get(row) {
                    mask.set(row - from, false);
                }
            }
        }
        Column { data, mask }
    }
}
