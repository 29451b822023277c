//! The fast path of common templates gives what the evaluator gives, over any data.

use std::borrow::Cow;

use proptest::prelude::*;
use template::{AnyMap, Encoded, Object, Slot, TextMap, Time, Value, json};

/// A value of a field of a point, or of an event.
#[derive(Clone, Debug)]
enum Datum {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(i64),
    Duration(i64),
}

impl Datum {
    fn value(&self) -> Value<'_> {
        match self {
            Datum::Nil => Value::Nil,
            Datum::Bool(flag) => Value::Bool(*flag),
            Datum::Int(number) => Value::Int(*number),
            Datum::Float(number) => Value::Float(*number),
            Datum::Text(text) => Value::Str(Cow::Borrowed(text)),
            Datum::Time(nanos) => Value::time(*nanos),
            Datum::Duration(nanos) => Value::Duration(*nanos),
        }
    }
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z<>&'\"+=\\\\\\x00-\\x1f]{0,8}", "\\PC{0,8}", Just(String::new())]
}

fn datum() -> impl Strategy<Value = Datum> {
    prop_oneof![
        Just(Datum::Nil),
        any::<bool>().prop_map(Datum::Bool),
        any::<i64>().prop_map(Datum::Int),
        any::<f64>().prop_map(Datum::Float),
        (-1_000_000i64..1_000_000).prop_map(|number| Datum::Float(number as f64 / 1000.0)),
        Just(Datum::Float(f64::NAN)),
        Just(Datum::Float(f64::INFINITY)),
        texts().prop_map(Datum::Text),
        any::<i64>().prop_map(Datum::Time),
        any::<i64>().prop_map(Datum::Duration),
    ]
}

/// An event with an own form of JSON, or without.
struct Event<'e> {
    name: &'e str,
    one: &'e Datum,
    tags: TextMap<'e, &'e str, &'e str>,
    fields: AnyMap<'e, &'e str>,
    own_json: bool,
}

const SHAPE: &[Slot] =
    &[Slot::Field("Name"), Slot::Field("One"), Slot::Field("Tags"), Slot::Field("Fields"), Slot::Field("At")];

impl Event<'_> {
    fn encode(&self, out: &mut String) -> Encoded {
        let finite = !matches!(self.one, Datum::Float(number) if !number.is_finite());
        if !self.own_json || !finite {
            return Encoded::FromShape;
        }
        let start = out.len();
        out.push('{');
        for (index, slot) in SHAPE.iter().enumerate() {
            let Slot::Field(name) = slot else { continue };
            if index > 0 {
                out.push(',');
            }
            json::put_string(out, name);
            out.push(':');
            if json::encode(out, &self.field(name).unwrap_or(Value::Nil)).is_err() {
                out.truncate(start);
                return Encoded::FromShape;
            }
        }
        out.push('}');
        Encoded::Written
    }
}

impl Object for Event<'_> {
    fn type_name(&self) -> &str {
        "main.event"
    }

    fn field(&self, name: &str) -> Option<Value<'_>> {
        Some(match name {
            "Name" => Value::from(self.name),
            "One" => self.one.value(),
            "Tags" => Value::Map(&self.tags),
            "Fields" => Value::Map(&self.fields),
            "At" => Value::Time(Time::ZERO),
            _ => return None,
        })
    }

    fn shape(&self) -> &'static [Slot] {
        SHAPE
    }

    fn json(&self, out: &mut String) -> Encoded {
        self.encode(out)
    }

    fn json_in_html(&self, out: &mut String) -> Encoded {
        let mut plain = String::new();
        let encoded = self.encode(&mut plain);
        if encoded == Encoded::Written {
            for c in plain.chars() {
                match c {
                    '"' => out.push_str("&#34;"),
                    '\'' => out.push_str("&#39;"),
                    '+' => out.push_str("&#43;"),
                    c => out.push(c),
                }
            }
        }
        encoded
    }
}

/// What a flat template is made of, and what looks like it but is not.
const PIECES: &[&str] = &[
    "{{ .Name }}",
    "{{.One}}",
    "{{ .Fields }}",
    "{{ .Tags.host }}",
    "{{ .Tags.none }}",
    "{{ .Fields.value }}",
    "{{ .Fields.none }}",
    "{{ index .Tags \"host\" }}",
    "{{ index .Tags \"none\" }}",
    "{{ index .Fields \"value\" }}",
    "{{ index .Fields \"none\" }}",
    "{{ index .One \"x\" }}",
    "{{ json . }}",
    "{{ jsonCompact . }}",
    "{{ .At }}",
    "{{ .Nope }}",
    "{{ .One.x }}",
    " is ",
    ":",
    "<b>",
    "</b>",
    "é\n",
    "<p title=\"",
    "\">",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn fast_and_general_path_agree(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 1..6),
        name in texts(),
        host in texts(),
        one in datum(),
        value in datum(),
        own_json in any::<bool>(),
    ) {
        let tags = [("host", host.as_str())];
        let fields = [("value", value.value())];
        let event =
            Event { name: &name, one: &one, tags: TextMap(&tags), fields: AnyMap(&fields), own_json };
        let source = pieces.concat();
        for template in [
            template::Template::text(&source, "message"),
            template::Template::text_with_json(&source, "body"),
            template::Template::html(&source, "details"),
        ] {
            let Ok(template) = template else { continue };
            let (mut fast, mut general) = (String::from("kept"), String::from("kept"));
            let fast_result = template.render(&event, &mut fast);
            let general_result = template.render_value(Value::Object(&event), &mut general);
            prop_assert_eq!(fast_result, general_result, "{}", source);
            prop_assert_eq!(fast, general, "{}", source);
        }
    }
}
