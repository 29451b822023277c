//! The one list of functions a template can call, and the escapers html templates add.

use crate::html::Escaper;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    And,
    Call,
    Html,
    Index,
    Js,
    Len,
    Not,
    Or,
    Print,
    Printf,
    Println,
    Slice,
    UrlQuery,
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
    Json,
    JsonCompact,
    /// `print` without the `<nil>`: what an html template turns `html a b` into first.
    EvalArgs,
    Escape(Escaper),
}

/// Which functions beyond Go's own a template may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Functions {
    Builtin,
    /// Kapacitor's `json` and `jsonCompact` too.
    WithJson,
}

/// Name, function, fewest and most arguments.
const FUNCTIONS: &[(&str, Function, usize, usize)] = &[
    ("and", Function::And, 1, usize::MAX),
    ("call", Function::Call, 1, usize::MAX),
    ("eq", Function::Eq, 1, usize::MAX),
    ("ge", Function::Ge, 2, 2),
    ("gt", Function::Gt, 2, 2),
    ("html", Function::Html, 0, usize::MAX),
    ("index", Function::Index, 1, usize::MAX),
    ("js", Function::Js, 0, usize::MAX),
    ("json", Function::Json, 1, 1),
    ("jsonCompact", Function::JsonCompact, 1, 1),
    ("le", Function::Le, 2, 2),
    ("len", Function::Len, 1, 1),
    ("lt", Function::Lt, 2, 2),
    ("ne", Function::Ne, 2, 2),
    ("not", Function::Not, 1, 1),
    ("or", Function::Or, 1, usize::MAX),
    ("print", Function::Print, 0, usize::MAX),
    ("printf", Function::Printf, 1, usize::MAX),
    ("println", Function::Println, 0, usize::MAX),
    ("slice", Function::Slice, 1, usize::MAX),
    ("urlquery", Function::UrlQuery, 0, usize::MAX),
];

impl Function {
    /// The function a template calls by `name`.
    pub fn find(name: &str, functions: Functions) -> Option<Function> {
        let function = FUNCTIONS.iter().find(|entry| entry.0 == name)?.1;
        let json = matches!(function, Function::Json | Function::JsonCompact);
        (!json || functions == Functions::WithJson).then_some(function)
    }

    pub fn name(self) -> &'static str {
        match self {
            Function::EvalArgs => "_eval_args_",
            Function::Escape(escaper) => escaper.name(),
            function => FUNCTIONS.iter().find(|entry| entry.1 == function).map_or("", |entry| entry.0),
        }
    }

    /// Fewest and most arguments.
    pub fn arity(self) -> (usize, usize) {
        FUNCTIONS.iter().find(|entry| entry.1 == self).map_or((0, usize::MAX), |entry| (entry.2, entry.3))
    }
}

impl std::fmt::Display for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
