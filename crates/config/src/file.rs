//! Reading a configuration file into the typed tables: keys match as Go's decoder matches them
//! (exactly, else without regard to case), every problem is collected with its line.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Origin, Problem};
use crate::setting::{Field, Setting, Table};
use crate::suggest::nearest;

/// A walk over one file: where it is, and what it found wrong.
#[derive(Debug)]
pub struct FileWalk<'a> {
    text: &'a str,
    path: String,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
}

/// Reads the whole text into `root`. Returns problems and warnings; with a problem the table
/// holds what could be read.
pub(crate) fn read_file(root: &mut dyn Table, text: &str) -> (Vec<Problem>, Vec<Problem>) {
    let mut walk = FileWalk { text, path: String::new(), problems: Vec::new(), warnings: Vec::new() };
    let (parsed, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        // A broken line often breaks the parser's view of the next ones: the first is the true one.
        if walk.problems.is_empty() {
            let span = error.span().unwrap_or(0..0);
            walk.problem(span, format!("not valid TOML: {}", error.message()), None);
        }
    }
    if walk.problems.is_empty() {
        walk.table(root, parsed.get_ref());
    }
    // The parser hands keys over in the order of their names; people read from the top.
    let line = |problem: &Problem| match problem.origin {
        Origin::Line(line) => line,
        _ => usize::MAX,
    };
    walk.problems.sort_by_key(line);
    walk.warnings.sort_by_key(line);
    (walk.problems, walk.warnings)
}

impl FileWalk<'_> {
    /// Reads the entries of one table.
    pub(crate) fn table(&mut self, table: &mut dyn Table, entries: &DeTable<'_>) {
        let fields = table.fields();
        let mut seen: Vec<Option<&str>> = vec![None; fields.len()];
        for (key, value) in entries {
            let name: &str = key.get_ref();
            let Some(index) = find_field(fields, name) else {
                self.unknown_key(table, name, key.span());
                continue;
            };
            if let Some(other) = seen[index] {
                let message = format!("{} is set twice, as {other} and as {name}", self.dotted(name));
                self.problem(key.span(), message, Some("keep one of them".to_owned()));
                continue;
            }
            seen[index] = Some(name);
            self.inside(fields[index].key, |walk| {
                table.settings_mut()[index].read(value, &fields[index], walk);
            });
        }
    }

    /// Reads one element of a list of tables.
    pub(crate) fn element(
        &mut self,
        index: usize,
        setting: &mut dyn Setting,
        value: &Spanned<DeValue<'_>>,
        field: &Field,
    ) {
        let length = self.path.len();
        self.path.push_str(&format!("[{index}]"));
        setting.read(value, field, self);
        self.path.truncate(length);
    }

    /// Runs `read` with `key` at the end of the path.
    pub(crate) fn inside(&mut self, key: &str, read: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(key);
        read(self);
        self.path.truncate(length);
    }

    /// The dotted key of `name` in the table the walk is in.
    fn dotted(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn unknown_key(&mut self, table: &dyn Table, name: &str, span: Range<usize>) {
        let key = self.dotted(name);
        if let Some(retired) = table.retired().iter().find(|r| r.key.eq_ignore_ascii_case(name)) {
            let origin = Origin::Line(self.line(span.start));
            let message = format!("{key} has no effect: {}", retired.reason);
            let help = Some("remove it".to_owned());
            self.warnings.push(Problem { origin, key, message, help });
            return;
        }
        let help = nearest(name, table.fields().iter().map(|field| field.key))
            .map(|candidate| format!("did you mean {candidate}?"));
        let message = format!("unknown key {key}");
        let origin = Origin::Line(self.line(span.start));
        self.problems.push(Problem { origin, key, message, help });
    }

    /// Reports that a value of another type stands where `wanted` should.
    pub(crate) fn wrong_type(&mut self, span: Range<usize>, wanted: &str, found: &DeValue<'_>) {
        let message = format!("{} must be {wanted}, found {}", self.path, describe(found));
        self.problem(span, message, None);
    }

    /// Reports a value of the right type that cannot be used.
    pub(crate) fn wrong_value(&mut self, span: Range<usize>, shown: &str, why: &str) {
        let message = format!("{} cannot be {shown:?}: {why}", self.path);
        self.problem(span, message, None);
    }

    /// Reports a list section that was written as one table.
    pub(crate) fn not_a_list(&mut self, span: Range<usize>) {
        let message = format!("{} must be a list of tables", self.path);
        let help = Some(format!("write [[{}]] instead of [{}]", self.path, self.path));
        self.problem(span, message, help);
    }

    fn problem(&mut self, span: Range<usize>, message: String, help: Option<String>) {
        let origin = Origin::Line(self.line(span.start));
        let key = self.path.clone();
        self.problems.push(Problem { origin, key, message, help });
    }

    /// The line, from 1, of a byte offset.
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

/// The field for a key: the exact name first, then any case, then another accepted name.
fn find_field(fields: &[Field], name: &str) -> Option<usize> {
    fields
        .iter()
        .position(|field| field.key == name)
        .or_else(|| fields.iter().position(|field| field.key.eq_ignore_ascii_case(name)))
        .or_else(|| {
            fields.iter().position(|field| field.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name)))
        })
}

/// A found value in words, for messages. Texts are not shown: they may be secrets.
fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a text".to_owned(),
        DeValue::Integer(number) => format!("the number {}", number.as_str()),
        DeValue::Float(number) => format!("the number {}", number.as_str()),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => format!("the date {time}"),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
