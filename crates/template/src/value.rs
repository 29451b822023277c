//! What a template reads: lazy values, and the traits through which a caller offers its own data.

use std::borrow::Cow;

use crate::time::Time;

/// A value a template can read, compare and print. Cloning is cheap unless the text is owned.
#[derive(Clone)]
pub enum Value<'a> {
    /// Nothing: a missing key or a nil. Prints `<no value>` on its own and `<nil>` inside others.
    Nil,
    /// A Go `bool`.
    Bool(bool),
    /// A Go `int64`: an integer field of a point.
    Int(i64),
    /// A Go `int`: an integer literal, a length, a year.
    Native(i64),
    /// A Go `uint8`: one byte of a string, from `index`.
    Byte(u8),
    /// A Go `float64`.
    Float(f64),
    /// A Go `string`.
    Str(Cow<'a, str>),
    /// A string that an html template may use unescaped where its content fits.
    Safe(Content, Cow<'a, str>),
    /// A moment in UTC.
    Time(Time),
    /// A duration in nanoseconds.
    Duration(i64),
    /// An integer with a name, such as a month or an alert level.
    Named(&'static NamedInt, i64),
    /// A Go slice, or a part of one.
    List(Span<'a>),
    /// A Go map with string keys.
    Map(&'a dyn Map),
    /// A Go struct.
    Object(&'a dyn Object),
}

/// What a safe string is safe as: the named string types of Go's `html/template`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// `template.CSS`
    Css,
    /// `template.HTML`
    Html,
    /// `template.HTMLAttr`
    HtmlAttr,
    /// `template.JS`
    Js,
    /// `template.JSStr`
    JsStr,
    /// `template.URL`
    Url,
    /// `template.Srcset`
    Srcset,
}

impl Content {
    fn type_name(self) -> &'static str {
        match self {
            Content::Css => "template.CSS",
            Content::Html => "template.HTML",
            Content::HtmlAttr => "template.HTMLAttr",
            Content::Js => "template.JS",
            Content::JsStr => "template.JSStr",
            Content::Url => "template.URL",
            Content::Srcset => "template.Srcset",
        }
    }
}

/// A Go integer type with a `String` method: prints as text, compares as a number.
#[derive(Debug)]
pub struct NamedInt {
    /// Go's name of the type: `alert.Level`.
    pub type_name: &'static str,
    /// Value of the first of `texts`.
    pub first: i64,
    /// Texts of the values from `first` on.
    pub texts: &'static [&'static str],
    /// Text of every other value.
    pub unknown: &'static str,
    /// Whether JSON shows the text (the type has `MarshalText`) or the number.
    pub json_text: bool,
}

impl NamedInt {
    /// The text of `value`.
    pub fn text(&self, value: i64) -> &'static str {
        let index = value.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.texts.get(index).copied()).unwrap_or(self.unknown)
    }
}

/// Go's `time.Month`.
pub static MONTH: NamedInt = NamedInt {
    type_name: "time.Month",
    first: 1,
    texts: &crate::layout::MONTHS,
    unknown: "%!Month",
    json_text: false,
};

/// Go's `time.Weekday`.
pub static WEEKDAY: NamedInt = NamedInt {
    type_name: "time.Weekday",
    first: 0,
    texts: &crate::layout::WEEKDAYS,
    unknown: "%!Weekday",
    json_text: false,
};

/// Kapacitor's `alert.Level` as a number with a name (alert event payloads). The data of id,
/// message and details templates holds the level as a plain string instead.
pub static LEVEL: NamedInt = NamedInt {
    type_name: "alert.Level",
    first: 0,
    texts: &["OK", "INFO", "WARNING", "CRITICAL"],
    unknown: "unknown",
    json_text: true,
};

/// A Go slice.
pub trait List {
    /// Number of elements.
    fn len(&self) -> usize;
    /// The element at `index`, if there is one.
    fn get(&self, index: usize) -> Option<Value<'_>>;
    /// Go's name of the type.
    fn type_name(&self) -> &str {
        "[]interface {}"
    }
    /// Whether there are no elements.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What a map holds, which decides what `index` gives for a missing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `map[string]string`: the empty string.
    Text,
    /// `map[string]interface {}`: nil.
    Any,
}

/// A Go map with string keys, in ascending order of the keys' bytes.
pub trait Map {
    /// Number of entries.
    fn len(&self) -> usize;
    /// The value of `key`, if present.
    fn get(&self, key: &str) -> Option<Value<'_>>;
    /// The entry at `index` in key order.
    fn entry(&self, index: usize) -> Option<(&str, Value<'_>)>;
    /// What the map holds.
    fn element(&self) -> Element;
    /// Whether there are no entries.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How an [`Object`] wrote its own JSON.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoded {
    /// It appended its JSON.
    Written,
    /// It has no JSON of its own: use its [`Object::shape`].
    FromShape,
    /// It holds this number, NaN or an infinity, which JSON cannot hold.
    Impossible(f64),
}

/// One field of a struct, in declaration order.
#[derive(Clone, Copy, Debug)]
pub enum Slot {
    /// An exported field whose JSON key is its name.
    Field(&'static str),
    /// An exported field with a JSON key of its own.
    Keyed {
        /// Go's name of the field.
        name: &'static str,
        /// Key in JSON.
        key: &'static str,
        /// Whether JSON leaves the field out while it is empty.
        omit_empty: bool,
    },
    /// An embedded struct: printed nested, flat in JSON, its fields reached directly.
    Embedded(&'static str, &'static [Slot]),
}

/// A Go struct: named fields, methods without arguments, and a declared order for printing.
pub trait Object {
    /// Go's name of the type, for error texts and `%T`.
    fn type_name(&self) -> &str;
    /// The exported field `name`, embedded ones included.
    fn field(&self, name: &str) -> Option<Value<'_>>;
    /// The result of the method `name`, which takes no arguments.
    fn method(&self, _name: &str) -> Option<Value<'_>> {
        None
    }
    /// The fields in declaration order, for `{{ . }}` and JSON.
    fn shape(&self) -> &'static [Slot] {
        &[]
    }
    /// Appends the value's JSON as Go's encoder writes it, if it has a form of its own.
    fn json(&self, _out: &mut String) -> Encoded {
        Encoded::FromShape
    }
    /// Appends what `{{ json . }}` shows in HTML text, less its newline: the JSON, escaped (see
    /// [`crate::json::in_html`]). An object that many templates show as a whole can write this
    /// faster than it is walked and escaped; the bytes have to be the same.
    fn json_in_html(&self, _out: &mut String) -> Encoded {
        Encoded::FromShape
    }
}

/// A part of a list: what `slice` makes without copying.
#[derive(Clone, Copy)]
pub struct Span<'a> {
    list: &'a dyn List,
    start: u32,
    len: u32,
}

impl<'a> Span<'a> {
    /// The whole of `list`; lists beyond 2^32 - 1 elements are cut there.
    pub fn whole(list: &'a dyn List) -> Span<'a> {
        Span { list, start: 0, len: u32::try_from(list.len()).unwrap_or(u32::MAX) }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element at `index`.
    pub fn get(&self, index: usize) -> Option<Value<'a>> {
        if index < self.len() { self.list.get(self.start as usize + index) } else { None }
    }

    /// Elements `from..to`, which must be in order; `to` may reach to the end of the list itself.
    pub(crate) fn part(&self, from: usize, to: usize) -> Span<'a> {
        let (from, to) = (from.min(self.capacity()), to.min(self.capacity()));
        Span { list: self.list, start: self.start + from as u32, len: to.saturating_sub(from) as u32 }
    }

    /// Elements from the start of this part to the end of the list.
    pub(crate) fn capacity(&self) -> usize {
        Span::whole(self.list).len() - self.start as usize
    }

    pub(crate) fn type_name(&self) -> &'a str {
        self.list.type_name()
    }
}

impl<'a> Value<'a> {
    /// A time in nanoseconds since the Unix epoch.
    pub fn time(nanos: i64) -> Value<'a> {
        Value::Time(Time::from_unix_nanos(nanos))
    }

    /// A list.
    pub fn list(list: &'a dyn List) -> Value<'a> {
        Value::List(Span::whole(list))
    }

    /// An owned string.
    pub(crate) fn owned(text: String) -> Value<'a> {
        Value::Str(Cow::Owned(text))
    }

    /// Go's name of the value's type.
    pub fn type_name(&self) -> &str {
        match self {
            Value::Nil => "<nil>",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int64",
            Value::Native(_) => "int",
            Value::Byte(_) => "uint8",
            Value::Float(_) => "float64",
            Value::Str(_) => "string",
            Value::Safe(content, _) => content.type_name(),
            Value::Time(_) => "time.Time",
            Value::Duration(_) => "time.Duration",
            Value::Named(named, _) => named.type_name,
            Value::List(span) => span.type_name(),
            Value::Map(map) => match map.element() {
                Element::Text => "map[string]string",
                Element::Any => "map[string]interface {}",
            },
            Value::Object(object) => object.type_name(),
        }
    }

    /// Go's truth: false for nil, zero, false, and anything of length zero.
    pub fn truth(&self) -> bool {
        match self {
            Value::Nil => false,
            Value::Bool(value) => *value,
            Value::Int(value) | Value::Native(value) | Value::Duration(value) | Value::Named(_, value) => {
                *value != 0
            }
            Value::Byte(value) => *value != 0,
            Value::Float(value) => *value != 0.0,
            Value::Str(text) | Value::Safe(_, text) => !text.is_empty(),
            Value::List(span) => !span.is_empty(),
            Value::Map(map) => !map.is_empty(),
            Value::Time(_) | Value::Object(_) => true,
        }
    }

    /// Whether the elements are interfaces to Go: a list or map of anything.
    pub(crate) fn holds_anything(&self) -> bool {
        match self {
            Value::List(span) => span.type_name() == "[]interface {}",
            Value::Map(map) => map.element() == Element::Any,
            _ => false,
        }
    }

    /// The text of a value whose Go kind is string.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Value::Str(text) | Value::Safe(_, text) => Some(text),
            _ => None,
        }
    }

    /// The number of a value whose Go kind is an integer.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Value::Int(value) | Value::Native(value) | Value::Duration(value) | Value::Named(_, value) => {
                Some(*value)
            }
            Value::Byte(value) => Some(i64::from(*value)),
            _ => None,
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Value<'a> {
        Value::Str(Cow::Borrowed(text))
    }
}

/// A `map[string]string` over pairs in ascending key order.
pub struct TextMap<'a, K, V>(pub &'a [(K, V)]);

impl<K: AsRef<str>, V: AsRef<str>> Map for TextMap<'_, K, V> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Value<'_>> {
        let found = self.0.binary_search_by(|pair| pair.0.as_ref().cmp(key)).ok()?;
        Some(Value::from(self.0[found].1.as_ref()))
    }

    fn entry(&self, index: usize) -> Option<(&str, Value<'_>)> {
        self.0.get(index).map(|(key, value)| (key.as_ref(), Value::from(value.as_ref())))
    }

    fn element(&self) -> Element {
        Element::Text
    }
}

/// A `map[string]interface {}` over pairs in ascending key order.
pub struct AnyMap<'a, K>(pub &'a [(K, Value<'a>)]);

impl<K: AsRef<str>> Map for AnyMap<'_, K> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, key: &str) -> Option<Value<'_>> {
        let found = self.0.binary_search_by(|pair| pair.0.as_ref().cmp(key)).ok()?;
        Some(self.0[found].1.clone())
    }

    fn entry(&self, index: usize) -> Option<(&str, Value<'_>)> {
        self.0.get(index).map(|(key, value)| (key.as_ref(), value.clone()))
    }

    fn element(&self) -> Element {
        Element::Any
    }
}

impl List for [Value<'_>] {
    fn len(&self) -> usize {
        <[Value<'_>]>::len(self)
    }

    fn get(&self, index: usize) -> Option<Value<'_>> {
        <[Value<'_>]>::get(self, index).cloned()
    }
}

impl List for Vec<Value<'_>> {
    fn len(&self) -> usize {
        self.as_slice().len()
    }

    fn get(&self, index: usize) -> Option<Value<'_>> {
        self.as_slice().get(index).cloned()
    }
}
