//! A host for tests: a small made-up pipeline that writes down every call.

use tick::ast::{Ident, Link, Span};
use tick::{Arg, Diagnostic, Host, ObjectId, Value};

/// What a kind of object is called and what can be called on it.
struct Kind {
    describe: &'static str,
    chain: &'static [&'static str],
    property: &'static [&'static str],
}

const SOURCE: Kind = Kind { describe: "*pipeline.StreamNode", chain: &["from"], property: &[] };
const NODE: Kind = Kind {
    describe: "*pipeline.FromNode",
    chain: &["where", "window", "eval", "alert", "union", "groupBy"],
    property: &["database", "period", "as", "tags"],
};
const DYNAMIC: &[&str] = &["detector"];

/// The host. Object 0 is `stream`, all others are nodes.
#[derive(Default)]
pub struct Recorder {
    /// One line a call.
    pub calls: Vec<String>,
    nodes: u32,
}

impl Recorder {
    fn kind(object: ObjectId) -> Kind {
        if object.0 == 0 { SOURCE } else { NODE }
    }
}

fn shown(arg: &Arg) -> String {
    match &arg.value {
        Value::Object(id) => format!("#{}", id.0),
        Value::String(text) => format!("'{text}'"),
        other => format!("{other}"),
    }
}

impl Host for Recorder {
    fn root(&mut self, name: &str) -> Option<ObjectId> {
        (name == "stream").then_some(ObjectId(0))
    }

    fn call(
        &mut self,
        receiver: ObjectId,
        link: Link,
        member: &Ident,
        args: &[Arg],
        call_span: Span,
    ) -> Result<Value, Diagnostic> {
        if member.name == "database" {
            let wrong = args.iter().find(|arg| !matches!(arg.value, Value::String(_)));
            if let Some(arg) = wrong {
                let described = self.describe(receiver);
                return Err(Diagnostic::argument(call_span, "database", &described, &arg.value, "string"));
            }
        }
        if member.name == "as" && args.iter().any(|arg| matches!(arg.value, Value::Int(_))) {
            let described = self.describe(receiver);
            return Err(Diagnostic::assignment(call_span, "as", &described, &args[0].value, "string"));
        }
        let args: Vec<String> = args.iter().map(shown).collect();
        let result = if link == Link::Property {
            receiver
        } else {
            self.nodes += 1;
            ObjectId(self.nodes)
        };
        let symbol = match link {
            Link::Property => '.',
            Link::Chain => '|',
            Link::Dynamic => '@',
        };
        let call = format!("#{}{symbol}{}({})", receiver.0, member.name, args.join(", "));
        self.calls.push(if result == receiver { call } else { format!("{call} -> #{}", result.0) });
        Ok(Value::Object(result))
    }

    fn property(&mut self, receiver: ObjectId, name: &Ident) -> Result<Option<Value>, Diagnostic> {
        Ok((name.name == "name").then(|| Value::String(format!("node{}", receiver.0))))
    }

    fn describe(&self, object: ObjectId) -> String {
        Self::kind(object).describe.to_owned()
    }

    fn has_member(&self, object: ObjectId, link: Link, name: &str) -> bool {
        self.members(object, link).iter().any(|member| member == name)
    }

    fn members(&self, object: ObjectId, link: Link) -> Vec<String> {
        let kind = Self::kind(object);
        let names = match link {
            Link::Chain => kind.chain,
            Link::Property => kind.property,
            Link::Dynamic => DYNAMIC,
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn constant_function(&mut self, name: &str, args: &[Value]) -> Option<Result<Value, String>> {
        match (name, args) {
            ("string", [Value::Int(value)]) => Some(Ok(Value::String(value.to_string()))),
            ("string", _) => Some(Err("error calling \"string\": wrong arguments".to_owned())),
            _ => None,
        }
    }
}
