//! Rewrites the trees of an html template so that every action is escaped for its context.
//!
//! A template that others call is escaped once for each context it is called in, under a name that
//! says so. Works by building new bodies, so that an assumption about a recursive template that
//! turns out wrong is simply thrown away.

use std::collections::{BTreeMap, BTreeSet};

use super::attribute;
use super::context::{Attr, Context, Delim, Element, JsSlash, State, UrlPart};
use super::entity;
use super::escaper::Escaper;
use super::transition::{self, shown};
use crate::ast::{Action, Arg, Arm, Branch, Call, Command, Node, Pipe, Pos, Text, Tree};
use crate::error::Error;
use crate::exec;
use crate::function::Function;
use crate::quote;

/// Nodes looked at before giving up: nested loops double the work with each level.
const STEPS_MAX: usize = 200_000;

/// Depth of blocks and template calls together before giving up.
const DEPTH_MAX: usize = 400;

/// Why a template cannot be made safe, and where.
struct Trouble {
    pos: Option<Pos>,
    line: usize,
    text: String,
}

impl Trouble {
    fn at(pos: Pos, text: String) -> Trouble {
        Trouble { pos: Some(pos), line: 0, text }
    }

    fn nowhere(text: String) -> Trouble {
        Trouble { pos: None, line: 0, text }
    }

    fn prefixed(self, line: usize, prefix: &str) -> Trouble {
        Trouble { pos: self.pos, line, text: format!("{prefix}: {}", self.text) }
    }

    fn into_error(self, source: &str, name: &str) -> Error {
        let text = self.text;
        Error::Escape(match (self.pos, self.line) {
            (Some(pos), _) => {
                let (line, column) = exec::place(source, pos);
                format!("html/template:{name}:{line}:{column}: {text}")
            }
            (None, 0) => format!("html/template:{name}: {text}"),
            (None, line) => format!("html/template:{name}:{line}: {text}"),
        })
    }
}

type Outcome<T> = Result<T, Trouble>;

/// Escapes `trees`, of which the first is the template itself. The result holds all that it can
/// reach, itself first.
pub(crate) fn escape(trees: &[Tree], source: &str, name: &str) -> Result<Vec<Tree>, Error> {
    let mut work = Work { trees, found: Found::default(), ranges: Vec::new(), steps: 0, depth: 0 };
    let fail = |trouble: Trouble| trouble.into_error(source, name);
    let end = work.tree(Context::default(), 0, name).map_err(fail)?.0;
    if end.state != State::Text {
        return Err(fail(Trouble::nowhere(format!("ends in a non-text context: {end}"))));
    }
    let mut bodies = work.found.bodies;
    let mut escaped = Vec::with_capacity(bodies.len());
    if let Some(tree) = bodies.remove(name) {
        escaped.push(tree);
    }
    escaped.extend(bodies.into_values());
    Ok(escaped)
}

/// What is known so far, by mangled template name.
#[derive(Clone, Default)]
struct Found {
    ends: BTreeMap<String, Context>,
    bodies: BTreeMap<String, Tree>,
    called: BTreeSet<String>,
}

/// Contexts in which a loop's body is left early: line, break or continue, context.
type Exits = Vec<(Pos, usize, &'static str, Context)>;

struct Work<'t> {
    trees: &'t [Tree],
    found: Found,
    ranges: Vec<Exits>,
    steps: usize,
    depth: usize,
}

impl Work<'_> {
    fn tree(&mut self, c: Context, pos: Pos, name: &str) -> Outcome<(Context, String)> {
        let mangled = c.mangle(name);
        self.found.called.insert(mangled.clone());
        if let Some(end) = self.found.ends.get(&mangled) {
            return Ok((*end, mangled));
        }
        let trees = self.trees;
        let Some(tree) = trees.iter().find(|tree| tree.name == name) else {
            let name = quote::quote(name);
            return Err(Trouble::at(pos, format!("no such template {name}")));
        };
        let (end, sure) = self.body(c, tree, &mangled)?;
        if sure {
            return Ok((end, mangled));
        }
        // The template calls itself and does not end where it began: try that it ends here.
        match self.body(end, tree, &mangled)? {
            (end, true) => Ok((end, mangled)),
            _ => {
                let text = format!("cannot compute output context for template {mangled}");
                Err(Trouble::at(tree.pos, text))
            }
        }
    }

    /// Escapes a body on the assumption that it ends in the context where it begins; true when
    /// the assumption did not matter or held.
    fn body(&mut self, c: Context, tree: &Tree, mangled: &str) -> Outcome<(Context, bool)> {
        self.found.ends.insert(mangled.to_owned(), c);
        let saved = self.found.clone();
        self.found.called.clear();
        let (end, root) = self.list(c, &tree.root)?;
        let sure = !self.found.called.contains(mangled) || end == c;
        if sure {
            self.found.called.extend(saved.called);
            self.found.ends.insert(mangled.to_owned(), end);
            let tree = Tree { name: mangled.to_owned(), pos: tree.pos, root };
            self.found.bodies.insert(mangled.to_owned(), tree);
        } else {
            self.found = saved;
        }
        Ok((end, sure))
    }

    fn list(&mut self, c: Context, nodes: &[Node]) -> Outcome<(Context, Vec<Node>)> {
        if self.depth >= DEPTH_MAX {
            return Err(Trouble::nowhere(format!("nesting deeper than {DEPTH_MAX} levels")));
        }
        self.depth += 1;
        let result = self.list_here(c, nodes);
        self.depth -= 1;
        result
    }

    fn list_here(&mut self, c: Context, nodes: &[Node]) -> Outcome<(Context, Vec<Node>)> {
        let mut c = c;
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            let (next, node) = self.node(c, node)?;
            c = next;
            out.push(node);
            if c.state == State::Dead {
                break;
            }
        }
        Ok((c, out))
    }

    fn node(&mut self, c: Context, node: &Node) -> Outcome<(Context, Node)> {
        self.steps += 1;
        if let Node::Text(text) = node {
            self.steps += text.text.len() / 64;
        }
        if self.steps > STEPS_MAX {
            return Err(Trouble::nowhere("too many nested loops to check".into()));
        }
        match node {
            Node::Text(text) => {
                let (c, text) = escape_text(c, &text.text)?;
                Ok((c, Node::Text(Text { text })))
            }
            Node::Action(action) => {
                let (c, action) = escape_action(c, action)?;
                Ok((c, Node::Action(action)))
            }
            Node::If(branch) => {
                let (c, branch) = self.branch(c, branch, "if")?;
                Ok((c, Node::If(branch)))
            }
            Node::With(branch) => {
                let (c, branch) = self.branch(c, branch, "with")?;
                Ok((c, Node::With(branch)))
            }
            Node::Range(branch) => {
                let (c, branch) = self.range(c, branch)?;
                Ok((c, Node::Range(branch)))
            }
            Node::Template(call) => {
                let (c, name) = self.tree(c, call.pos, &call.name)?;
                let call = Call { name, ..call.clone() };
                Ok((c, Node::Template(call)))
            }
            Node::Break(pos, line) => Ok((self.exit(c, *pos, *line, "break"), node.clone())),
            Node::Continue(pos, line) => Ok((self.exit(c, *pos, *line, "continue"), node.clone())),
        }
    }

    fn exit(&mut self, c: Context, pos: Pos, line: usize, word: &'static str) -> Context {
        if let Some(exits) = self.ranges.last_mut() {
            exits.push((pos, line, word, c));
        }
        Context { state: State::Dead, ..Context::default() }
    }

    fn branch(&mut self, c: Context, branch: &Branch, word: &str) -> Outcome<(Context, Branch)> {
        let mut arms = Vec::with_capacity(branch.arms.len());
        let mut ends = Vec::with_capacity(branch.arms.len());
        for arm in &branch.arms {
            let (end, body) = self.list(c, &arm.body)?;
            ends.push((end, arm.pipe.pos));
            arms.push(Arm { pipe: arm.pipe.clone(), body });
        }
        let (mut end, otherwise) = self.list(c, &branch.otherwise)?;
        for (arm, pos) in ends.into_iter().rev() {
            end = join(arm, end, pos, word)?;
        }
        Ok((end, Branch { arms, otherwise, ..branch.clone() }))
    }

    fn range(&mut self, c: Context, branch: &Branch) -> Outcome<(Context, Branch)> {
        let Some(arm) = branch.arms.first() else {
            return Ok((c, branch.clone()));
        };
        self.ranges.push(Vec::new());
        let first = self.list(c, &arm.body);
        let exits = self.ranges.pop().unwrap_or_default();
        let (end, body) = first?;
        let end = join_exits(end, &exits)?;

        // The body may run again, from where it ended: that must come to the same.
        self.ranges.push(Vec::new());
        let saved = self.found.clone();
        let again = self.list(end, &arm.body);
        self.found = saved;
        let exits = self.ranges.pop().unwrap_or_default();
        let joined = again.and_then(|(again, _)| join(end, again, branch.pos, "range"));
        let end = joined.map_err(|trouble| trouble.prefixed(branch.line, "on range loop re-entry"))?;
        let end = join_exits(end, &exits)?;

        let (empty, otherwise) = self.list(c, &branch.otherwise)?;
        let end = join(end, empty, branch.pos, "range")?;
        let arms = vec![Arm { pipe: arm.pipe.clone(), body }];
        Ok((end, Branch { arms, otherwise, ..branch.clone() }))
    }
}

fn join_exits(end: Context, exits: &Exits) -> Outcome<Context> {
    // Breaks first, then continues.
    let ordered =
        ["break", "continue"].into_iter().flat_map(|word| exits.iter().filter(move |exit| exit.2 == word));
    let mut end = end;
    for (pos, line, word, c) in ordered {
        end = join(end, *c, *pos, "range")
            .map_err(|trouble| trouble.prefixed(*line, &format!("at range loop {word}")))?;
    }
    Ok(end)
}

/// The context after two branches, which may differ only where it does no harm.
fn join(a: Context, b: Context, pos: Pos, word: &str) -> Outcome<Context> {
    joined(a, b).ok_or_else(|| {
        let text = format!("{{{{{word}}}}} branches end in different contexts: {a}, {b}");
        Trouble::at(pos, text)
    })
}

fn joined(a: Context, b: Context) -> Option<Context> {
    if a.state == State::Dead || a == b {
        return Some(b);
    }
    if b.state == State::Dead {
        return Some(a);
    }
    if (Context { url: b.url, ..a }) == b {
        return Some(Context { url: UrlPart::Unknown, ..a });
    }
    if (Context { slash: b.slash, ..a }) == b {
        return Some(Context { slash: JsSlash::Unknown, ..a });
    }
    // `<p title={{ if .C }}{{ . }}{{ end }}`: one branch has begun the value, the other has not.
    let (c, d) = (a.nudge(), b.nudge());
    if c == a && d == b { None } else { joined(c, d) }
}

fn escape_action(c: Context, action: &Action) -> Outcome<(Context, Action)> {
    if !action.pipe.decl.is_empty() {
        return Ok((c, action.clone()));
    }
    let mut c = c.nudge();
    check_predefined(c, action)?;
    let escapers = escapers(&mut c, action)?;
    let mut action = action.clone();
    add_escapers(&mut action.pipe, &escapers);
    Ok((c, action))
}

fn predefined(command: &Command) -> Option<Function> {
    match command.args.first() {
        Some(Arg::Function(_, function @ (Function::Html | Function::UrlQuery))) => Some(*function),
        _ => None,
    }
}

/// `html` and `urlquery` may only end a pipeline: what follows would see escaped text.
fn check_predefined(c: Context, action: &Action) -> Outcome<()> {
    let last = action.pipe.cmds.len().saturating_sub(1);
    for (index, command) in action.pipe.cmds.iter().enumerate() {
        let Some(function) = predefined(command) else {
            continue;
        };
        let unquoted = c.state == State::Attr && c.delim == Delim::SpaceOrTagEnd;
        if index < last || (unquoted && function == Function::Html) {
            let name = quote::quote(function.name());
            let text = format!("predefined escaper {name} disallowed in template");
            return Err(Trouble::at(action.pos, text));
        }
    }
    Ok(())
}

fn escapers(c: &mut Context, action: &Action) -> Outcome<Vec<Escaper>> {
    let mut list = Vec::with_capacity(3);
    match c.state {
        State::Url
        | State::CssDouble
        | State::CssSingle
        | State::CssDoubleUrl
        | State::CssSingleUrl
        | State::CssUrl => url_escapers(*c, action, &mut list)?,
        State::Js => {
            list.push(Escaper::JsValue);
            // A slash after a value divides.
            c.slash = JsSlash::DivOp;
        }
        State::JsDouble | State::JsSingle => list.push(Escaper::JsString),
        State::JsBack => {
            return Err(Trouble::at(action.pos, format!("{action} appears in a JS template literal")));
        }
        State::JsRegexp => list.push(Escaper::JsRegexp),
        State::Css => list.push(Escaper::CssValue),
        State::Text => list.push(Escaper::Html),
        State::Rcdata => list.push(Escaper::Rcdata),
        State::AttrName | State::Tag => {
            c.state = State::AttrName;
            list.push(Escaper::HtmlName);
        }
        State::Srcset => list.push(Escaper::Srcset),
        state if state.is_comment() => list.push(Escaper::Comment),
        // Attribute values are escaped by their delimiter; the rest cannot hold an action.
        _ => {}
    }
    match c.delim {
        Delim::None => {}
        Delim::SpaceOrTagEnd => list.push(Escaper::NoSpace),
        Delim::DoubleQuote | Delim::SingleQuote => list.push(Escaper::Attr),
    }
    Ok(list)
}

fn url_escapers(c: Context, action: &Action, list: &mut Vec<Escaper>) -> Outcome<()> {
    match c.url {
        UrlPart::None | UrlPart::PreQuery => {
            if c.url == UrlPart::None {
                list.push(Escaper::UrlFilter);
            }
            list.push(match c.state {
                State::CssDouble | State::CssSingle => Escaper::Css,
                _ => Escaper::UrlNormalizer,
            });
        }
        UrlPart::QueryOrFrag => list.push(Escaper::Url),
        UrlPart::Unknown => {
            let text = format!("{action} appears in an ambiguous context within a URL");
            return Err(Trouble::at(action.pos, text));
        }
    }
    Ok(())
}

/// The predefined escaper that gives the same guarantee.
fn equivalent(escaper: Escaper) -> Option<Function> {
    match escaper {
        Escaper::Attr | Escaper::Html | Escaper::Rcdata => Some(Function::Html),
        Escaper::Url | Escaper::UrlNormalizer => Some(Function::UrlQuery),
        _ => None,
    }
}

/// Ends the pipeline with `escapers`, of which a predefined one at its end takes the place of its
/// equivalent.
fn add_escapers(pipe: &mut Pipe, escapers: &[Escaper]) {
    let mut functions: Vec<Function> = escapers.iter().map(|one| Function::Escape(*one)).collect();
    let pos = pipe.pos;
    if let Some(function) = pipe.cmds.last().and_then(predefined) {
        split_arguments(pipe, function);
        let same = |one: &Function| matches!(one, Function::Escape(escaper) if equivalent(*escaper) == Some(function));
        if functions.iter().any(same) {
            for one in functions.iter_mut().filter(|one| same(one)) {
                *one = function;
            }
            pipe.cmds.pop();
        }
    }
    for function in functions {
        let last = pipe.cmds.last().and_then(|command| command.args.first());
        let redundant = match (last, function) {
            (Some(Arg::Function(_, Function::Escape(last))), Function::Escape(next)) => {
                last.makes_redundant(next)
            }
            _ => false,
        };
        if !redundant {
            pipe.cmds.push(Command { pos, args: vec![Arg::Function(pos, function)] });
        }
    }
}

/// `html a b` on its own becomes `_eval_args_ a b | html`.
fn split_arguments(pipe: &mut Pipe, function: Function) {
    let pos = pipe.pos;
    if let [command] = &mut *pipe.cmds
        && command.args.len() > 1
    {
        command.args[0] = Arg::Function(command.args[0].pos(), Function::EvalArgs);
        pipe.cmds.push(Command { pos, args: vec![Arg::Function(pos, function)] });
    }
}

/// Follows the text, takes comments out, and escapes stray `<`.
fn escape_text(c: Context, text: &str) -> Outcome<(Context, String)> {
    let bytes = text.as_bytes();
    let (mut c, mut at, mut written) = (c, 0, 0);
    let mut out: Vec<u8> = Vec::new();
    while at < bytes.len() {
        let (next, len) = after_text(c, &bytes[at..]).map_err(Trouble::nowhere)?;
        let end = at + len;
        if len == 0 && next.state == c.state {
            return Err(Trouble::nowhere(format!("no way on from {c}")));
        }
        if matches!(c.state, State::Text | State::Rcdata) {
            let open = bytes[at..end].iter().rposition(|byte| *byte == b'<');
            let stop = match open {
                Some(open) if next.state != c.state => at + open,
                _ => end,
            };
            for stray in (at..stop).filter(|stray| bytes[*stray] == b'<') {
                if !is_doctype(&bytes[stray..]) {
                    out.extend_from_slice(&bytes[written..stray]);
                    out.extend_from_slice(b"&lt;");
                    written = stray + 1;
                }
            }
        } else if c.state.is_comment() && c.delim == Delim::None {
            out.extend_from_slice(comment_stand_in(c.state, &bytes[written..end]));
            written = end;
        }
        if c.state != next.state && next.state.is_comment() && next.delim == Delim::None {
            let mark = if next.state == State::HtmlComment { 4 } else { 2 };
            out.extend_from_slice(&bytes[written..end - mark]);
            written = end;
        }
        (c, at) = (next, end);
    }
    if written == 0 {
        return Ok((c, text.to_owned()));
    }
    if !c.state.is_comment() || c.delim != Delim::None {
        out.extend_from_slice(&bytes[written..]);
    }
    Ok((c, String::from_utf8_lossy(&out).into_owned()))
}

fn is_doctype(text: &[u8]) -> bool {
    text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!DOCTYPE"))
}

/// A block comment separates words, and in a script with a newline in it, statements.
fn comment_stand_in(state: State, comment: &[u8]) -> &'static [u8] {
    let text = String::from_utf8_lossy(comment);
    match state {
        State::JsBlockComment if text.contains(['\n', '\r', '\u{2028}', '\u{2029}']) => b"\n",
        State::JsBlockComment | State::CssBlockComment => b" ",
        _ => b"",
    }
}

fn after_text(c: Context, text: &[u8]) -> transition::Step {
    if c.delim == Delim::None {
        let (end, len) = transition::special_end(c, text);
        if len == 0 {
            // The end tag of a script or style stands here.
            return Ok((end, 0));
        }
        return transition::step(c, &text[..len]);
    }
    let ends: &[u8] = match c.delim {
        Delim::DoubleQuote => b"\"",
        Delim::SingleQuote => b"'",
        _ => b" \t\n\x0c\r>",
    };
    let end = text.iter().position(|byte| ends.contains(byte)).unwrap_or(text.len());
    if c.delim == Delim::SpaceOrTagEnd {
        // Browsers do not agree what these mean in a value without quotes.
        if let Some(bad) = text[..end].iter().find(|byte| b"\"'<=`".contains(byte)) {
            let (bad, value) = (shown(&[*bad], 1), shown(&text[..end], usize::MAX));
            return Err(format!("{bad} in unquoted attr: {value}"));
        }
    }
    if end == text.len() {
        return within_attribute(c, text);
    }
    let mut element = c.element;
    let script_type = c.state == State::Attr && c.attr == Attr::ScriptType;
    if script_type && element == Element::Script {
        // A script of another type is not JavaScript.
        let mime = String::from_utf8_lossy(&text[..end]);
        if !attribute::is_js_type(&mime) {
            element = Element::None;
        }
    }
    let quote = usize::from(c.delim != Delim::SpaceOrTagEnd);
    Ok((Context::in_tag(element), end + quote))
}

/// The value goes on past this text: its language sees it with the references decoded.
fn within_attribute(c: Context, text: &[u8]) -> transition::Step {
    let decoded = entity::unescape(&String::from_utf8_lossy(text));
    let (mut c, mut rest) = (c, decoded.as_bytes());
    while !rest.is_empty() {
        let (next, len) = transition::step(c, rest)?;
        if len == 0 && next == c {
            break;
        }
        (c, rest) = (next, &rest[len..]);
    }
    Ok((c, text.len()))
}
