//! An event as templates of handlers see it: Kapacitor's `alert.Data`.

use model::{Event, Level, Row};
use template::{Element, Encoded, LEVEL, List, Map, Object, Slot, Value};

/// The event with its level before, as the topic saw it.
pub(crate) struct EventView<'a> {
    event: &'a Event,
    previous_level: Level,
    result: ResultView<'a>,
}

impl<'a> EventView<'a> {
    pub(crate) fn new(event: &'a Event, previous_level: Level) -> EventView<'a> {
        let series = Series(event.data.iter().map(RowView::new).collect());
        EventView { event, previous_level, result: ResultView { rows: &event.data, series } }
    }
}

impl Object for EventView<'_> {
    fn type_name(&self) -> &str {
        "alert.Data"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        let state = &self.event.state;
        Some(match name {
            "ID" => Value::from(state.id.as_str()),
            "Message" => Value::from(state.message.as_str()),
            "Details" => Value::from(state.details.as_str()),
            "Time" => Value::time(state.time),
            "Duration" => Value::Duration(state.duration),
            "Level" => Value::Named(&LEVEL, state.level as i64),
            "Data" => Value::Object(&self.result),
            "PreviousLevel" => Value::Named(&LEVEL, self.previous_level as i64),
            "Recoverable" => Value::Bool(self.event.recoverable),
            _ => return None,
        })
    }

    fn shape(&self) -> &'static [Slot] {
        &[
            Slot::Field("ID"),
            Slot::Field("Message"),
            Slot::Field("Details"),
            Slot::Field("Time"),
            Slot::Field("Duration"),
            Slot::Field("Level"),
            Slot::Field("Data"),
            Slot::Field("PreviousLevel"),
            Slot::Field("Recoverable"),
        ]
    }

    fn json(&self, out: &mut String) -> Encoded {
        put_json(out, alert::event_json(self.event, self.previous_level))
    }
}

/// Our JSON writers make bytes, templates take text.
fn put_json(out: &mut String, bytes: Vec<u8>) -> Encoded {
    // They write nothing but text, so nothing is lost here.
    out.push_str(&String::from_utf8_lossy(&bytes));
    Encoded::Written
}

struct ResultView<'a> {
    rows: &'a [Row],
    series: Series<'a>,
}

impl Object for ResultView<'_> {
    fn type_name(&self) -> &str {
        "models.Result"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "Series" => Some(Value::list(&self.series)),
            "Err" => Some(Value::Nil),
            _ => None,
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &[Slot::Field("Series"), Slot::Field("Err")]
    }

    fn json(&self, out: &mut String) -> Encoded {
        let mut bytes = Vec::new();
        alert::payload::result_json(self.rows, &mut bytes);
        put_json(out, bytes)
    }
}

struct Series<'a>(Vec<RowView<'a>>);

impl List for Series<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<Value<'_>> {
        self.0.get(index).map(|row| Value::Object(row))
    }

    fn type_name(&self) -> &str {
        "models.Rows"
    }
}

struct RowView<'a> {
    row: &'a Row,
    tags: Tags<'a>,
    columns: Columns<'a>,
    values: Values<'a>,
}

impl<'a> RowView<'a> {
    fn new(row: &'a Row) -> RowView<'a> {
        let values = Values(row.values.iter().map(|cells| Cells(cells)).collect());
        RowView { row, tags: Tags(row.tags.iter().collect()), columns: Columns(&row.columns), values }
    }
}

impl Object for RowView<'_> {
    fn type_name(&self) -> &str {
        "*models.Row"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "Name" => Some(Value::from(&*self.row.name)),
            "Tags" => Some(Value::Map(&self.tags)),
            "Columns" => Some(Value::list(&self.columns)),
            "Values" => Some(Value::list(&self.values)),
            _ => None,
        }
    }

    fn shape(&self) -> &'static [Slot] {
        &[Slot::Field("Name"), Slot::Field("Tags"), Slot::Field("Columns"), Slot::Field("Values")]
    }

    fn json(&self, out: &mut String) -> Encoded {
        let mut bytes = Vec::new();
        alert::row_json(self.row, &mut bytes);
        put_json(out, bytes)
    }
}

struct Tags<'a>(Vec<(&'a str, &'a str)>);

impl Map for Tags<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Value<'_>> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| Value::from(*value))
    }

    fn entry(&self, index: usize) -> Option<(&str, Value<'_>)> {
        self.0.get(index).map(|(name, value)| (*name, Value::from(*value)))
    }

    fn element(&self) -> Element {
        Element::Text
    }
}

struct Columns<'a>(&'a [model::Name]);

impl List for Columns<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<Value<'_>> {
        self.0.get(index).map(|name| Value::from(&**name))
    }

    fn type_name(&self) -> &str {
        "[]string"
    }
}

struct Values<'a>(Vec<Cells<'a>>);

impl List for Values<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<Value<'_>> {
        self.0.get(index).map(|cells| Value::list(cells))
    }

    fn type_name(&self) -> &str {
        "[][]interface {}"
    }
}

struct Cells<'a>(&'a [Option<model::Value>]);

impl List for Cells<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> Option<Value<'_>> {
        self.0.get(index).map(|cell| cell.as_ref().map_or(Value::Nil, cell_value))
    }
}

fn cell_value(value: &model::Value) -> Value<'_> {
    match value {
        model::Value::Null => Value::Nil,
        model::Value::Float(number) => Value::Float(*number),
        model::Value::Int(number) => Value::Int(*number),
        model::Value::Bool(truth) => Value::Bool(*truth),
        model::Value::Str(text) => Value::from(&**text),
        model::Value::Time(nanos) => Value::time(*nanos),
        model::Value::Duration(nanos) => Value::Duration(*nanos),
    }
}
