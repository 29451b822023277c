//! Evaluates operands: fields, variables, chains and calls.

use crate::ast::{Arg, Command, Number};
use crate::builtin;
use crate::exec::{At, Run, State};
use crate::function::Function;
use crate::method::{self, Parameter, Results};
use crate::value::{Element, Slot, Value};

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
                let found = self.vars.iter().rposition(|var| var.name == name);
                let Some(index) = found else {
                    return self.fail(format_args!("undefined variable: {name}"));
                };
                self.charge((self.vars.len() - index) / 64)?;
                // Taken out while it is copied, since copying is counted.
                let value = std::mem::replace(&mut self.vars[index].value, Value::Nil);
                let copy = self.copy(&value);
                self.vars[index].value = value;
                let boxed = self.vars[index].boxed;
                let value = copy?;
                if fields.is_empty() {
                    self.not_a_function(arg, &given)?;
                    self.boxed = boxed;
                    return Ok(value);
                }
                self.fields(dot, (value, boxed), arg, fields, given)
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
            boxed = is_entry(&receiver, ident);
            receiver = next;
        }
        let value = self.field(dot, last, arg, given, &receiver, boxed)?;
        self.boxed = is_entry(&receiver, last);
        Ok(value)
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
            Value::Nil if boxed => {
                return self.fail(format_args!("nil pointer evaluating interface {{}}.{name}"));
            }
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
                if matches!(receiver, Value::Time(_)) && matches!(name, "wall" | "ext" | "loc") {
                    return self.fail(format_args!("{name} is an unexported field of struct type time.Time"));
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
        match method.results {
            Results::One => {}
            Results::Two(second) => {
                return self.fail(format_args!(
                    "invalid function signature for {name}: second return value should be error; is {second}"
                ));
            }
            Results::Three => {
                return self.fail(format_args!("function {name} has 3 return values; should be 1 or 2"));
            }
        }
        let mut values = Vec::with_capacity(want);
        for (written, parameter) in given.args.iter().zip(method.parameters) {
            values.push(self.typed_argument(dot, written, *parameter)?);
        }
        if let (Some(last), Some(parameter)) = (given.last, method.parameters.last()) {
            values.push(self.validate(last, *parameter, false)?);
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
        let (values, boxed) = self.arguments(dot, function, &given)?;
        let result = match function {
            Function::Call => {
                self.at = node;
                return self.no_function(given.args.first(), values.first());
            }
            Function::Len if boxed == Some(0) && matches!(*values, [Value::Nil]) => {
                Err("len of nil pointer".into())
            }
            Function::Slice => builtin::slice(&values, boxed),
            _ => builtin::call(function, &values, self.html, self.limits.output_bytes),
        };
        match result {
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

    /// The values of a call's arguments, and which of them comes first out of a map or list of
    /// anything; the item `slice` cuts is not asked.
    fn arguments(
        &mut self,
        dot: &Value<'r>,
        function: Function,
        given: &Given<'r>,
    ) -> Run<(Vec<Value<'r>>, Option<usize>)> {
        let mut values = Vec::with_capacity(given.len());
        let mut boxed = None;
        for (index, arg) in given.args.iter().enumerate() {
            let value = if function == Function::Printf && index == 0 {
                self.typed_argument(dot, arg, Parameter::Text)?
            } else {
                self.argument(dot, arg)?
            };
            values.push(value);
            if self.boxed && boxed.is_none() && (index > 0 || function == Function::Len) {
                boxed = Some(index);
            }
        }
        if let Some(last) = &given.last {
            let last = last.clone();
            values.push(match function {
                Function::Printf if values.is_empty() => self.validate(last, Parameter::Text, false)?,
                _ => last,
            });
        }
        self.boxed = false;
        Ok((values, boxed))
    }

    /// There are no functions among our values, so `call` always fails: only its words differ.
    fn no_function<T>(&self, callee: Option<&Arg>, value: Option<&Value<'r>>) -> Run<T> {
        let value = match value {
            None | Some(Value::Nil) => return self.fail("error calling call: call of nil"),
            Some(value) => value,
        };
        let kind = value.type_name();
        let name = match (callee, value.text()) {
            (Some(arg), _) => arg.to_string(),
            (None, Some(text)) => text.to_owned(),
            (None, None) => format!("<{kind} Value>"),
        };
        self.fail(format_args!("error calling call: non-function {name} of type {kind}"))
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
            Arg::Nil(_) => {
                self.boxed = false;
                Ok(Value::Nil)
            }
            literal => self.literal(dot, literal),
        }
    }

    fn literal(&mut self, dot: &Value<'r>, arg: &'r Arg) -> Run<Value<'r>> {
        self.at = At::Arg(arg);
        self.boxed = false;
        match arg {
            Arg::Dot(_) => {
                self.boxed = self.boxed_dot;
                self.copy(dot)
            }
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
                self.validate(value, parameter, self.boxed)
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

    fn validate(&self, value: Value<'r>, parameter: Parameter, boxed: bool) -> Run<Value<'r>> {
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
            Value::Nil if boxed => {
                self.fail(format_args!("wrong type for value; expected {want}; got interface {{}}"))
            }
            Value::Nil => self.fail(format_args!("invalid value; expected {want}")),
            value => {
                let got = value.type_name();
                self.fail(format_args!("wrong type for value; expected {want}; got {got}"))
            }
        }
    }
}

/// Whether `name` is in a map of anything: its value is an interface to Go, and errors say so.
fn is_entry(receiver: &Value<'_>, name: &str) -> bool {
    match receiver {
        Value::Map(map) => map.element() == Element::Any && map.get(name).is_some(),
        _ => false,
    }
}

/// Whether `name` is an embedded struct, which in Kapacitor's data are all unexported.
fn is_embedded(slots: &[Slot], name: &str) -> bool {
    slots.iter().any(|slot| match slot {
        Slot::Embedded(embedded, inner) => *embedded == name || is_embedded(inner, name),
        _ => false,
    })
}
