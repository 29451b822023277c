//! Evaluates operands: fields, variables, chains and calls.

use crate::ast::{Arg, Command, Number};
use crate::builtin;
use crate::exec::{At, Run, State};
use crate::function::Function;
use crate::method::{self, Parameter};
use crate::value::{Slot, Value};

/// The arguments of a call: those written after it and the value piped in, if any.
#[derive(Clone)]
struct Given<'r> {
    args: &'r [Arg],
    last: Option<Value<'r>>,
}

impl Given<'_> {
    fn is_empty(&self) -> bool {
        self.args.is_empty() && self.last.is_none()
    }

    fn len(&self) -> usize {
        self.args.len() + usize::from(self.last.is_some())
    }
}

const NONE: Given<'static> = Given { args: &[], last: None };

impl<'r> State<'r, '_> {
    /// Evaluates a command; `last` is the result of the one before it in the pipeline.
    pub fn command(
        &mut self,
        dot: &Value<'r>,
        command: &'r Command,
        last: Option<Value<'r>>,
    ) -> Run<Value<'r>> {
        self.charge(1)?;
        let Some((first, args)) = command.args.split_first() else {
            return self.fail("empty command");
        };
        let given = Given { args, last };
        match first {
            Arg::Field(..) | Arg::Chain(..) | Arg::Variable(..) => self.operand(dot, first, given),
            Arg::Function(_, function) => {
                self.at = At::Arg(first);
                self.call(dot, *function, At::Command(command), given)
            }
            Arg::Pipe(pipe) => {
                self.not_a_function(first, &given)?;
                self.deeper(|state| state.pipeline(dot, pipe))
            }
            _ => {
                self.at = At::Arg(first);
                self.not_a_function(first, &given)?;
                match first {
                    Arg::Nil(_) => self.fail("nil is not a command"),
                    literal => self.literal(dot, literal),
                }
            }
        }
    }

    fn not_a_function(&self, first: &Arg, given: &Given<'_>) -> Run<()> {
        if given.is_empty() {
            return Ok(());
        }
        self.fail(format_args!("can't give argument to non-function {first}"))
    }

    /// A field, variable or chain, which may be a method called with arguments.
    fn operand(&mut self, dot: &Value<'r>, arg: &'r Arg, given: Given<'r>) -> Run<Value<'r>> {
        self.at = At::Arg(arg);
        match arg {
            Arg::Field(_, idents) => {
                let boxed = self.boxed_dot;
                self.fields(dot, (dot.clone(), boxed), arg, idents, given)
            }
            Arg::Variable(_, idents) => {
                let (name, fields) = match idents.split_first() {
                    Some((name, fields)) => (name.as_str(), fields),
                    None => ("", &[][..]),
                };
                let found = self.vars.iter().rposition(|(known, _)| *known == name);
                let Some(index) = found else {
                    return self.fail(format_args!("undefined variable: {name}"));
                };
                // Taken out while it is copied, since copying is counted.
                let value = std::mem::replace(&mut self.vars[index].1, Value::Nil);
                let copy = self.copy(&value);
                self.vars[index].1 = value;
                let value = copy?;
                if fields.is_empty() {
                    self.not_a_function(arg, &given)?;
                    return Ok(value);
                }
                self.fields(dot, (value, false), arg, fields, given)
            }
            Arg::Chain(_, inner, fields) => {
                if matches!(**inner, Arg::Nil(_)) {
                    return self.fail(format_args!("indirection through explicit nil in {arg}"));
                }
                let receiver = self.argument(dot, inner)?;
                self.fields(dot, (receiver, false), arg, fields, given)
            }
            other => self.literal(dot, other),
        }
    }

    fn fields(
        &mut self,
        dot: &Value<'r>,
        (mut receiver, mut boxed): (Value<'r>, bool),
        arg: &'r Arg,
        idents: &'r [String],
        given: Given<'r>,
    ) -> Run<Value<'r>> {
        let Some((last, path)) = idents.split_last() else {
            return Ok(receiver);
        };
        for ident in path {
            let next = self.field(dot, ident, arg, NONE, &receiver, boxed)?;
            // A value straight out of a map of anything is an interface to Go, and its errors
            // say so.
            boxed = receiver.holds_anything();
            receiver = next;
        }
        self.field(dot, last, arg, given, &receiver, boxed)
    }

    fn field(
        &mut self,
        dot: &Value<'r>,
        name: &'r str,
        arg: &'r Arg,
        given: Given<'r>,
        receiver: &Value<'r>,
        boxed: bool,
    ) -> Run<Value<'r>> {
        match receiver {
            Value::Nil => return Ok(Value::Nil),
            Value::Object(object) => {
                if let Some(value) = object.method(name) {
                    self.check_arity(name, 0, 0, &given)?;
                    return Ok(value);
                }
                if let Some(value) = object.field(name) {
                    if !given.is_empty() {
                        return self
                            .fail(format_args!("{name} has arguments but cannot be invoked as function"));
                    }
                    return Ok(value);
                }
                if is_embedded(object.shape(), name) {
                    let kind = receiver.type_name();
                    return self.fail(format_args!("{name} is an unexported field of struct type {kind}"));
                }
            }
            Value::Map(map) => {
                if !given.is_empty() {
                    return self.fail(format_args!("{name} is not a method but has arguments"));
                }
                return Ok(map.get(name).unwrap_or(Value::Nil));
            }
            receiver => {
                if let Some(method) = method::find(receiver, name) {
                    return self.call_method(dot, method, name, arg, given, receiver);
                }
            }
        }
        let kind = if boxed { "interface {}" } else { receiver.type_name() };
        self.fail(format_args!("can't evaluate field {name} in type {kind}"))
    }

    fn call_method(
        &mut self,
        dot: &Value<'r>,
        method: &'static method::Method,
        name: &str,
        arg: &'r Arg,
        given: Given<'r>,
        receiver: &Value<'r>,
    ) -> Run<Value<'r>> {
        let want = method.parameters.len();
        self.check_arity(name, want, want, &given)?;
        if method.results != 1 {
            return self.fail(format_args!(
                "can't call method/function {} with {} results",
                crate::quote::quote(name),
                method.results
            ));
        }
        let mut values = Vec::with_capacity(want);
        for (written, parameter) in given.args.iter().zip(method.parameters) {
            values.push(self.typed_argument(dot, written, *parameter)?);
        }
        if let (Some(last), Some(parameter)) = (given.last, method.parameters.last()) {
            values.push(self.validate(last, *parameter)?);
        }
        match (method.call)(receiver, &values) {
            Some(value) => Ok(value),
            None => {
                self.at = At::Arg(arg);
                self.fail(format_args!("error calling {name}: result out of range"))
            }
        }
    }

    fn check_arity(
        &self,
        name: impl std::fmt::Display,
        least: usize,
        most: usize,
        given: &Given<'_>,
    ) -> Run<()> {
        let count = given.len();
        if most == usize::MAX && count < least {
            let got = given.args.len();
            return self
                .fail(format_args!("wrong number of args for {name}: want at least {least} got {got}"));
        }
        if most != usize::MAX && count != least {
            return self.fail(format_args!("wrong number of args for {name}: want {least} got {count}"));
        }
        Ok(())
    }

    fn call(
        &mut self,
        dot: &Value<'r>,
        function: Function,
        node: At<'r>,
        given: Given<'r>,
    ) -> Run<Value<'r>> {
        let (least, most) = function.arity();
        self.check_arity(function, least, most, &given)?;
        if matches!(function, Function::And | Function::Or) {
            return self.and_or(dot, function == Function::Or, given);
        }
        let mut values = Vec::with_capacity(given.len());
        for (index, arg) in given.args.iter().enumerate() {
            let value = if function == Function::Printf && index == 0 {
                self.typed_argument(dot, arg, Parameter::Text)?
            } else {
                self.argument(dot, arg)?
            };
            values.push(value);
        }
        if let Some(last) = given.last {
            let last = match function {
                Function::Printf if values.is_empty() => self.validate(last, Parameter::Text)?,
                _ => last,
            };
            values.push(last);
        }
        match builtin::call(function, &values, self.html) {
            Ok(value) => {
                self.charge_text(value.text().map_or(0, str::len))?;
                Ok(value)
            }
            Err(message) => {
                self.at = node;
                self.fail(format_args!("error calling {}: {message}", function.name()))
            }
        }
    }

    /// `and` and `or` stop at the argument that decides.
    fn and_or(&mut self, dot: &Value<'r>, or: bool, given: Given<'r>) -> Run<Value<'r>> {
        let mut value = Value::Nil;
        for arg in given.args {
            value = self.argument(dot, arg)?;
            if value.truth() == or {
                return Ok(value);
            }
        }
        Ok(given.last.unwrap_or(value))
    }

    /// An argument for a parameter that takes anything.
    fn argument(&mut self, dot: &Value<'r>, arg: &'r Arg) -> Run<Value<'r>> {
        self.at = At::Arg(arg);
        self.charge(1)?;
        match arg {
            Arg::Field(..) | Arg::Variable(..) => self.operand(dot, arg, NONE),
            Arg::Chain(..) => self.deeper(|state| state.operand(dot, arg, NONE)),
            Arg::Pipe(pipe) => self.deeper(|state| state.pipeline(dot, pipe)),
            Arg::Function(_, function) => self.call(dot, *function, At::Arg(arg), NONE),
            Arg::Nil(_) => Ok(Value::Nil),
            literal => self.literal(dot, literal),
        }
    }

    fn literal(&mut self, dot: &Value<'r>, arg: &'r Arg) -> Run<Value<'r>> {
        self.at = At::Arg(arg);
        match arg {
            Arg::Dot(_) => self.copy(dot),
            Arg::Bool(_, value) => Ok(Value::Bool(*value)),
            Arg::Str { text, .. } => Ok(Value::from(text.as_str())),
            Arg::Number(_, number) => self.constant(number),
            other => self.fail(format_args!("can't evaluate command {other}")),
        }
    }

    /// A number where nothing says which type is wanted.
    fn constant(&self, number: &Number) -> Run<Value<'r>> {
        let text = &number.text;
        let unsigned = text.trim_start_matches(['+', '-']);
        let hex = (unsigned.starts_with("0x") || unsigned.starts_with("0X"))
            && text.starts_with('0')
            && !text.contains(['p', 'P']);
        let fractional = text.contains(['.', 'e', 'E', 'p', 'P']);
        match (number.float, number.int) {
            (Some(float), _) if fractional && !hex && !text.starts_with('\'') => Ok(Value::Float(float)),
            (_, Some(int)) => Ok(Value::Native(int)),
            _ => self.fail(format_args!("{text} overflows int")),
        }
    }

    /// An argument for a parameter of a given type.
    fn typed_argument(&mut self, dot: &Value<'r>, arg: &'r Arg, parameter: Parameter) -> Run<Value<'r>> {
        match arg {
            Arg::Nil(_) => {
                self.at = At::Arg(arg);
                self.fail(format_args!("cannot assign nil to {}", parameter.type_name()))
            }
            Arg::Bool(..) | Arg::Number(..) | Arg::Str { .. } => {
                self.at = At::Arg(arg);
                self.typed_literal(arg, parameter)
            }
            _ => {
                let value = self.argument(dot, arg)?;
                self.validate(value, parameter)
            }
        }
    }

    fn typed_literal(&self, arg: &'r Arg, parameter: Parameter) -> Run<Value<'r>> {
        match (parameter, arg) {
            (Parameter::Text, Arg::Str { text, .. }) => Ok(Value::from(text.as_str())),
            (Parameter::Text, _) => self.fail(format_args!("expected string; found {arg}")),
            (Parameter::Native, Arg::Number(_, Number { int: Some(int), .. })) => Ok(Value::Native(*int)),
            (Parameter::Duration, Arg::Number(_, Number { int: Some(int), .. })) => Ok(Value::Duration(*int)),
            (Parameter::Native | Parameter::Duration, _) => {
                self.fail(format_args!("expected integer; found {arg}"))
            }
            (Parameter::Time, _) => self.fail(format_args!("can't handle {arg} for arg of type time.Time")),
        }
    }

    fn validate(&self, value: Value<'r>, parameter: Parameter) -> Run<Value<'r>> {
        let want = parameter.type_name();
        let fits = matches!(
            (parameter, &value),
            (Parameter::Text, Value::Str(_))
                | (Parameter::Native, Value::Native(_))
                | (Parameter::Duration, Value::Duration(_))
                | (Parameter::Time, Value::Time(_))
        );
        match value {
            value if fits => Ok(value),
            Value::Nil => self.fail(format_args!("invalid value; expected {want}")),
            value => {
                let got = value.type_name();
                self.fail(format_args!("wrong type for value; expected {want}; got {got}"))
            }
        }
    }
}

/// Whether `name` is an embedded struct, which in Kapacitor's data are all unexported.
fn is_embedded(slots: &[Slot], name: &str) -> bool {
    slots.iter().any(|slot| match slot {
        Slot::Embedded(embedded, inner) => *embedded == name || is_embedded(inner, name),
        _ => false,
    })
}
