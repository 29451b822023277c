//! Writing the configuration: as pure TOML that loads again, and as an annotated sample.

use toml::Value;

use crate::setting::{Field, Setting, Shape, Table};
use crate::tables::Config;

/// The configuration as TOML: every table, values as they are in force. Reading it again gives
/// an equal configuration. Secrets are not hidden: the output is a file to start from.
pub fn to_toml(config: &Config) -> String {
    let mut printer = Printer { out: String::new(), annotated: false };
    printer.table(config, "", 0);
    printer.out
}

/// The defaults as TOML with the documentation of every table and key in comments, one element
/// of each kind of list included as a comment.
pub fn sample() -> String {
    let mut printer = Printer { out: String::new(), annotated: true };
    let config = Config { data_dir: "/var/lib/kapacitor".to_owned(), ..Config::default() };
    printer.table(&config, "", 0);
    printer.out
}

struct Printer {
    out: String,
    annotated: bool,
}

impl Printer {
    /// Writes plain values first: in TOML everything after a header belongs to it.
    fn table(&mut self, table: &dyn Table, path: &str, depth: usize) {
        let settings = table.settings();
        let fields = || table.fields().iter().zip(&settings);
        for (field, setting) in fields() {
            self.plain(field, *setting, depth);
        }
        for (field, setting) in fields() {
            self.nested(field, *setting, path, depth);
        }
    }

    fn plain(&mut self, field: &Field, setting: &dyn Setting, depth: usize) {
        match setting.shape() {
            Shape::Plain(value) => {
                self.doc(field, depth);
                self.entry(field.key, &value, depth);
            }
            Shape::Absent if self.annotated => {
                self.doc(field, depth);
                self.line(depth, &format!("# {} = {}", field.key, setting.wanted()));
            }
            // Without this line the list would get its default element when read again.
            Shape::Tables(elements) if elements.is_empty() && !self.annotated => {
                self.line(depth, &format!("{} = []", field.key));
            }
            _ => {}
        }
    }

    fn nested(&mut self, field: &Field, setting: &dyn Setting, path: &str, depth: usize) {
        let path = if path.is_empty() { field.key.to_owned() } else { format!("{path}.{}", field.key) };
        match setting.shape() {
            Shape::Plain(_) | Shape::Absent => {}
            Shape::Table(table) => {
                self.header(field, &format!("[{path}]"), depth);
                self.table(table, &path, depth + 1);
            }
            Shape::Tables(elements) => {
                if elements.is_empty() && self.annotated {
                    self.header(field, &format!("# [[{path}]]"), depth);
                }
                for element in elements {
                    self.header(field, &format!("[[{path}]]"), depth);
                    self.table(element, &path, depth + 1);
                }
            }
            Shape::Map(entries) => {
                self.header(field, &format!("[{path}]"), depth);
                for (key, value) in entries {
                    self.entry(&quoted_key(&key), &value, depth + 1);
                }
            }
            Shape::TableMap(entries) => {
                self.header(field, &format!("[{path}]"), depth);
                for (key, table) in entries {
                    let path = format!("{path}.{}", quoted_key(&key));
                    self.blank();
                    self.line(depth + 1, &format!("[{path}]"));
                    self.table(table, &path, depth + 2);
                }
            }
        }
    }

    fn header(&mut self, field: &Field, header: &str, depth: usize) {
        self.blank();
        self.doc(field, depth);
        self.line(depth, header);
    }

    fn doc(&mut self, field: &Field, depth: usize) {
        if self.annotated {
            for line in field.doc {
                self.line(depth, &format!("#{line}"));
            }
        }
    }

    fn entry(&mut self, key: &str, value: &Value, depth: usize) {
        self.line(depth, &format!("{key} = {value}"));
    }

    fn line(&mut self, depth: usize, text: &str) {
        for _ in 0..depth {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn blank(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }
}

/// A free key as TOML wants it: bare if it can be.
fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { key.to_owned() } else { Value::String(key.to_owned()).to_string() }
}
