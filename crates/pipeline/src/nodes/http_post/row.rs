//! A row as the body of a post, and as its templates see it.

use model::{Name, Row, Value};
use template::json::{Unsupported, encode, put_string};
use template::{Element, List, Map, Object, Slot, Value as Shown};

/// `{"series":[ROW]}` and a newline, as Kapacitor posts it.
pub(super) fn json(row: &Row, out: &mut String) -> Result<(), Unsupported> {
    out.push_str("{\"series\":[{");
    let mut comma = "";
    let mut key = |out: &mut String, name: &str| {
        out.push_str(comma);
        comma = ",";
        put_string(out, name);
        out.push(':');
    };
    if !row.name.is_empty() {
        key(out, "name");
        put_string(out, &row.name);
    }
    if !row.tags.is_empty() {
        key(out, "tags");
        encode(out, &Shown::Map(&Tags::of(row)))?;
    }
    if !row.columns.is_empty() {
        key(out, "columns");
        list(out, &row.columns, |out, column| {
            put_string(out, column);
            Ok(())
        })?;
    }
    if !row.values.is_empty() {
        key(out, "values");
        list(out, &row.values, |out, cells| {
            list(out, cells, |out, cell| encode(out, &shown(cell.as_ref())))
        })?;
    }
    out.push_str("}]}\n");
    Ok(())
}

fn list<T>(
    out: &mut String,
    items: &[T],
    put: impl Fn(&mut String, &T) -> Result<(), Unsupported>,
) -> Result<(), Unsupported> {
    out.push('[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        put(out, item)?;
    }
    out.push(']');
    Ok(())
}

fn shown(value: Option<&Value>) -> Shown<'_> {
    match value {
        None | Some(Value::Null) => Shown::Nil,
        Some(Value::Float(value)) => Shown::Float(*value),
        Some(Value::Int(value)) => Shown::Int(*value),
        Some(Value::Bool(value)) => Shown::Bool(*value),
        Some(Value::Str(value)) => Shown::from(&**value),
        Some(Value::Time(value)) => Shown::time(*value),
        Some(Value::Duration(value)) => Shown::Duration(*value),
    }
}

/// Name, tags, and the values of each point by the names of their columns.
pub(super) struct View<'a> {
    name: &'a str,
    tags: Tags<'a>,
    values: Points<'a>,
}

impl<'a> View<'a> {
    pub fn new(row: &'a Row) -> View<'a> {
        // Of a column that is there twice the last counts.
        let mut order: Vec<usize> = (0..row.columns.len()).collect();
        order.sort_by(|&a, &b| row.columns[a].cmp(&row.columns[b]).then(b.cmp(&a)));
        order.dedup_by(|a, b| row.columns[*a] == row.columns[*b]);
        let point = |cells: &'a Vec<Option<Value>>| {
            let cell = |&at: &usize| (&row.columns[at], shown(cells.get(at).and_then(Option::as_ref)));
            Cells(order.iter().map(cell).collect())
        };
        let values = Points(row.values.iter().map(point).collect());
        View { name: &row.name, tags: Tags::of(row), values }
    }
}

impl Object for View<'_> {
    fn type_name(&self) -> &str {
        "*kapacitor.mappedRow"
    }

    fn field(&self, name: &str) -> Option<Shown<'_>> {
        match name {
            "Name" => Some(Shown::from(self.name)),
            "Tags" => Some(Shown::Map(&self.tags)),
            "Values" => Some(Shown::list(&self.values)),
            _ => None,
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &[Slot::Field("Name"), Slot::Field("Tags"), Slot::Field("Values")]
    }
}

struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Tags<'a> {
    fn of(row: &'a Row) -> Tags<'a> {
        Tags(row.tags.iter().collect())
    }
}

impl Map for Tags<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Shown<'_>> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| Shown::from(*value))
    }

    fn entry(&self, index: usize) -> Option<(&str, Shown<'_>)> {
        self.0.get(index).map(|(name, value)| (*name, Shown::from(*value)))
    }

    fn element(&self) -> Element {
        Element::Text
    }
}

struct Points<'a>(Vec<Cells<'a>>);

impl List for Points<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<Shown<'_>> {
        self.0.get(index).map(|cells| Shown::Map(cells))
    }

    fn type_name(&self) -> &str {
        "[]map[string]interface {}"
    }
}

struct Cells<'a>(Vec<(&'a Name, Shown<'a>)>);

impl Map for Cells<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Shown<'_>> {
        self.0.iter().find(|(name, _)| ***name == *key).map(|(_, value)| value.clone())
    }

    fn entry(&self, index: usize) -> Option<(&str, Shown<'_>)> {
        self.0.get(index).map(|(name, value)| (&***name, value.clone()))
    }

    fn element(&self) -> Element {
        Element::Any
    }
}
