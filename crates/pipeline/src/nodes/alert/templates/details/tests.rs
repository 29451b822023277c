//! The details written at once are those that the template makes of the data by its names.

use crate::node::Server;
use crate::nodes::alert::templates::{DetailsInfo, Happening, Subject, Templates};
use model::{Level, Name, TagSet, Value};
use proptest::prelude::*;
use std::collections::BTreeMap;
use template::{Encoded, Object, Slot, Template};

/// The data without the short cut, so that it is walked by its shape.
struct Walked<'a>(&'a DetailsInfo<'a>);

impl Object for Walked<'_> {
    fn type_name(&self) -> &str {
        self.0.type_name()
    }

    fn field(&self, name: &str) -> Option<template::Value<'_>> {
        self.0.field(name)
    }

    fn shape(&self) -> &'static [Slot] {
        self.0.shape()
    }
}

fn render(template: &Template, data: &dyn Object) -> String {
    let mut out = String::new();
    template.render(data, &mut out).expect("JSON is always made of it");
    out
}

/// All that JSON or HTML escapes, and characters beyond ASCII, some of them neighbours of those.
const SPECIAL: &str =
    "<>&'\"+\\/\0\n\r\t\u{1}\u{8}\u{c}\u{1f}\u{7f}\u{e9}\u{2028}\u{2029}\u{202a}\u{fffd}\u{1f600}";

/// Numbers around which the forms of a number change, and those that JSON cannot hold.
const NUMBERS: [f64; 11] =
    [0.0, -0.0, 1e21, -1e21, 9.99e20, 1e-6, 1e-7, f64::MIN, f64::MAX, f64::NAN, f64::NEG_INFINITY];

fn text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(SPECIAL.chars().collect::<Vec<char>>());
    let piece = prop_oneof![
        3 => "[a-z0-9:=. ]{1,8}",
        3 => special.prop_map(String::from),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let round = (-1_000_000_000i64..1_000_000_000, -30i32..30);
    prop_oneof![
        1 => Just(Value::Null),
        3 => round.prop_map(|(digits, power)| Value::Float(digits as f64 * 10f64.powi(power))),
        1 => prop::num::f64::ANY.prop_map(Value::Float),
        1 => prop::sample::select(NUMBERS.to_vec()).prop_map(Value::Float),
        2 => any::<i64>().prop_map(Value::Int),
        1 => any::<bool>().prop_map(Value::Bool),
        3 => text().prop_map(|text| Value::str(&text)),
        1 => any::<i64>().prop_map(Value::Time),
        1 => any::<i64>().prop_map(Value::Duration),
    ]
}

fn server() -> impl Strategy<Value = Server> {
    (text(), text(), text()).prop_map(|(hostname, cluster_id, server_id)| Server {
        hostname,
        cluster_id,
        server_id,
        ..Server::default()
    })
}

proptest! {
    #[test]
    fn written_at_once_or_walked(
        server in server(),
        [name, task, group, id, message] in [text(), text(), text(), text(), text()],
        tags in prop::collection::btree_map(text(), text(), 0..4),
        fields in prop::collection::btree_map(text(), value(), 0..5),
        level in prop::sample::select(Level::ALL.to_vec()),
        (time, duration) in (any::<i64>(), any::<i64>()),
        source in prop::sample::select(vec![
            "{{ json . }}",
            "{{ jsonCompact . }}",
            "<b>{{ .Message }}</b> {{ json . }}",
        ]),
    ) {
        let templates = Templates::parse("", "", source, &server).expect("good templates");
        let tags = TagSet::new(tags);
        let fields: Vec<(Name, Value)> =
            BTreeMap::into_iter(fields).map(|(name, value)| (name.into(), value)).collect();
        let subject = Subject { name: &name, task: &task, group: &group, tags: &tags };
        let happening = Happening { fields: &fields, level, time, duration };
        let info = DetailsInfo { info: templates.message_info(&id, subject, happening), message: &message };
        let at_once = render(&templates.details, &info);
        prop_assert_eq!(&at_once, &render(&templates.details, &Walked(&info)));

        // The short cut was taken, or there was no JSON to write.
        let mut short = String::new();
        let impossible = fields.iter().any(|(_, value)| matches!(value, Value::Float(v) if !v.is_finite()));
        prop_assert_eq!(info.json_in_html(&mut short) == Encoded::Written, !impossible);
        prop_assert!(impossible || at_once.trim_end_matches('\n').ends_with(&short));
    }
}
