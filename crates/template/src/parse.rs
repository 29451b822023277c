//! Builds the trees of a template from its tokens, with Go's rules and error texts.

use crate::ast::{Action, Arg, Arm, Branch, Call, Command, Node, Pipe, Pos, Text, Tree};
use crate::function::{Function, Functions};
use crate::lex::{self, Kind, Token};
use crate::{literal, quote};

/// Deeper nesting of blocks and parentheses is refused: the executor recurses as deep.
const DEPTH_MAX: usize = 100;

/// What errors within the first action of a `block` name as their place.
const BLOCK: &str = "block clause";

type Parse<T> = Result<T, String>;

/// All templates of `source`: the main one first, then those it defines.
pub(crate) fn parse(source: &str, name: &str, functions: Functions) -> Parse<Vec<Tree>> {
    let mut parser = Parser {
        tokens: lex::tokens(source),
        next: 0,
        seen: 0,
        name,
        functions,
        scope: Scope::default(),
        action_line: 0,
        depth: 0,
        trees: Vec::new(),
    };
    let root = parser.main()?;
    parser.add(Tree { name: name.to_owned(), pos: 0, root })?;
    let main = parser.trees.iter().position(|tree| tree.name == name).unwrap_or(0);
    parser.trees.swap(0, main);
    Ok(parser.trees)
}

/// What a template's body may refer to; each `define` and `block` starts afresh.
struct Scope {
    vars: Vec<String>,
    ranges: usize,
}

impl Default for Scope {
    fn default() -> Scope {
        Scope { vars: vec!["$".to_owned()], ranges: 0 }
    }
}

struct Parser<'s> {
    tokens: Vec<Token<'s>>,
    next: usize,
    /// The furthest token looked at: Go reports errors on its line.
    seen: usize,
    name: &'s str,
    functions: Functions,
    scope: Scope,
    /// Line on which the current action began, 0 outside one.
    action_line: usize,
    depth: usize,
    trees: Vec<Tree>,
}

/// How a list of nodes ended.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Close,
    Else,
    /// `else if` or `else with`, whose keyword comes next.
    ElseControl,
}

impl End {
    fn text(self) -> &'static str {
        match self {
            End::Close => "{{end}}",
            End::Else | End::ElseControl => "{{else}}",
        }
    }
}

enum Item {
    Node(Node),
    Ended(End),
}

#[derive(Clone, Copy, PartialEq)]
enum Control {
    If,
    With,
    Range,
}

impl Control {
    fn context(self) -> &'static str {
        match self {
            Control::If => "if",
            Control::With => "with",
            Control::Range => "range",
        }
    }
}

impl<'s> Parser<'s> {
    fn fail<T>(&self, message: impl std::fmt::Display) -> Parse<T> {
        let line = self.tokens.get(self.seen).map_or(1, |token| token.line);
        Err(format!("template: {}:{line}: {message}", self.name))
    }

    fn token(&mut self) -> Token<'s> {
        // The last token is Eof or Error and is handed out again and again.
        let index = self.next.min(self.tokens.len() - 1);
        self.next = index + 1;
        self.seen = self.seen.max(index);
        self.tokens[index].clone()
    }

    fn backup(&mut self) {
        self.next = self.next.saturating_sub(1);
    }

    fn peek(&mut self) -> Token<'s> {
        let token = self.token();
        self.backup();
        token
    }

    fn token_non_space(&mut self) -> Token<'s> {
        loop {
            let token = self.token();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self) -> Token<'s> {
        let token = self.token_non_space();
        self.backup();
        token
    }

    fn unexpected<T>(&self, token: &Token<'_>, context: &str) -> Parse<T> {
        if token.kind != Kind::Error {
            return self.fail(format_args!("unexpected {} in {context}", token.describe()));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            extra = format!(" in action started at {}:{}", self.name, self.action_line);
            if token.text.ends_with(" action") {
                // Avoids "action in action".
                extra = extra[" in action".len()..].to_owned();
            }
        }
        self.fail(format_args!("{}{extra}", token.text))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Parse<Token<'s>> {
        let token = self.token_non_space();
        if token.kind == kind { Ok(token) } else { self.unexpected(&token, context) }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parse<T>) -> Parse<T> {
        if self.depth >= DEPTH_MAX {
            return self.fail(format_args!("nesting deeper than {DEPTH_MAX} levels"));
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    fn add(&mut self, tree: Tree) -> Parse<()> {
        match self.trees.iter().position(|known| known.name == tree.name) {
            None => self.trees.push(tree),
            Some(index) if is_blank(&self.trees[index].root) => self.trees[index] = tree,
            Some(_) if is_blank(&tree.root) => {}
            Some(_) => {
                let name = quote::quote(&tree.name);
                return self.fail(format_args!("template: multiple definition of template {name}"));
            }
        }
        Ok(())
    }

    fn main(&mut self) -> Parse<Vec<Node>> {
        let mut root = Vec::new();
        while self.peek().kind != Kind::Eof {
            let start = self.next;
            if self.token().kind == Kind::LeftDelim && self.token_non_space().kind == Kind::Define {
                self.definition()?;
                continue;
            }
            self.next = start;
            match self.text_or_action()? {
                Item::Node(node) => root.push(node),
                Item::Ended(end) => return self.fail(format_args!("unexpected {}", end.text())),
            }
        }
        Ok(root)
    }

    fn definition(&mut self) -> Parse<()> {
        const CONTEXT: &str = "define clause";
        let token = self.token_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        self.named_body(name, CONTEXT)
    }

    /// The body of a `define` or `block`, up to its `end`.
    fn named_body(&mut self, name: String, context: &str) -> Parse<()> {
        let outer = std::mem::take(&mut self.scope);
        let line = std::mem::take(&mut self.action_line);
        let seen = self.seen;
        let pos = self.peek_non_space().pos;
        let (root, end) = self.deeper(Self::item_list)?;
        self.action_line = line;
        self.scope = outer;
        if end != End::Close {
            if context == BLOCK {
                // Go reads a block's body with a parser of its own: this one has seen none of it.
                self.seen = seen;
            }
            return self.fail(format_args!("unexpected {} in {context}", end.text()));
        }
        self.add(Tree { name, pos, root })
    }

    fn template_name(&mut self, token: &Token<'_>, context: &str) -> Parse<String> {
        match token.kind {
            Kind::Str | Kind::RawString => self.unquote(token),
            _ => self.unexpected(token, context),
        }
    }

    fn unquote(&self, token: &Token<'_>) -> Parse<String> {
        match quote::unquote(&token.text) {
            Some(text) => Ok(text),
            None => self.fail("invalid syntax"),
        }
    }

    fn item_list(&mut self) -> Parse<(Vec<Node>, End)> {
        let mut nodes = Vec::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => nodes.push(node),
                Item::Ended(end) => return Ok((nodes, end)),
            }
        }
        self.fail("unexpected EOF")
    }

    fn text_or_action(&mut self) -> Parse<Item> {
        let token = self.token_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(Text { text: token.text.into_owned() }))),
            Kind::LeftDelim => {
                self.action_line = token.line;
                let item = self.action()?;
                self.action_line = 0;
                Ok(item)
            }
            _ => self.unexpected(&token, "input"),
        }
    }

    fn action(&mut self) -> Parse<Item> {
        let token = self.token_non_space();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => {
                self.jump("{{break}}")?;
                Node::Break(token.pos, token.line)
            }
            Kind::Continue => {
                self.jump("{{continue}}")?;
                Node::Continue(token.pos, token.line)
            }
            Kind::Else => return self.else_control().map(Item::Ended),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::Ended(End::Close));
            }
            Kind::If => Node::If(self.deeper(|parser| parser.control(Control::If))?),
            Kind::Range => Node::Range(self.deeper(|parser| parser.control(Control::Range))?),
            Kind::With => Node::With(self.deeper(|parser| parser.control(Control::With))?),
            Kind::Template => self.call()?,
            _ => {
                self.backup();
                let pos = self.peek().pos;
                Node::Action(Action { pos, pipe: self.pipeline("command", Kind::RightDelim)? })
            }
        };
        Ok(Item::Node(node))
    }

    fn jump(&mut self, context: &str) -> Parse<()> {
        self.expect(Kind::RightDelim, context)?;
        if self.scope.ranges == 0 {
            return self.fail(format_args!("{context} outside {{{{range}}}}"));
        }
        Ok(())
    }

    fn else_control(&mut self) -> Parse<End> {
        if matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            return Ok(End::ElseControl);
        }
        self.expect(Kind::RightDelim, "else")?;
        Ok(End::Else)
    }

    fn control(&mut self, control: Control) -> Parse<Branch> {
        let vars = self.scope.vars.len();
        let mut branch: Option<Branch> = None;
        loop {
            let line = self.peek_non_space().line;
            let pipe = self.pipeline(control.context(), Kind::RightDelim)?;
            self.scope.ranges += usize::from(control == Control::Range);
            let (body, end) = self.item_list()?;
            self.scope.ranges -= usize::from(control == Control::Range);
            let pos = pipe.pos;
            let branch =
                branch.get_or_insert_with(|| Branch { pos, line, arms: Vec::new(), otherwise: Vec::new() });
            branch.arms.push(Arm { pipe, body });
            match end {
                End::Close => break,
                End::ElseControl if self.continues(control) => continue,
                // Any other keyword after else is one that no item begins with.
                End::ElseControl | End::Else => {}
            }
            let (otherwise, end) = self.item_list()?;
            branch.otherwise = otherwise;
            if end != End::Close {
                return self.fail(format_args!("expected end; found {}", end.text()));
            }
            break;
        }
        self.scope.vars.truncate(vars);
        match branch {
            Some(branch) => Ok(branch),
            None => self.fail("unexpected EOF"),
        }
    }

    /// Steps over the `if` of an `else if`, the `with` of an `else with`.
    fn continues(&mut self, control: Control) -> bool {
        let kind = self.peek_non_space().kind;
        let same = matches!((control, kind), (Control::If, Kind::If) | (Control::With, Kind::With));
        if same {
            self.token_non_space();
        }
        same
    }

    fn block(&mut self) -> Parse<Node> {
        let token = self.token_non_space();
        let name = self.template_name(&token, BLOCK)?;
        let pipe = self.pipeline(BLOCK, Kind::RightDelim)?;
        self.named_body(name.clone(), BLOCK)?;
        Ok(Node::Template(Call { pos: token.pos, name, pipe: Some(pipe) }))
    }

    fn call(&mut self) -> Parse<Node> {
        const CONTEXT: &str = "template clause";
        let token = self.token_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let mut pipe = None;
        if self.token_non_space().kind != Kind::RightDelim {
            self.backup();
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        Ok(Node::Template(Call { pos: token.pos, name, pipe }))
    }

    fn pipeline(&mut self, context: &str, end: Kind) -> Parse<Pipe> {
        self.deeper(|parser| parser.pipeline_here(context, end))
    }

    fn pipeline_here(&mut self, context: &str, end: Kind) -> Parse<Pipe> {
        let pos = self.peek_non_space().pos;
        let mut pipe = Pipe { pos, decl: Vec::new(), assign: false, cmds: Vec::new() };
        while self.declaration(&mut pipe, context)? {}
        loop {
            let token = self.token_non_space();
            match token.kind {
                kind if kind == end => break,
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::Str
                | Kind::Variable
                | Kind::LeftParen => {
                    self.backup();
                    let command = self.command()?;
                    pipe.cmds.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        self.check_pipeline(&pipe, context)?;
        Ok(pipe)
    }

    /// Reads one declared variable, if one stands here; true when a second one must follow.
    fn declaration(&mut self, pipe: &mut Pipe, context: &str) -> Parse<bool> {
        let variable = self.peek_non_space();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.token_non_space();
        let after = self.next;
        let next = self.token_non_space();
        let comma = next.kind == Kind::Char && next.text == ",";
        if !comma && !matches!(next.kind, Kind::Assign | Kind::Declare) {
            // Not a declaration after all: the variable is an operand.
            self.next = after - 1;
            return Ok(false);
        }
        let name = variable.text.into_owned();
        pipe.decl.push(name.clone());
        self.scope.vars.push(name);
        if !comma {
            pipe.assign = next.kind == Kind::Assign;
            return Ok(false);
        }
        if context == "range" && pipe.decl.len() < 2 {
            return match self.peek_non_space().kind {
                Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                _ => self.fail("range can only initialize variables"),
            };
        }
        self.fail(format_args!("too many declarations in {context}"))
    }

    fn check_pipeline(&self, pipe: &Pipe, context: &str) -> Parse<()> {
        if pipe.cmds.is_empty() {
            return self.fail(format_args!("missing value for {context}"));
        }
        let literal = |command: &Command| {
            let first = command.args.first();
            matches!(
                first,
                Some(Arg::Bool(..) | Arg::Dot(_) | Arg::Nil(_) | Arg::Number(..) | Arg::Str { .. })
            )
        };
        match pipe.cmds.iter().skip(1).position(literal) {
            Some(index) => {
                let stage = index + 2;
                self.fail(format_args!("non executable command in pipeline stage {stage}"))
            }
            None => Ok(()),
        }
    }

    fn command(&mut self) -> Parse<Command> {
        let pos = self.peek_non_space().pos;
        let mut args = Vec::new();
        loop {
            self.peek_non_space();
            if let Some(operand) = self.operand()? {
                args.push(operand);
            }
            let token = self.token();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.backup(),
                Kind::Pipe => {}
                _ => return self.unexpected(&token, "operand"),
            }
            break;
        }
        if args.is_empty() {
            return self.fail("empty command");
        }
        Ok(Command { pos, args })
    }

    fn operand(&mut self) -> Parse<Option<Arg>> {
        let Some(term) = self.term()? else {
            return Ok(None);
        };
        let pos = self.peek().pos;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            fields.push(field_name(&self.token()));
        }
        if fields.is_empty() {
            return Ok(Some(term));
        }
        Ok(Some(match term {
            Arg::Field(_, mut idents) => {
                idents.extend(fields);
                Arg::Field(pos, idents)
            }
            Arg::Variable(_, mut idents) => {
                idents.extend(fields);
                Arg::Variable(pos, idents)
            }
            Arg::Bool(..) | Arg::Str { .. } | Arg::Number(..) | Arg::Nil(_) | Arg::Dot(_) => {
                let term = quote::quote(&term.to_string());
                return self.fail(format_args!("unexpected . after term {term}"));
            }
            term => Arg::Chain(pos, Box::new(term), fields),
        }))
    }

    fn term(&mut self) -> Parse<Option<Arg>> {
        let token = self.token_non_space();
        let pos: Pos = token.pos;
        Ok(Some(match token.kind {
            Kind::Identifier => match Function::find(&token.text, self.functions) {
                Some(function) => Arg::Function(pos, function),
                None => {
                    let name = quote::quote(&token.text);
                    return self.fail(format_args!("function {name} not defined"));
                }
            },
            Kind::Dot => Arg::Dot(pos),
            Kind::Nil => Arg::Nil(pos),
            Kind::Variable => {
                if !self.scope.vars.iter().any(|name| *name == token.text) {
                    let name = quote::quote(&token.text);
                    return self.fail(format_args!("undefined variable {name}"));
                }
                Arg::Variable(pos, vec![token.text.into_owned()])
            }
            Kind::Field => Arg::Field(pos, vec![field_name(&token)]),
            Kind::Bool => Arg::Bool(pos, token.text == "true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => match literal::number(&token.text) {
                Ok(number) => Arg::Number(pos, number),
                Err(message) => return self.fail(message),
            },
            Kind::LeftParen => {
                Arg::Pipe(Box::new(self.pipeline("parenthesized pipeline", Kind::RightParen)?))
            }
            Kind::Str | Kind::RawString => {
                let text = self.unquote(&token)?;
                Arg::Str { pos, quoted: token.text.into_owned(), text }
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }
}

fn field_name(token: &Token<'_>) -> String {
    token.text.trim_start_matches('.').to_owned()
}

/// Whether a body holds nothing but white space.
fn is_blank(nodes: &[Node]) -> bool {
    nodes.iter().all(|node| matches!(node, Node::Text(text) if text.text.trim().is_empty()))
}
