//! The declarations of variables.

use super::{Evaluator, Mode, VarInfo};
use crate::ast::{Comment, Expr, Ident, Span};
use crate::codes;
use crate::comment;
use crate::diagnostic::Diagnostic;
use crate::go::quote;
use crate::suggest::did_you_mean;
use crate::value::{Value, ValueType};

impl Evaluator<'_> {
    /// `var name = value`.
    pub(super) fn declaration(
        &mut self,
        name: &Ident,
        value: &Expr,
        comment: Option<&Comment>,
    ) -> Result<(), Diagnostic> {
        let default = self.expr(value)?;
        let value_type = default.value_type();
        let supplied = self.supplied(name, value_type)?;
        // A redefinition must not reach the variables that the API shows.
        self.scope.define(name, supplied.unwrap_or_else(|| default.clone()))?;
        if value_type != ValueType::Invalid {
            let description = comment::text(comment);
            let info = VarInfo { value_type, value: Some(default), description };
            self.vars.insert(name.name.clone(), info);
        }
        Ok(())
    }

    /// `var name type`.
    pub(super) fn type_declaration(
        &mut self,
        name: &Ident,
        type_name: &Ident,
        comment: Option<&Comment>,
    ) -> Result<(), Diagnostic> {
        let Some(value_type) = ValueType::from_declared_name(&type_name.name) else {
            return Err(unknown_type(type_name));
        };
        let info = VarInfo { value_type, value: None, description: comment::text(comment) };
        self.vars.insert(name.name.clone(), info);
        let value = match self.supplied(name, value_type)? {
            Some(value) => Some(value),
            None if self.mode == Mode::Template => value_type.zero(),
            None => None,
        };
        let Some(value) = value else {
            let message = format!("missing value for var {}.", quote(&name.name));
            return Err(Diagnostic::plain(codes::VAR_MISSING, name.span, message));
        };
        self.scope.set(&name.name, value);
        Ok(())
    }

    /// The value supplied for a variable, which must have the variable's type.
    fn supplied(&self, name: &Ident, wanted: ValueType) -> Result<Option<Value>, Diagnostic> {
        let Some(value) = self.supplied.get(&name.name) else {
            return Ok(None);
        };
        let got = value.value_type();
        if got != wanted {
            return Err(wrong_type(&name.name, name.span, got, wanted));
        }
        Ok(Some(value.clone()))
    }
}

fn wrong_type(name: &str, span: Span, got: ValueType, wanted: ValueType) -> Diagnostic {
    let message = format!("invalid type supplied for {name}, got {got} exp {wanted}");
    Diagnostic::plain(codes::VAR_MISMATCH, span, message)
}

fn unknown_type(type_name: &Ident) -> Diagnostic {
    let message = format!("invalid var type {}", quote(&type_name.name));
    let names = ValueType::DECLARABLE.map(ValueType::declared_name);
    let suggestion = did_you_mean(&type_name.name, names);
    let diagnostic = Diagnostic::plain(codes::VAR_TYPE, type_name.span, message);
    match suggestion {
        Some(_) => diagnostic.with_suggestion(suggestion),
        None => diagnostic.with_help(format!("the types are {}", names.join(", "))),
    }
}
