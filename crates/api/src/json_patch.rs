//! JSON patches (RFC 6902): a list of changes to a document, each of which must apply.

use serde_json::{Map, Value};

/// Operations in one patch: each may copy the whole document.
const OPERATIONS_MAX: usize = 1000;

/// Bytes that `copy` may add to a document, about.
const COPIED_MAX: usize = 1 << 20;

/// A patch.
#[derive(Debug)]
pub struct Patch(Vec<Map<String, Value>>);

impl Patch {
    /// Reads a patch. The error is the text that Go gives for what is no list of objects.
    pub fn read(patch: Value) -> Result<Patch, String> {
        let no = |value: &Value, what| {
            format!("json: cannot unmarshal {} into Go value of type jsonpatch.{what}", kind(value))
        };
        let operations = match patch {
            Value::Null => Vec::new(),
            Value::Array(operations) => operations,
            other => return Err(no(&other, "Patch")),
        };
        if operations.len() > OPERATIONS_MAX {
            return Err(format!("a patch may have {OPERATIONS_MAX} operations at most"));
        }
        let read = operations.into_iter().map(|operation| match operation {
            Value::Object(operation) => Ok(operation),
            other => Err(no(&other, "Operation")),
        });
        read.collect::<Result<_, _>>().map(Patch)
    }

    /// Changes a document. The error says which operation does not apply, in the words of the library
    /// that Kapacitor uses.
    pub fn apply(&self, document: &mut Value) -> Result<(), String> {
        let mut copied = 0;
        for operation in &self.0 {
            let text = |name: &str| operation.get(name).and_then(Value::as_str);
            let path = text("path").ok_or("patch has no path: give each operation one")?;
            let value = || operation.get("value").cloned().unwrap_or(Value::Null);
            let from = || text("from").ok_or("patch has no from: give move and copy one");
            match text("op").unwrap_or("unknown") {
                "add" => add(document, path, value(), "add")?,
                "remove" => {
                    remove(document, path, "remove")?;
                }
                "replace" => replace(document, path, value())?,
                "move" => {
                    let moved = remove(document, from()?, "move")?;
                    add(document, path, moved, "move")?;
                }
                "copy" => {
                    let value =
                        get(document, from()?).ok_or_else(|| missing("copy", "from path", path))?.clone();
                    copied += value.to_string().len();
                    if copied > COPIED_MAX {
                        return Err(format!("a patch may copy {COPIED_MAX} bytes at most"));
                    }
                    add(document, path, value, "copy")?;
                }
                "test" => {
                    let equal = match (get(document, path), value()) {
                        (None, expected) => expected.is_null(),
                        (Some(found), expected) => *found == expected,
                    };
                    if !equal {
                        return Err(format!("testing value {path} failed: test failed"));
                    }
                }
                other => return Err(format!("Unexpected kind: {other}")),
            }
        }
        Ok(())
    }
}

/// What Go calls a JSON value of that kind.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn missing(operation: &str, what: &str, path: &str) -> String {
    format!("{operation} operation does not apply: doc is missing {what}: {path}: missing value")
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// The container that a path leads into, and the last token.
fn container<'d>(document: &'d mut Value, path: &str) -> Option<(&'d mut Value, String)> {
    let (parents, key) = path.rsplit_once('/')?;
    // Whatever stands before the first slash does not count, as in the original.
    let mut at = document;
    for token in parents.split('/').skip(1) {
        at = match at {
            Value::Object(members) => members.get_mut(&unescape(token))?,
            Value::Array(items) => items.get_mut(token.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    matches!(at, Value::Object(_) | Value::Array(_)).then(|| (at, unescape(key)))
}

fn get<'d>(document: &'d Value, path: &str) -> Option<&'d Value> {
    path.split('/').skip(1).try_fold(document, |at, token| match at {
        Value::Object(members) => members.get(&unescape(token)),
        Value::Array(items) => items.get(token.parse::<usize>().ok()?),
        _ => None,
    })
}

fn add(document: &mut Value, path: &str, value: Value, operation: &str) -> Result<(), String> {
    let at = container(document, path).ok_or_else(|| missing(operation, "path", path))?;
    match at {
        (Value::Array(items), key) => {
            let place = if key == "-" { Some(items.len()) } else { key.parse::<usize>().ok() };
            let place =
                place.filter(|place| *place <= items.len()).ok_or_else(|| no_index(operation, path, &key))?;
            items.insert(place, value);
        }
        (Value::Object(members), key) => {
            members.insert(key, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str, operation: &str) -> Result<Value, String> {
    let at = container(document, path).ok_or_else(|| missing(operation, "path", path))?;
    match at {
        (Value::Array(items), key) => {
            let place = key.parse::<usize>().ok().filter(|place| *place < items.len());
            Ok(items.remove(place.ok_or_else(|| no_index(operation, path, &key))?))
        }
        (Value::Object(members), key) => members.shift_remove(&key).ok_or_else(|| {
            format!("error in {operation} for path: '{path}': Unable to remove nonexistent key: {key}: missing value")
        }),
        _ => Ok(Value::Null),
    }
}

fn replace(document: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let at = container(document, path).ok_or_else(|| missing("replace", "path", path))?;
    match at {
        (Value::Array(items), key) => {
            let place = key.parse::<usize>().ok().and_then(|place| items.get_mut(place));
            *place.ok_or_else(|| missing("replace", "key", path))? = value;
        }
        // A member that is not there is added, as in the original.
        (Value::Object(members), key) => {
            members.insert(key, value);
        }
        _ => {}
    }
    Ok(())
}

fn no_index(operation: &str, path: &str, key: &str) -> String {
    format!(
        "error in {operation} for path: '{path}': Unable to access invalid index: {key}: invalid index referenced"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn patched(patch: Value) -> Result<Value, String> {
        let mut document = json!({"id": "h", "options": {"path": "/a", "list": [1, 2], "a/b": 0}});
        Patch::read(patch)?.apply(&mut document)?;
        Ok(document["options"].clone())
    }

    #[test]
    fn operations() {
        for (patch, expected) in [
            (json!([]), json!({"path": "/a", "list": [1, 2], "a/b": 0})),
            (json!(null), json!({"path": "/a", "list": [1, 2], "a/b": 0})),
            (
                json!([{"op": "replace", "path": "/options/path", "value": "/b"}]),
                json!({"path": "/b", "list": [1, 2], "a/b": 0}),
            ),
            (
                json!([{"op": "add", "path": "/options/list/-", "value": 3}, {"op": "add", "path": "/options/list/0", "value": 0}]),
                json!({"path": "/a", "list": [0, 1, 2, 3], "a/b": 0}),
            ),
            (json!([{"op": "remove", "path": "/options/list"}]), json!({"path": "/a", "a/b": 0})),
            (
                json!([{"op": "move", "from": "/options/list/0", "path": "/options/a~1b"}]),
                json!({"path": "/a", "list": [2], "a/b": 1}),
            ),
            (
                json!([{"op": "copy", "from": "/options/path", "path": "/options/list/1"}]),
                json!({"path": "/a", "list": [1, "/a", 2], "a/b": 0}),
            ),
            (
                json!([{"op": "test", "path": "/id", "value": "h"}, {"op": "replace", "path": "/options", "value": {}}]),
                json!({}),
            ),
        ] {
            assert_eq!(patched(patch.clone()), Ok(expected), "{patch}");
        }
    }

    #[test]
    fn what_does_not_apply() {
        for (patch, expected) in [
            (json!({}), "json: cannot unmarshal object into Go value of type jsonpatch.Patch"),
            (json!([1]), "json: cannot unmarshal number into Go value of type jsonpatch.Operation"),
            (
                json!([{"op": "replace", "path": "/nosuch/x", "value": 1}]),
                "replace operation does not apply: doc is missing path: /nosuch/x: missing value",
            ),
            (
                json!([{"op": "remove", "path": "/nosuch"}]),
                "error in remove for path: '/nosuch': Unable to remove nonexistent key: nosuch: missing value",
            ),
            (json!([{"op": "test", "path": "/id", "value": 1}]), "testing value /id failed: test failed"),
            (json!([{"op": "jump", "path": "/id"}]), "Unexpected kind: jump"),
            (
                json!([{"op": "add", "path": "id"}]),
                "add operation does not apply: doc is missing path: id: missing value",
            ),
            (json!([{"op": "add"}]), "patch has no path: give each operation one"),
            (
                json!([{"op": "add", "path": "/options/list/7", "value": 1}]),
                "error in add for path: '/options/list/7': Unable to access invalid index: 7: invalid index referenced",
            ),
        ] {
            assert_eq!(patched(patch.clone()), Err(expected.to_owned()), "{patch}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(op: String, path in "[/a-z0-9~-]{0,12}", from in "[/a-z0-9~-]{0,12}") {
            let ops = ["add", "remove", "replace", "move", "copy", "test", op.as_str()];
            for op in ops {
                let _ = patched(json!([{"op": op, "path": path, "from": from, "value": [1]}]));
            }
        }
    }
}
