//! The arguments of a chain method or a property, with Kapacitor's errors: it calls Go methods by
//! reflection, and what Go says of a wrong argument is what users search the web for.

use std::sync::Arc;
use tick::Value;
use tick::ast::Expr;

/// The arguments of one call.
pub struct Args<'a> {
    /// The values.
    pub values: &'a [Value],
    /// The property, or the chain method.
    pub name: &'a str,
    /// The Go type it belongs to, such as `*pipeline.FromNode`.
    pub receiver: &'a str,
}

/// A type that an argument can have: its Go name, and how to take it.
pub trait Arg: Sized {
    /// What Go calls it.
    const GO: &'static str;

    /// Takes it; `None` when the value has another type.
    fn take(value: &Value) -> Option<Self>;
}

impl Arg for String {
    const GO: &'static str = "string";
    fn take(value: &Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text.to_string()),
            _ => None,
        }
    }
}

impl Arg for i64 {
    const GO: &'static str = "int64";
    fn take(value: &Value) -> Option<i64> {
        match value {
            Value::Int(n) => Some(*n),
            _ => None,
        }
    }
}

impl Arg for f64 {
    const GO: &'static str = "float64";
    fn take(value: &Value) -> Option<f64> {
        match value {
            Value::Float(n) => Some(*n),
            _ => None,
        }
    }
}

impl Arg for bool {
    const GO: &'static str = "bool";
    fn take(value: &Value) -> Option<bool> {
        match value {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }
}

/// A duration in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Duration(pub i64);

impl Arg for Duration {
    const GO: &'static str = "time.Duration";
    fn take(value: &Value) -> Option<Duration> {
        match value {
            Value::Duration(ns) => Some(Duration(*ns)),
            _ => None,
        }
    }
}

impl Arg for Arc<Expr> {
    const GO: &'static str = "*ast.LambdaNode";
    fn take(value: &Value) -> Option<Arc<Expr>> {
        match value {
            Value::Lambda(expr) => Some(expr.clone()),
            _ => None,
        }
    }
}

/// Why a call is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// The error names the place of the call.
    Here(String),
    /// The error is one of the whole script, as Kapacitor reports it.
    Script(String),
}

impl From<String> for Refused {
    fn from(why: String) -> Refused {
        Refused::Here(why)
    }
}

impl Args<'_> {
    fn wrong(&self, why: String) -> Refused {
        Refused::Here(format!("error calling func {:?} on obj {}: {why}", self.name, self.receiver))
    }

    /// Number of arguments.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// No arguments.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Demands a number of arguments.
    pub fn exactly(&self, n: usize) -> Result<(), Refused> {
        self.between(n, n)
    }

    /// Demands a number of arguments in a range.
    pub fn between(&self, least: usize, most: usize) -> Result<(), Refused> {
        if self.len() < least {
            return Err(self.wrong("reflect: Call with too few input arguments".into()));
        }
        if self.len() > most {
            return Err(self.wrong("reflect: Call with too many input arguments".into()));
        }
        Ok(())
    }

    /// Argument `at` of a method.
    pub fn get<T: Arg>(&self, at: usize) -> Result<T, Refused> {
        let Some(value) = self.values.get(at) else {
            return Err(self.wrong("reflect: Call with too few input arguments".into()));
        };
        if T::GO == "string" && matches!(value, Value::Reference(_)) {
            return Err(wrong_quotes());
        }
        T::take(value)
            .ok_or_else(|| self.wrong(format!("reflect: Call using {} as type {}", value.go_type(), T::GO)))
    }

    /// The only argument of a method.
    pub fn one<T: Arg>(&self) -> Result<T, Refused> {
        self.exactly(1)?;
        self.get(0)
    }

    /// The value for a field that Kapacitor sets directly.
    pub fn set<T: Arg>(&self) -> Result<T, Refused> {
        let [value] = self.values else {
            return Err(Refused::Here(format!(
                "too many arguments to set property {} on {}",
                upper_first(self.name),
                self.receiver
            )));
        };
        if T::GO == "string" && matches!(value, Value::Reference(_)) {
            return Err(wrong_quotes());
        }
        T::take(value).ok_or_else(|| {
            let (got, want) = (value.go_type(), T::GO);
            self.wrong(format!("reflect.Set: value of type {got} is not assignable to type {want}"))
        })
    }

    /// The arguments from `from` on, of a variadic method.
    pub fn rest<T: Arg>(&self, from: usize) -> Result<Vec<T>, Refused> {
        let rest = self.values.get(from..).unwrap_or_default();
        rest.iter()
            .map(|value| {
                if T::GO == "string" && matches!(value, Value::Reference(_)) {
                    return Err(wrong_quotes());
                }
                T::take(value).ok_or_else(|| {
                    let (got, want) = (value.go_type(), T::GO);
                    self.wrong(format!("reflect: cannot use {got} as type {want} in Call"))
                })
            })
            .collect()
    }

    /// No argument, or one boolean: a property that switches something on.
    pub fn flag(&self) -> Result<bool, Refused> {
        self.exactly(0)?;
        Ok(true)
    }

    /// Any error of the call's own, in the frame that Kapacitor puts around it.
    pub fn refuse(&self, why: impl Into<String>) -> Refused {
        self.wrong(why.into())
    }
}

fn wrong_quotes() -> Refused {
    let why = "cannot assign *ast.ReferenceNode to type string, did you use double quotes instead of single quotes?";
    Refused::Here(why.into())
}

/// Go's exported spelling of a name.
pub fn upper_first(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
