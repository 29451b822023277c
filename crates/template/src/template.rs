//! A parsed template, ready to render any number of times.

use crate::ast::Tree;
use crate::error::Error;
use crate::exec::{At, State};
use crate::flat::Flat;
use crate::function::Functions;
use crate::html;
use crate::parse;
use crate::value::{Object, Value};

/// What one rendering may use, so that a template cannot take the server down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of output, and of any text made on the way.
    pub output_bytes: usize,
    /// Nodes and operands evaluated, with one more for each 64 bytes of text made.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { output_bytes: 8 << 20, steps: 1_000_000 }
    }
}

/// A template: Go's `text/template` or `html/template`.
#[derive(Clone, Debug)]
pub struct Template {
    source: String,
    name: String,
    /// The template itself first, then those it defines.
    trees: Vec<Tree>,
    html: bool,
    /// Go finds that an html template cannot be made safe when it first renders; so do we.
    unsafe_html: Option<Error>,
    flat: Option<Flat>,
    limits: Limits,
}

impl Template {
    /// Parses a text template with Go's functions only: ids, messages, most handlers.
    ///
    /// # Errors
    /// [`Error::Parse`] with Go's text.
    pub fn text(source: &str, name: &str) -> Result<Template, Error> {
        Template::parse(source, name, Functions::Builtin)
    }

    /// Parses a text template that also has `json` and `jsonCompact`: httpPost bodies and URLs.
    ///
    /// # Errors
    /// [`Error::Parse`] with Go's text.
    pub fn text_with_json(source: &str, name: &str) -> Result<Template, Error> {
        Template::parse(source, name, Functions::WithJson)
    }

    /// Parses an html template with `json` and `jsonCompact`: an alert's details.
    ///
    /// As in Go, a template that parses but cannot be made safe (`<a href={{ . }}"`) fails when it
    /// renders; [`Template::check`] tells beforehand.
    ///
    /// # Errors
    /// [`Error::Parse`] with Go's text.
    pub fn html(source: &str, name: &str) -> Result<Template, Error> {
        let mut template = Template::parse(source, name, Functions::WithJson)?;
        template.html = true;
        match html::escape(&template.trees, source, name) {
            Ok(trees) => {
                template.flat = trees.first().and_then(|tree| Flat::compile(&tree.root));
                template.trees = trees;
            }
            Err(error) => {
                template.flat = None;
                template.unsafe_html = Some(error);
            }
        }
        Ok(template)
    }

    fn parse(source: &str, name: &str, functions: Functions) -> Result<Template, Error> {
        let trees = parse::parse(source, name, functions).map_err(Error::Parse)?;
        Ok(Template {
            source: source.to_owned(),
            name: name.to_owned(),
            flat: trees.first().and_then(|tree| Flat::compile(&tree.root)),
            trees,
            html: false,
            unsafe_html: None,
            limits: Limits::default(),
        })
    }

    /// The same template under other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Template {
        self.limits = limits;
        self
    }

    /// The source it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The name it was parsed under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the template can render at all.
    ///
    /// # Errors
    /// [`Error::Escape`] when it is an html template that cannot be made safe.
    pub fn check(&self) -> Result<(), Error> {
        self.unsafe_html.clone().map_or(Ok(()), Err)
    }

    /// Renders with `data` as dot, appending to `out`, which is left as it was on failure.
    ///
    /// # Errors
    /// [`Error::Execute`], [`Error::Escape`] or [`Error::Limit`].
    pub fn render(&self, data: &dyn Object, out: &mut String) -> Result<(), Error> {
        let start = out.len();
        if let Some(flat) = &self.flat {
            if flat.render(data, out, start.saturating_add(self.limits.output_bytes)) {
                return Ok(());
            }
            out.truncate(start);
        }
        self.render_value(Value::Object(data), out)
    }

    /// Renders with any value as dot (Kapacitor tries some templates with nil), appending to
    /// `out`, which is left as it was on failure.
    ///
    /// # Errors
    /// [`Error::Execute`], [`Error::Escape`] or [`Error::Limit`].
    pub fn render_value(&self, data: Value<'_>, out: &mut String) -> Result<(), Error> {
        self.check()?;
        let Some(tree) = self.trees.first() else {
            return Ok(());
        };
        let start = out.len();
        let mut state = State {
            source: &self.source,
            name: &self.name,
            trees: &self.trees,
            tree,
            html: self.html,
            out_max: start.saturating_add(self.limits.output_bytes),
            out,
            limits: self.limits,
            steps: 0,
            depth: 0,
            at: At::Nowhere,
            boxed_dot: false,
            boxed: false,
            vars: Vec::with_capacity(4),
        };
        state.run(data).map_err(|error| {
            out.truncate(start);
            *error
        })
    }
}
