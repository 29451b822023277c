//! Rewrites the trees of an html template so that every action is escaped for its context.
//!
//! A template that others call is escaped once for each context it is called in, under a name that
//! says so. Works by building new bodies, so that an assumption about a recursive template that
//! turns out wrong is simply thrown away.
//!
//! What is wrong with a template is a context too, as in Go: the walk goes on from it, and may
//! meet something worse.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::context::{Context, JsSlash, State, UrlPart};
use super::{pipeline, text};
use crate::ast::{Action, Arm, Branch, Call, Node, Pos, Text, Tree};
use crate::error::Error;
use crate::exec;
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

/// The walk can fail only by reaching a bound, which `Err` names.
type Outcome<T> = Result<T, String>;

/// Escapes `trees`, of which the first is the template itself. The result holds all that it can
/// reach, itself first.
pub(crate) fn escape(trees: &[Tree], source: &str, name: &str) -> Result<Vec<Tree>, Error> {
    let mut work =
        Work { trees, found: Found::default(), troubles: Vec::new(), ranges: Vec::new(), steps: 0, depth: 0 };
    let fail = |trouble: Trouble| Err(trouble.into_error(source, name));
    let nowhere = |text: String| Trouble { pos: None, line: 0, text };
    let end = match work.tree(Context::default(), 0, name) {
        Ok((end, _)) => end,
        Err(bound) => return fail(nowhere(bound)),
    };
    if let Some(index) = end.trouble
        && let Some(trouble) = work.troubles.into_iter().nth(index as usize)
    {
        return fail(trouble);
    }
    if end.state != State::Text {
        return fail(nowhere(format!("ends in a non-text context: {end}")));
    }
    let mut bodies = work.found.bodies;
    let mut escaped = Vec::with_capacity(bodies.len());
    escaped.extend(bodies.remove(name).map(Rc::unwrap_or_clone));
    escaped.extend(bodies.into_values().map(Rc::unwrap_or_clone));
    Ok(escaped)
}

/// What is known so far, by mangled template name.
#[derive(Clone, Default)]
struct Found {
    ends: BTreeMap<Rc<str>, Context>,
    bodies: BTreeMap<Rc<str>, Rc<Tree>>,
    called: BTreeSet<Rc<str>>,
}

/// Contexts in which a loop's body is left early: position, line, break or continue, context.
type Exits = Vec<(Pos, usize, &'static str, Context)>;

struct Work<'t> {
    trees: &'t [Tree],
    found: Found,
    /// What went wrong; a context of state `Error` has an index here.
    troubles: Vec<Trouble>,
    ranges: Vec<Exits>,
    steps: usize,
    depth: usize,
}

impl Work<'_> {
    fn trouble(&mut self, pos: Option<Pos>, text: String) -> Context {
        // Each counts as a step, so there are not many.
        self.steps += 1;
        let trouble = u32::try_from(self.troubles.len()).ok();
        self.troubles.push(Trouble { pos, line: 0, text });
        Context { state: State::Error, trouble, ..Context::default() }
    }

    /// Says at which turn of a loop the trouble of `c` was met.
    fn prefix(&mut self, c: Context, line: usize, prefix: &str) {
        if let Some(trouble) = c.trouble.and_then(|index| self.troubles.get_mut(index as usize)) {
            // A trouble can pass through any number of loops, and grows with each.
            self.steps += trouble.text.len() / 64;
            trouble.line = line;
            trouble.text = format!("{prefix}: {}", trouble.text);
        }
    }

    fn tree(&mut self, c: Context, pos: Pos, name: &str) -> Outcome<(Context, String)> {
        let mangled = c.mangle(name);
        let key: Rc<str> = mangled.as_str().into();
        self.found.called.insert(key.clone());
        if let Some(end) = self.found.ends.get(&key) {
            return Ok((*end, mangled));
        }
        let trees = self.trees;
        let Some(tree) = trees.iter().find(|tree| tree.name == name) else {
            let name = quote::quote(name);
            return Ok((self.trouble(Some(pos), format!("no such template {name}")), mangled));
        };
        let (end, sure) = self.body(c, tree, &key)?;
        if sure {
            return Ok((end, mangled));
        }
        // The template calls itself and does not end where it began: try that it ends here.
        if let (end, true) = self.body(end, tree, &key)? {
            return Ok((end, mangled));
        }
        if end.state == State::Error {
            return Ok((end, mangled));
        }
        let text = format!("cannot compute output context for template {mangled}");
        Ok((self.trouble(Some(tree.pos), text), mangled))
    }

    /// Escapes a body on the assumption that it ends in the context where it begins; true when
    /// the assumption did not matter or held.
    fn body(&mut self, c: Context, tree: &Tree, mangled: &Rc<str>) -> Outcome<(Context, bool)> {
        self.found.ends.insert(mangled.clone(), c);
        let saved = self.found.clone();
        self.found.called.clear();
        let (end, root) = self.list(c, &tree.root)?;
        let assumed = self.found.called.contains(mangled);
        let sure = end.state != State::Error && (!assumed || end == c);
        if sure {
            self.found.called.extend(saved.called);
            self.found.ends.insert(mangled.clone(), end);
            let tree = Tree { name: mangled.to_string(), pos: tree.pos, root };
            self.found.bodies.insert(mangled.clone(), Rc::new(tree));
        } else {
            self.found = saved;
        }
        Ok((end, sure))
    }

    fn list(&mut self, c: Context, nodes: &[Node]) -> Outcome<(Context, Vec<Node>)> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("nesting deeper than {DEPTH_MAX} levels"));
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
            return Err("too many nested loops to check".into());
        }
        // Each kind has a function of its own, so that the recursion's frames stay small.
        match node {
            Node::Text(text) => Ok(self.text(c, text)),
            Node::Action(action) => Ok(self.action(c, action)),
            Node::If(branch) => self.branch(c, branch, "if", Node::If),
            Node::With(branch) => self.branch(c, branch, "with", Node::With),
            Node::Range(branch) => self.range(c, branch),
            Node::Template(call) => self.call(c, call),
            Node::Break(pos, line) => Ok((self.exit(c, *pos, *line, "break"), node.clone())),
            Node::Continue(pos, line) => Ok((self.exit(c, *pos, *line, "continue"), node.clone())),
        }
    }

    fn call(&mut self, c: Context, call: &Call) -> Outcome<(Context, Node)> {
        let (c, name) = self.tree(c, call.pos, &call.name)?;
        Ok((c, Node::Template(Call { name, ..call.clone() })))
    }

    fn text(&mut self, c: Context, text: &Text) -> (Context, Node) {
        if c.state == State::Error {
            return (c, Node::Text(text.clone()));
        }
        match text::escape(c, &text.text) {
            Ok((c, text)) => (c, Node::Text(Text { text })),
            Err(wrong) => (self.trouble(None, wrong), Node::Text(text.clone())),
        }
    }

    fn action(&mut self, c: Context, action: &Action) -> (Context, Node) {
        match pipeline::escape(c, action) {
            Ok((c, action)) => (c, Node::Action(action)),
            Err(wrong) => (self.trouble(Some(action.pos), wrong), Node::Action(action.clone())),
        }
    }

    fn exit(&mut self, c: Context, pos: Pos, line: usize, word: &'static str) -> Context {
        if let Some(exits) = self.ranges.last_mut() {
            exits.push((pos, line, word, c));
        }
        Context { state: State::Dead, ..Context::default() }
    }

    fn branch(
        &mut self,
        c: Context,
        branch: &Branch,
        word: &str,
        node: fn(Branch) -> Node,
    ) -> Outcome<(Context, Node)> {
        let mut arms = Vec::with_capacity(branch.arms.len());
        let mut ends = Vec::with_capacity(branch.arms.len());
        for arm in &branch.arms {
            let (end, body) = self.list(c, &arm.body)?;
            ends.push((end, arm.pipe.pos));
            arms.push(Arm { pipe: arm.pipe.clone(), body });
        }
        let (mut end, otherwise) = self.list(c, &branch.otherwise)?;
        for (arm, pos) in ends.into_iter().rev() {
            end = self.join(arm, end, pos, word);
        }
        Ok((end, node(Branch { arms, otherwise, pos: branch.pos, line: branch.line })))
    }

    fn range(&mut self, c: Context, branch: &Branch) -> Outcome<(Context, Node)> {
        let Some(arm) = branch.arms.first() else {
            return Ok((c, Node::Range(branch.clone())));
        };
        let (mut end, body, exits) = self.turn(c, &arm.body)?;
        if end.state != State::Error {
            end = self.join_exits(end, &exits);
        }
        if end.state != State::Error {
            end = self.second_turn(end, branch, &arm.body)?;
        }
        if end.state == State::Error {
            return Ok((end, Node::Range(branch.clone())));
        }
        let (empty, otherwise) = self.list(c, &branch.otherwise)?;
        let end = self.join(end, empty, branch.pos, "range");
        let arms = vec![Arm { pipe: arm.pipe.clone(), body }];
        Ok((end, Node::Range(Branch { arms, otherwise, pos: branch.pos, line: branch.line })))
    }

    /// Once through a loop's body: where it ends, what it becomes, and where it is left.
    fn turn(&mut self, c: Context, body: &[Node]) -> Outcome<(Context, Vec<Node>, Exits)> {
        self.ranges.push(Vec::new());
        let result = self.list(c, body);
        let exits = self.ranges.pop().unwrap_or_default();
        result.map(|(end, body)| (end, body, exits))
    }

    /// The body may run again, from where it ended: that must come to the same.
    fn second_turn(&mut self, c: Context, branch: &Branch, body: &[Node]) -> Outcome<Context> {
        let saved = self.found.clone();
        let (again, _, exits) = self.turn(c, body)?;
        self.found = saved;
        let end = self.join(c, again, branch.pos, "range");
        if end.state == State::Error {
            self.prefix(end, branch.line, "on range loop re-entry");
            return Ok(end);
        }
        Ok(self.join_exits(end, &exits))
    }

    fn join_exits(&mut self, end: Context, exits: &Exits) -> Context {
        // Breaks first, then continues.
        let words = ["break", "continue"].into_iter();
        let ordered = words.flat_map(|word| exits.iter().filter(move |exit| exit.2 == word));
        let mut end = end;
        for (pos, line, word, c) in ordered {
            end = self.join(end, *c, *pos, "range");
            if end.state == State::Error {
                self.prefix(end, *line, &format!("at range loop {word}"));
                break;
            }
        }
        end
    }

    /// The context after two branches, which may differ only where it does no harm.
    fn join(&mut self, a: Context, b: Context, pos: Pos, word: &str) -> Context {
        joined(a, b).unwrap_or_else(|| {
            let text = format!("{{{{{word}}}}} branches end in different contexts: {a}, {b}");
            self.trouble(Some(pos), text)
        })
    }
}

fn joined(a: Context, b: Context) -> Option<Context> {
    if a.state == State::Error {
        return Some(a);
    }
    if b.state == State::Error || a.state == State::Dead {
        return Some(b);
    }
    if b.state == State::Dead || a == b {
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
