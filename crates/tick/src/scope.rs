//! The names in force while a script is evaluated.

use std::collections::BTreeMap;

use crate::ast::{Ident, Span};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::go::quote;
use crate::limits::MAX_VALUE_BYTES;
use crate::suggest::did_you_mean;
use crate::value::Value;

/// The one function that a script can call outside lambdas.
pub(crate) const TIME: &str = "time";

/// Variables by name. `None` is the function [`TIME`].
pub(crate) struct Scope {
    names: BTreeMap<String, Option<Value>>,
    /// What copies of values may still take, in bytes.
    budget: usize,
}

impl Scope {
    pub(crate) fn new() -> Scope {
        let names = BTreeMap::from([(TIME.to_owned(), None)]);
        Scope { names, budget: MAX_VALUE_BYTES }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        self.names.insert(name.to_owned(), Some(value));
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// A copy of the value of a name.
    pub(crate) fn get(&mut self, name: &str, span: Span) -> Result<Value, Diagnostic> {
        let bytes = match self.names.get(name) {
            Some(Some(value)) => value.copied_bytes(),
            Some(None) => {
                let message = format!("{} is a function and cannot be used as a value", quote(name));
                return Err(Diagnostic::eval(codes::BAD_CALL, span, message).with_help("call it: time(10s)"));
            }
            None => return Err(self.undefined(name, span)),
        };
        self.spend(bytes, span)?;
        match self.names.get(name) {
            Some(Some(value)) => Ok(value.clone()),
            _ => Err(self.undefined(name, span)),
        }
    }

    /// Takes from what values may still take.
    pub(crate) fn spend(&mut self, bytes: usize, span: Span) -> Result<(), Diagnostic> {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => {
                let message = format!("the script's values take more than {MAX_VALUE_BYTES} bytes");
                Err(Diagnostic::eval(codes::TOO_LARGE, span, message)
                    .with_help("use shorter strings and lists"))
            }
        }
    }

    /// An identifier within a lambda. Fields stand in double quotes there, so a bare name that
    /// nothing defines is most likely one.
    pub(crate) fn get_in_lambda(&mut self, name: &str, span: Span) -> Result<Value, Diagnostic> {
        self.get(name, span).map_err(|diagnostic| {
            if diagnostic.code == codes::UNDEFINED && diagnostic.help.is_none() {
                diagnostic.with_help(format!("a field or tag is written \"{name}\""))
            } else {
                diagnostic
            }
        })
    }

    fn undefined(&self, name: &str, span: Span) -> Diagnostic {
        let names: Vec<&str> = self.names.keys().map(String::as_str).collect();
        let message = format!("name {} is undefined. Names in scope: {}", quote(name), names.join(","));
        let diagnostic = Diagnostic::plain(codes::UNDEFINED, span, message);
        match name {
            "true" | "false" | "True" | "False" => {
                diagnostic.with_help(format!("write {} in capitals", name.to_uppercase()))
            }
            _ => diagnostic.with_suggestion(did_you_mean(name, names)),
        }
    }

    /// Defines a variable.
    pub(crate) fn define(&mut self, name: &Ident, value: Value) -> Result<(), Diagnostic> {
        if self.has(&name.name) {
            let message = format!("attempted to redefine {}, vars are immutable", name.name);
            return Err(Diagnostic::plain(codes::REDEFINED, name.span, message));
        }
        self.set(&name.name, value);
        Ok(())
    }
}
