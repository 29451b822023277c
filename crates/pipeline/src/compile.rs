//! From a script to its graph: answers the evaluator's questions about nodes.

use crate::args::{Args, Refused, upper_first};
use crate::edge::EdgeKind;
use crate::graph::{Graph, GraphNode};
use crate::node::Kind;
use crate::nodes;
use std::collections::BTreeMap;
use tick::ast::{Ident, Link, Program, Span};
use tick::{Arg, Diagnostic, Host, Mode, ObjectId, TaskType, Value, VarInfo};

/// Codes of the diagnostics made here; `tick::codes` has the language's own.
mod codes {
    /// The arguments of a call do not fit.
    pub const ARGUMENTS: &str = "P001";
    /// The script as a whole does not describe a pipeline.
    pub const PIPELINE: &str = "P002";
}

/// A script that describes a pipeline.
pub struct Compiled {
    /// The pipeline.
    pub graph: Graph,
    /// The variables with their values.
    pub vars: BTreeMap<String, VarInfo>,
    /// What `dbrp` statements say.
    pub dbrps: Vec<(String, String)>,
}

/// Evaluates a script and checks the pipeline that it describes.
pub fn compile(
    program: &Program,
    task_type: TaskType,
    supplied: &BTreeMap<String, Value>,
    mode: Mode,
) -> Result<Compiled, Diagnostic> {
    let mut builder = Builder { nodes: Vec::new(), task_type };
    let evaluated = tick::evaluate(program, &mut builder, supplied, mode)?;
    let nodes = builder.nodes;
    let whole = |why: String| Diagnostic::plain(codes::PIPELINE, Span::default(), why);
    if nodes.first().is_none_or(|source| source.children.is_empty()) {
        return Err(whole("task does nothing".into()));
    }
    for node in &nodes {
        node.definition.validate(node.parents.len()).map_err(whole)?;
    }
    Ok(Compiled { graph: Graph { nodes }, vars: evaluated.vars, dbrps: evaluated.dbrps })
}

/// The graph while the script is read. An object of the script is a node, by its place.
struct Builder {
    nodes: Vec<GraphNode>,
    task_type: TaskType,
}

/// The chain methods that can follow a node.
fn followers(parent: &GraphNode) -> impl Iterator<Item = &'static Kind> {
    let source = parent.parents.is_empty();
    nodes::all().filter(move |kind| !source || kind.name == "from")
}

/// Kapacitor looks a name up with its first letter in upper case: `.Period` is `.period`.
fn same_name(written: &str, name: &str) -> bool {
    written == name || upper_first(written) == upper_first(name)
}

impl Builder {
    fn node(&self, object: ObjectId) -> &GraphNode {
        &self.nodes[object.0 as usize]
    }

    fn link(&mut self, receiver: ObjectId, member: &Ident, args: &[Arg]) -> Result<Value, Refused> {
        let parent = self.node(receiver);
        let kind = followers(parent).find(|k| same_name(&member.name, k.name)).expect("has_member said so");
        let receiver_type = self.describe(receiver);
        let values: Vec<Value> = args.iter().map(|arg| arg.value.clone()).collect();
        let call = Args { values: &values, name: &member.name, receiver: &receiver_type };
        if let Some(wanted) = kind.wants
            && wanted != parent.provides
        {
            let (method, got) = (upper_first(kind.name), parent.provides.name());
            return Err(call.refuse(format!("cannot {method} {got} edge")));
        }
        let provides = kind.provides.unwrap_or(parent.provides);
        let mut parents = vec![receiver.0 as usize];
        let definition = if kind.joins {
            for value in &values {
                let Value::Object(other) = value else {
                    let why =
                        format!("reflect: cannot use {} as type pipeline.Node in Call", value.go_type());
                    return Err(call.refuse(why));
                };
                parents.push(other.0 as usize);
            }
            (kind.create)(&Args { values: &[], ..call })?
        } else {
            (kind.create)(&call)?
        };
        let at = self.nodes.len();
        let last = self.nodes.last().map_or(0, |node| node.number);
        let number = last + parents.len() as u32;
        for &parent in &parents {
            self.nodes[parent].children.push(at);
        }
        self.nodes.push(GraphNode {
            kind,
            number,
            definition,
            parents,
            children: Vec::new(),
            provides,
            quiet: false,
        });
        Ok(Value::Object(ObjectId(at as u32)))
    }

    fn set(&mut self, receiver: ObjectId, member: &Ident, args: &[Arg]) -> Result<Value, Refused> {
        let receiver_type = self.describe(receiver);
        let values: Vec<Value> = args.iter().map(|arg| arg.value.clone()).collect();
        let call = Args { values: &values, name: &member.name, receiver: &receiver_type };
        let node = &mut self.nodes[receiver.0 as usize];
        if same_name(&member.name, "quiet") {
            node.quiet = call.flag()?;
        } else {
            let properties = node.kind.properties.iter();
            let mut named = properties.filter(|p| same_name(&member.name, p.name));
            let property = named.next().expect("has_member said so");
            (property.set)(&mut *node.definition, &call)?;
        }
        Ok(Value::Object(receiver))
    }
}

impl Host for Builder {
    fn root(&mut self, name: &str) -> Option<ObjectId> {
        if name != "stream" || self.task_type != TaskType::Stream {
            return None;
        }
        if self.nodes.is_empty() {
            self.nodes.push(GraphNode {
                kind: &nodes::stream::KIND,
                number: 0,
                definition: Box::new(nodes::stream::Stream),
                parents: Vec::new(),
                children: Vec::new(),
                provides: EdgeKind::Stream,
                quiet: false,
            });
        }
        Some(ObjectId(0))
    }

    fn call(
        &mut self,
        receiver: ObjectId,
        link: Link,
        member: &Ident,
        args: &[Arg],
        call_span: Span,
    ) -> Result<Value, Diagnostic> {
        let done = match link {
            Link::Property => self.set(receiver, member, args),
            Link::Chain | Link::Dynamic => self.link(receiver, member, args),
        };
        done.map_err(|refused| match refused {
            Refused::Here(why) => Diagnostic::eval(codes::ARGUMENTS, call_span, why),
            Refused::Script(why) => Diagnostic::plain(codes::ARGUMENTS, call_span, why),
        })
    }

    fn property(&mut self, receiver: ObjectId, name: &Ident) -> Result<Option<Value>, Diagnostic> {
        // Nothing can be done with what a property holds but to go on with its node.
        let known = self.has_member(receiver, Link::Property, &name.name);
        Ok(known.then_some(Value::Object(receiver)))
    }

    fn describe(&self, object: ObjectId) -> String {
        let node = self.node(object);
        format!("*pipeline.{}", node.definition.go().unwrap_or(node.kind.go))
    }

    fn has_member(&self, object: ObjectId, link: Link, name: &str) -> bool {
        let node = self.node(object);
        match link {
            Link::Property => {
                let mut properties = node.kind.properties.iter();
                let quiet = !node.parents.is_empty() && same_name(name, "quiet");
                let known = properties.any(|p| same_name(name, p.name));
                quiet || (known && node.definition.has_property(name))
            }
            Link::Chain => followers(node).any(|kind| same_name(name, kind.name)),
            Link::Dynamic => false,
        }
    }

    fn members(&self, object: ObjectId, link: Link) -> Vec<String> {
        let node = self.node(object);
        match link {
            Link::Property => node.kind.properties.iter().map(|p| p.name.to_string()).collect(),
            Link::Chain => followers(node).map(|kind| kind.name.to_string()).collect(),
            Link::Dynamic => Vec::new(),
        }
    }

    fn constant_function(&mut self, _name: &str, _args: &[Value]) -> Option<Result<Value, String>> {
        None
    }
}
