//! From a script to its graph: answers the evaluator's questions about nodes.

use crate::args::{Args, Refused, upper_first};
use crate::edge::EdgeKind;
use crate::graph::{Graph, GraphNode};
use crate::node::{Definition, Kind};
use crate::nodes;
use crate::nodes::deadman::{self, Deadman};
use crate::nodes::noop::Noop;
use std::any::Any;
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

/// Evaluates a script and checks the pipeline that it describes; `deadman` calls are as the default
/// configuration has them.
pub fn compile(
    program: &Program,
    task_type: TaskType,
    supplied: &BTreeMap<String, Value>,
    mode: Mode,
) -> Result<Compiled, Diagnostic> {
    compile_with(program, task_type, supplied, mode, &deadman::Settings::default())
}

/// The same with what the configuration says of `deadman` calls; a global one is put on the source.
pub fn compile_with(
    program: &Program,
    task_type: TaskType,
    supplied: &BTreeMap<String, Value>,
    mode: Mode,
    deadman: &deadman::Settings,
) -> Result<Compiled, Diagnostic> {
    let mut builder = Builder { nodes: Vec::new(), task_type, deadman };
    let evaluated = tick::evaluate(program, &mut builder, supplied, mode)?;
    let whole = |why: String| Diagnostic::plain(codes::PIPELINE, Span::default(), why);
    if let Some(switch) = deadman.switch()
        && let Some(source) = builder.root("stream")
    {
        builder.deadman(source.0 as usize, &switch).map_err(|refused| match refused {
            Refused::Here(why) | Refused::Script(why) => whole(why),
        })?;
    }
    let nodes = builder.nodes;
    if nodes.len() <= 1 {
        return Err(whole("task does nothing".into()));
    }
    for node in &nodes {
        node.definition.validate(node.parents.len()).map_err(whole)?;
    }
    Ok(Compiled { graph: Graph { nodes }, vars: evaluated.vars, dbrps: evaluated.dbrps })
}

/// The graph while the script is read. An object of the script is a node, by its place.
struct Builder<'a> {
    nodes: Vec<GraphNode>,
    task_type: TaskType,
    deadman: &'a deadman::Settings,
}

/// Nodes that give nothing to children: in Kapacitor's words, they have no edge.
const SINKS: [&str; 2] = ["kapacitorLoopback", "influxDBOut"];

fn is_sink(node: &GraphNode) -> bool {
    SINKS.contains(&node.kind.name)
}

/// The chain methods that can follow a node: its statistics can be asked for at every one.
fn followers(parent: &GraphNode) -> impl Iterator<Item = &'static Kind> {
    let (source, sink) = (parent.parents.is_empty(), is_sink(parent));
    nodes::all().filter(move |kind| match kind.name {
        "stats" | "deadman" => true,
        "from" => !sink,
        _ => !source && !sink,
    })
}

/// Properties by name, as a call in a script would set them.
fn set_all(
    kind: &'static Kind,
    definition: &mut dyn Definition,
    settings: impl IntoIterator<Item = deadman::Setting>,
) -> Result<(), Refused> {
    for (name, values) in settings {
        let property = kind.properties.iter().find(|p| p.name == name);
        let property = property.ok_or_else(|| Refused::Here(format!("{} has no {name}", kind.go)))?;
        let definition: &mut dyn Any = definition;
        (property.set)(definition, &Args { values: &values, name, receiver: kind.go })?;
    }
    Ok(())
}

/// A definition of a kind with these arguments.
fn create(kind: &'static Kind, values: &[Value]) -> Result<Box<dyn Definition>, Refused> {
    (kind.create)(&Args { values, name: kind.name, receiver: kind.go })
}

/// Kapacitor looks a name up with its first letter in upper case: `.Period` is `.period`.
fn same_name(written: &str, name: &str) -> bool {
    written == name || upper_first(written) == upper_first(name)
}

impl Builder<'_> {
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
        let mut parents = vec![receiver.0 as usize];
        let definition = if kind.joins {
            for value in &values {
                let Value::Object(other) = value else {
                    let why =
                        format!("reflect: cannot use {} as type pipeline.Node in Call", value.go_type());
                    return Err(call.refuse(why));
                };
                if other.0 == 0 {
                    let method = upper_first(kind.name);
                    return Err(call.refuse(format!("cannot {method} the stream itself: give it a |from()")));
                }
                parents.push(other.0 as usize);
            }
            (kind.create)(&Args { values: &[], ..call })?
        } else {
            (kind.create)(&call)?
        };
        let at = {
            let any: &dyn Any = &*definition;
            match any.downcast_ref::<Deadman>() {
                Some(switch) => self.deadman(parents[0], switch)?,
                None if std::ptr::eq(kind, &nodes::stats::KIND) => self.tap(parents[0], definition),
                None => self.add(kind, definition, parents),
            }
        };
        Ok(Value::Object(ObjectId(at as u32)))
    }

    /// Adds a node below its parents.
    fn add(&mut self, kind: &'static Kind, definition: Box<dyn Definition>, parents: Vec<usize>) -> usize {
        let at = self.nodes.len();
        for &parent in &parents {
            self.nodes[parent].children.push(at);
        }
        self.push(kind, definition, parents)
    }

    fn push(&mut self, kind: &'static Kind, definition: Box<dyn Definition>, parents: Vec<usize>) -> usize {
        let last = self.nodes.last().map_or(0, |node| node.number);
        let provides = kind.provides.unwrap_or(self.nodes[parents[0]].provides);
        self.nodes.push(GraphNode {
            kind,
            number: last + parents.len() as u32,
            definition,
            parents,
            children: Vec::new(),
            taps: Vec::new(),
            provides,
            quiet: false,
        });
        self.nodes.len() - 1
    }

    /// Adds a `stats` node to a node. One that has no children gets one, to have somewhere to send to.
    fn tap(&mut self, of: usize, definition: Box<dyn Definition>) -> usize {
        let at = self.push(&nodes::stats::KIND, definition, vec![of]);
        self.nodes[of].taps.push(at);
        if self.nodes[of].children.is_empty() {
            let number = self.nodes[at].number + 1;
            let sink = &self.nodes[of];
            let refused = is_sink(sink).then(|| {
                let (stem, of) = (sink.kind.stem, sink.number);
                format!("cannot add child no edge expected: {stem}{of}:noedge -> noop{number}:noedge")
            });
            self.add(&nodes::noop::KIND, Box::new(Noop { refused }), vec![of]);
        }
        at
    }

    /// Adds the nodes that a `deadman` call stands for; what comes after it speaks of the last.
    fn deadman(&mut self, of: usize, switch: &Deadman) -> Result<usize, Refused> {
        let mut stats = create(&nodes::stats::KIND, &switch.stats())?;
        set_all(&nodes::stats::KIND, &mut *stats, [("align", Vec::new())])?;
        let stats = self.tap(of, stats);
        let mut derivative = create(&nodes::derivative::KIND, &[Value::String("emitted".into())])?;
        set_all(&nodes::derivative::KIND, &mut *derivative, switch.derivative())?;
        let derivative = self.add(&nodes::derivative::KIND, derivative, vec![stats]);
        let mut alert = create(&nodes::alert::KIND, &[])?;
        let name = format!("{}{}", self.nodes[of].kind.stem, self.nodes[of].number);
        set_all(&nodes::alert::KIND, &mut *alert, switch.alert(&name, self.deadman))?;
        Ok(self.add(&nodes::alert::KIND, alert, vec![derivative]))
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

impl Host for Builder<'_> {
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
                taps: Vec::new(),
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
                let quiet = same_name(name, "quiet");
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
