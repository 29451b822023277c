//! The builtin functions. Errors are Go's texts, without the `error calling f:` before them.

use std::borrow::Cow;

use crate::compare;
use crate::format;
use crate::function::Function;
use crate::json;
use crate::text;
use crate::value::{Content, Element, Value};

type Outcome<'a> = Result<Value<'a>, String>;

/// Calls `function`, whose number of arguments has been checked; `max` is the largest text in bytes
/// that is of use. `and`, `or`,
/// `call` and `slice` are the evaluator's own: the first two need not evaluate all their
/// arguments, and the last two want to know how an argument came about.
pub(crate) fn call<'a>(function: Function, args: &[Value<'a>], html: bool, max: usize) -> Outcome<'a> {
    let (first, rest) = match args.split_first() {
        Some((first, rest)) => (first, rest),
        None => (&Value::Nil, args),
    };
    let second = rest.first().unwrap_or(&Value::Nil);
    Ok(match function {
        Function::And | Function::Or | Function::Call | Function::Slice => Value::Nil,
        Function::Index => return index(first, rest),
        Function::Len => Value::Native(len(first)?),
        Function::Not => Value::Bool(!first.truth()),
        Function::Print => Value::owned(format::print(args)),
        Function::Println => Value::owned(format::println(args)),
        Function::Printf => Value::owned(format::printf(first.text().unwrap_or_default(), rest, max)),
        Function::Html => Value::owned(text::html(&text::join(args))),
        Function::Js => Value::owned(text::js(&text::join(args))),
        Function::UrlQuery => Value::owned(text::url_query(&text::join(args))),
        Function::Eq => Value::Bool(compare::eq(first, rest)?),
        Function::Ne => Value::Bool(!compare::eq(first, rest)?),
        Function::Lt => Value::Bool(compare::lt(first, second)?),
        Function::Le => Value::Bool(compare::le(first, second)?),
        Function::Gt => Value::Bool(!compare::le(first, second)?),
        Function::Ge => Value::Bool(!compare::lt(first, second)?),
        Function::Json => json_text(first, "\n", html),
        Function::JsonCompact => json_text(first, "", html),
        Function::EvalArgs => Value::owned(format::print(args)),
        Function::Escape(escaper) => Value::owned(escaper.apply(args)),
    })
}

/// Kapacitor ignores errors of the encoder, which then leaves nothing.
fn json_text<'a>(value: &Value<'a>, end: &str, html: bool) -> Value<'a> {
    let mut out = String::new();
    match json::encode(&mut out, value) {
        Ok(()) => out.push_str(end),
        Err(_) => out.clear(),
    }
    if html { Value::Safe(Content::Js, Cow::Owned(out)) } else { Value::owned(out) }
}

/// An index into something of `len` elements, one past the end included.
fn position(index: &Value<'_>, len: usize) -> Result<usize, String> {
    let number = match index {
        Value::Nil => return Err("cannot index slice/array with nil".into()),
        value => match value.integer() {
            Some(number) => number,
            None => {
                let kind = value.type_name();
                return Err(format!("cannot index slice/array with type {kind}"));
            }
        },
    };
    match usize::try_from(number) {
        Ok(position) if position <= len => Ok(position),
        _ => Err(format!("index out of range: {number}")),
    }
}

fn index<'a>(item: &Value<'a>, indexes: &[Value<'a>]) -> Outcome<'a> {
    if matches!(item, Value::Nil) {
        return Err("index of untyped nil".into());
    }
    let mut item = item.clone();
    for index in indexes {
        item = match &item {
            Value::Nil => return Err("index of nil pointer".into()),
            Value::Str(text) | Value::Safe(_, text) => {
                let at = position(index, text.len())?;
                let byte = text.as_bytes().get(at).ok_or("reflect: string index out of range")?;
                Value::Byte(*byte)
            }
            Value::List(span) => {
                let at = position(index, span.len())?;
                span.get(at).ok_or("reflect: slice index out of range")?
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Str(key) => key,
                    Value::Nil => return Err("value is nil; should be of type string".into()),
                    other => {
                        let kind = other.type_name();
                        return Err(format!("value has type {kind}; should be string"));
                    }
                };
                map.get(key).unwrap_or_else(|| match map.element() {
                    Element::Text => Value::from(""),
                    Element::Any => Value::Nil,
                })
            }
            other => return Err(format!("can't index item of type {}", other.type_name())),
        };
    }
    Ok(item)
}

/// The part of the first argument between the others, of which the one at `boxed` (counted with the
/// first) is the first that came out of a map or list of anything: Go does not take those for indexes.
pub(crate) fn slice<'a>(args: &[Value<'a>], boxed: Option<usize>) -> Outcome<'a> {
    let (item, indexes) = match args.split_first() {
        None | Some((Value::Nil, _)) => return Err("slice of untyped nil".into()),
        Some(parts) => parts,
    };
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()));
    }
    let (len, capacity) = match item {
        Value::Str(_) | Value::Safe(..) if indexes.len() == 3 => {
            return Err("cannot 3-index slice a string".into());
        }
        Value::Str(text) | Value::Safe(_, text) => (text.len(), text.len()),
        Value::List(span) => (span.len(), span.capacity()),
        other => return Err(format!("can't slice item of type {}", other.type_name())),
    };
    let mut bounds = [0, len, capacity];
    for (at, (bound, index)) in bounds.iter_mut().zip(indexes).enumerate() {
        if boxed == Some(at + 1) {
            return Err("cannot index slice/array with type interface {}".into());
        }
        *bound = position(index, capacity)?;
    }
    let [from, to, end] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}"));
    }
    if indexes.len() == 3 && to > end {
        return Err(format!("invalid slice index: {to} > {end}"));
    }
    Ok(match item {
        Value::List(span) => Value::List(span.part(from, to)),
        Value::Str(text) => Value::Str(cut(text, from, to)),
        Value::Safe(content, text) => Value::Safe(*content, cut(text, from, to)),
        _ => Value::Nil,
    })
}

/// Bytes `from..to`; a character cut in half becomes U+FFFD, since our text is always UTF-8.
fn cut<'a>(text: &Cow<'a, str>, from: usize, to: usize) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => match text.get(from..to) {
            Some(part) => Cow::Borrowed(part),
            None => String::from_utf8_lossy(text.as_bytes().get(from..to).unwrap_or_default()),
        },
        Cow::Owned(text) => Cow::Owned(
            String::from_utf8_lossy(text.as_bytes().get(from..to).unwrap_or_default()).into_owned(),
        ),
    }
}

fn len(item: &Value<'_>) -> Result<i64, String> {
    let len = match item {
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Value::Str(text) | Value::Safe(_, text) => text.len(),
        Value::List(span) => span.len(),
        Value::Map(map) => map.len(),
        other => return Err(format!("len of type {}", other.type_name())),
    };
    Ok(len as i64)
}
