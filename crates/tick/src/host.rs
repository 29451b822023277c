//! What the evaluator asks of whoever owns the nodes.

use crate::ast::{Ident, Link, Span};
use crate::diagnostic::Diagnostic;
use crate::value::{ObjectId, Value};

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// Its value.
    pub value: Value,
    /// Where it is written; the items of a literal list that was spread have their own places.
    pub span: Span,
}

/// The owner of the objects a script talks to. The pipeline implements it.
///
/// Names reach the host as written. Kapacitor upper-cases the first letter before it looks a name
/// up, so `.Period` and `.period` are the same; the host decides by its own list.
pub trait Host {
    /// The object that `stream` or `batch` names, if this task has it. Asked once for each before
    /// anything else.
    fn root(&mut self, name: &str) -> Option<ObjectId>;

    /// Calls a member that [`Host::has_member`] has confirmed. A property answers with the object
    /// that the next link hangs on, usually the receiver; a chain link with the new node.
    ///
    /// `call_span` covers the member's name, which is where Kapacitor places errors of the call.
    ///
    /// # Errors
    /// Whatever is wrong with the arguments; [`Diagnostic::argument`] and [`Diagnostic::calling`]
    /// have Kapacitor's words.
    fn call(
        &mut self,
        receiver: ObjectId,
        link: Link,
        member: &Ident,
        args: &[Arg],
        call_span: Span,
    ) -> Result<Value, Diagnostic>;

    /// Reads a property without calling it; `None` if there is none of that name that can be
    /// read.
    ///
    /// # Errors
    /// If reading fails.
    fn property(&mut self, receiver: ObjectId, name: &Ident) -> Result<Option<Value>, Diagnostic>;

    /// The object's type in Kapacitor's messages, such as `*pipeline.FromNode`.
    fn describe(&self, object: ObjectId) -> String;

    /// Whether `object` + `link` + `name` can be called.
    fn has_member(&self, object: ObjectId, link: Link, name: &str) -> bool;

    /// The names that can follow the link, for "did you mean".
    fn members(&self, object: ObjectId, link: Link) -> Vec<String> {
        let _ = (object, link);
        Vec::new()
    }

    /// Calls a lambda function on constants, as in `var x = string(5) + 's'`. `None`: there is no
    /// such function.
    fn constant_function(&mut self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        let _ = (name, args);
        None
    }
}
