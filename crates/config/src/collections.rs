//! Settings that hold several values: lists of texts, free maps, lists and maps of tables.

use std::collections::BTreeMap;

use toml::de::DeValue;
use toml::{Spanned, Value};

use crate::environment::EnvWalk;
use crate::file::FileWalk;
use crate::setting::{Field, Setting, Shape, Table};

/// The texts of a TOML list, or `None` after reporting what is not one.
fn read_texts(value: &Spanned<DeValue<'_>>, walk: &mut FileWalk<'_>) -> Option<Vec<String>> {
    let DeValue::Array(items) = value.get_ref() else {
        walk.wrong_type(value.span(), "a list of texts", value.get_ref());
        return None;
    };
    let mut texts = Vec::new();
    for item in items.iter() {
        match item.get_ref().as_str() {
            Some(text) => texts.push(text.to_owned()),
            None => {
                walk.wrong_type(item.span(), "a list of texts", item.get_ref());
                return None;
            }
        }
    }
    Some(texts)
}

fn texts_value(texts: &[String]) -> Value {
    Value::Array(texts.iter().cloned().map(Value::String).collect())
}

impl Setting for Vec<String> {
    fn zero() -> Self {
        Vec::new()
    }

    fn wanted(&self) -> &'static str {
        "a list of texts"
    }

    fn read(&mut self, value: &Spanned<DeValue<'_>>, _field: &Field, walk: &mut FileWalk<'_>) {
        if let Some(texts) = read_texts(value, walk) {
            *self = texts;
        }
    }

    fn override_from(&mut self, name: &str, field: &Field, walk: &mut EnvWalk<'_>) {
        if field.commas
            && let Some(all) = walk.take(name)
        {
            *self =
                all.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        }
        for (index, text) in self.iter_mut().enumerate() {
            text.override_from(&format!("{name}_{index}"), field, walk);
        }
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Plain(texts_value(self))
    }
}

impl Setting for BTreeMap<String, String> {
    fn zero() -> Self {
        BTreeMap::new()
    }

    fn wanted(&self) -> &'static str {
        "a table of texts"
    }

    // As in Go, entries are added to those the default has.
    fn read(&mut self, value: &Spanned<DeValue<'_>>, _field: &Field, walk: &mut FileWalk<'_>) {
        let DeValue::Table(entries) = value.get_ref() else {
            return walk.wrong_type(value.span(), "a table of texts", value.get_ref());
        };
        for (key, item) in entries {
            match item.get_ref().as_str() {
                Some(text) => {
                    self.insert(key.get_ref().to_string(), text.to_owned());
                }
                None => walk.inside(key.get_ref(), |walk| {
                    walk.wrong_type(item.span(), "a text", item.get_ref());
                }),
            }
        }
    }

    fn override_from(&mut self, name: &str, _field: &Field, walk: &mut EnvWalk<'_>) {
        self.extend(walk.take_entries(name));
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Map(self.iter().map(|(key, text)| (key.clone(), Value::String(text.clone()))).collect())
    }
}

impl Setting for BTreeMap<String, Vec<String>> {
    fn zero() -> Self {
        BTreeMap::new()
    }

    fn wanted(&self) -> &'static str {
        "a table of lists of texts"
    }

    fn read(&mut self, value: &Spanned<DeValue<'_>>, _field: &Field, walk: &mut FileWalk<'_>) {
        let DeValue::Table(entries) = value.get_ref() else {
            return walk.wrong_type(value.span(), "a table of lists of texts", value.get_ref());
        };
        for (key, item) in entries {
            walk.inside(key.get_ref(), |walk| {
                if let Some(texts) = read_texts(item, walk) {
                    self.insert(key.get_ref().to_string(), texts);
                }
            });
        }
    }

    // Kapacitor has no variables for lists in a map, and its names would run into those of the
    // neighbouring settings (subscriptions, subscriptions-sync-interval).
    fn override_from(&mut self, _name: &str, _field: &Field, _walk: &mut EnvWalk<'_>) {}

    fn shape(&self) -> Shape<'_> {
        Shape::Map(self.iter().map(|(key, texts)| (key.clone(), texts_value(texts))).collect())
    }
}

impl<T: Table + Setting + Default> Setting for Vec<T> {
    fn zero() -> Self {
        Vec::new()
    }

    fn wanted(&self) -> &'static str {
        "a list of tables"
    }

    // Go's decoder fills the elements the defaults already have when they suffice, and starts
    // from zero values when it needs more; sections that may be one table always start from zero.
    fn read(&mut self, value: &Spanned<DeValue<'_>>, field: &Field, walk: &mut FileWalk<'_>) {
        match value.get_ref() {
            DeValue::Array(items) => {
                if field.single || items.len() > self.len() {
                    *self = items.iter().map(|_| T::zero()).collect();
                }
                self.truncate(items.len());
                for (index, (element, item)) in self.iter_mut().zip(items.iter()).enumerate() {
                    walk.element(index, element, item, field);
                }
            }
            DeValue::Table(_) if field.single => {
                let mut element = T::zero();
                element.read(value, field, walk);
                *self = vec![element];
            }
            DeValue::Table(_) => walk.not_a_list(value.span()),
            other => walk.wrong_type(value.span(), "a list of tables", other),
        }
    }

    fn override_from(&mut self, name: &str, field: &Field, walk: &mut EnvWalk<'_>) {
        if field.implicit_index
            && let [only] = self.as_mut_slice()
        {
            only.override_from(name, field, walk);
        }
        for (index, element) in self.iter_mut().enumerate() {
            element.override_from(&format!("{name}_{index}"), field, walk);
        }
    }

    fn fill(&mut self) {
        self.iter_mut().for_each(T::fill);
    }

    fn shape(&self) -> Shape<'_> {
        Shape::Tables(self.iter().map(|element| element as &dyn Table).collect())
    }
}

impl<T: Table + Setting + Default> Setting for BTreeMap<String, T> {
    fn zero() -> Self {
        BTreeMap::new()
    }

    fn wanted(&self) -> &'static str {
        "a table of tables"
    }

    fn read(&mut self, value: &Spanned<DeValue<'_>>, field: &Field, walk: &mut FileWalk<'_>) {
        let DeValue::Table(entries) = value.get_ref() else {
            return walk.wrong_type(value.span(), "a table of tables", value.get_ref());
        };
        for (key, item) in entries {
            walk.inside(key.get_ref(), |walk| {
                let mut element = T::default();
                element.read(item, field, walk);
                self.insert(key.get_ref().to_string(), element);
            });
        }
    }

    fn override_from(&mut self, name: &str, field: &Field, walk: &mut EnvWalk<'_>) {
        for (key, element) in self {
            let part = key.replace('-', "_").to_uppercase();
            element.override_from(&format!("{name}_{part}"), field, walk);
        }
    }

    fn fill(&mut self) {
        self.values_mut().for_each(T::fill);
    }

    fn shape(&self) -> Shape<'_> {
        Shape::TableMap(self.iter().map(|(key, element)| (key.clone(), element as &dyn Table)).collect())
    }
}
