//! Ends an action's pipeline with the escapers of its place.

use super::context::{Context, Delim, JsSlash, State, UrlPart};
use super::escaper::Escaper;
use crate::ast::{Action, Arg, Command, Pipe};
use crate::function::Function;
use crate::quote;

type Outcome<T> = Result<T, String>;

/// The action with its escapers, and the context after it; `Err` says why it cannot stand here.
pub(super) fn escape(c: Context, action: &Action) -> Outcome<(Context, Action)> {
    if !action.pipe.decl.is_empty() {
        return Ok((c, action.clone()));
    }
    let mut c = c.nudge();
    check_predefined(c, action)?;
    if c.state == State::Error {
        return Ok((c, action.clone()));
    }
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
            return Err(format!("predefined escaper {name} disallowed in template"));
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
        State::JsTemplate => list.push(Escaper::JsTemplate),
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
            return Err(format!("{action} appears in an ambiguous context within a URL"));
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
