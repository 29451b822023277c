//! Columns as bytes: a kind, the mask, the values.

use super::CodecError;
use super::pack::{floats, ints, numbers, put_floats, put_ints, put_mask_words, put_numbers, words};
use super::read::Reader;
use super::write::{put_len, put_text};
use crate::{Column, Data, Mask, Strings, Value};
use std::sync::Arc;

const FLOAT: u8 = 0;
const INT: u8 = 1;
const BOOL: u8 = 2;
const STR: u8 = 3;
const MIXED: u8 = 4;

const MASK_FULL: u8 = 0;
const MASK_WORDS: u8 = 1;

const NULL: u8 = 0;
const VALUE_FLOAT: u8 = 1;
const VALUE_INT: u8 = 2;
const VALUE_FALSE: u8 = 3;
const VALUE_TRUE: u8 = 4;
const VALUE_STR: u8 = 5;
const VALUE_TIME: u8 = 6;
const VALUE_DURATION: u8 = 7;

/// Writes a column.
pub(super) fn put(column: &Column, out: &mut Vec<u8>) {
    match column.mask.words() {
        None => out.push(MASK_FULL),
        Some(words) => {
            out.push(MASK_WORDS);
            put_mask_words(words, out);
        }
    }
    match &column.data {
        Data::Float(values) => {
            out.push(FLOAT);
            put_floats(values, out);
        }
        Data::Int(values) => {
            out.push(INT);
            put_ints(values, out);
        }
        Data::Bool(values) => {
            out.push(BOOL);
            out.extend(values.iter().map(|&value| u8::from(value)));
        }
        Data::Str(values) => {
            let (text, ends) = values.parts();
            out.push(STR);
            put_text(text, out);
            put_numbers(ends, out);
        }
        Data::Mixed(values) => {
            out.push(MIXED);
            values.iter().for_each(|value| put_value(value, out));
        }
    }
}

fn put_value(value: &Value, out: &mut Vec<u8>) {
    let mut tagged = |tag: u8, bytes: &[u8]| {
        out.push(tag);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Null => tagged(NULL, &[]),
        Value::Float(v) => tagged(VALUE_FLOAT, &v.to_le_bytes()),
        Value::Int(v) => tagged(VALUE_INT, &v.to_le_bytes()),
        Value::Bool(v) => tagged(if *v { VALUE_TRUE } else { VALUE_FALSE }, &[]),
        Value::Time(v) => tagged(VALUE_TIME, &v.to_le_bytes()),
        Value::Duration(v) => tagged(VALUE_DURATION, &v.to_le_bytes()),
        Value::Str(v) => {
            out.push(VALUE_STR);
            put_len(v.len(), out);
            out.extend_from_slice(v.as_bytes());
        }
    }
}

/// Reads a column of `rows` rows.
pub(super) fn read(reader: &mut Reader<'_>, rows: usize) -> Result<Column, CodecError> {
    let mask = match reader.byte()? {
        MASK_FULL => Mask::all(rows),
        MASK_WORDS => mask_words(reader, rows)?,
        _ => return Err(CodecError::Invalid("mask")),
    };
    let data = match reader.byte()? {
        FLOAT => Data::Float(floats(reader, rows)?),
        INT => Data::Int(ints(reader, rows)?),
        BOOL => Data::Bool(bools(reader.take(rows)?)?),
        STR => Data::Str(strings(reader, rows)?),
        MIXED => Data::Mixed(mixed(reader, rows)?),
        _ => return Err(CodecError::Invalid("kind of column")),
    };
    Ok(Column { data, mask })
}

fn mask_words(reader: &mut Reader<'_>, rows: usize) -> Result<Mask, CodecError> {
    let words: Vec<i64> = words(reader, rows.div_ceil(64))?;
    Ok(Mask::from_words(words.into_iter().map(|word| word as u64).collect(), rows))
}

fn bools(bytes: &[u8]) -> Result<Vec<bool>, CodecError> {
    if bytes.iter().any(|&byte| byte > 1) {
        return Err(CodecError::Invalid("boolean"));
    }
    Ok(bytes.iter().map(|&byte| byte == 1).collect())
}

fn strings(reader: &mut Reader<'_>, rows: usize) -> Result<Strings, CodecError> {
    let text = reader.text()?;
    let ends = numbers(reader, rows)?;
    if ends.last().copied().unwrap_or(0) as usize != text.len() {
        return Err(CodecError::Invalid("text length"));
    }
    Strings::from_parts(text.to_owned(), ends).ok_or(CodecError::Invalid("text boundary"))
}

fn mixed(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<Value>, CodecError> {
    if reader.remaining() < rows {
        return Err(CodecError::Truncated);
    }
    (0..rows).map(|_| value(reader)).collect()
}

fn value(reader: &mut Reader<'_>) -> Result<Value, CodecError> {
    Ok(match reader.byte()? {
        NULL => Value::Null,
        VALUE_FLOAT => Value::Float(f64::from_le_bytes(reader.array()?)),
        VALUE_INT => Value::Int(i64::from_le_bytes(reader.array()?)),
        VALUE_FALSE => Value::Bool(false),
        VALUE_TRUE => Value::Bool(true),
        VALUE_STR => Value::Str(Arc::from(reader.text()?)),
        VALUE_TIME => Value::Time(i64::from_le_bytes(reader.array()?)),
        VALUE_DURATION => Value::Duration(i64::from_le_bytes(reader.array()?)),
        _ => return Err(CodecError::Invalid("kind of value")),
    })
}
