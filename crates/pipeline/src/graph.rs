//! The graph that a script describes: nodes in the order in which they were linked, each with its
//! definition and its parents.

use crate::edge::EdgeKind;
use crate::node::{Definition, Kind};
use crate::nodes;

/// A node of the graph.
pub struct GraphNode {
    /// Its kind.
    pub kind: &'static Kind,
    /// Its number in names: one more than the last that was linked. Nodes with several parents are
    /// linked once a parent, and take the last number.
    pub number: u32,
    /// What the script says of it.
    pub definition: Box<dyn Definition>,
    /// The nodes it reads from, by their place in the graph.
    pub parents: Vec<usize>,
    /// The nodes that read from it.
    pub children: Vec<usize>,
    /// The `stats` nodes that count what it sends to its children: no children themselves.
    pub taps: Vec<usize>,
    /// The edge that it gives its children.
    pub provides: EdgeKind,
    /// `.quiet()`: its errors are counted but not logged.
    pub quiet: bool,
}

impl GraphNode {
    /// It counts what its parent sends to others, and begins a stream of its own.
    pub fn is_tap(&self) -> bool {
        std::ptr::eq(self.kind, &nodes::stats::KIND)
    }

    /// The node that is the last to be fed what this one sends.
    pub fn last_reader(&self) -> Option<usize> {
        self.children.last().max(self.taps.last()).copied()
    }
}

/// The graph of a task. `nodes[0]` is the source, `stream0`.
pub struct Graph {
    /// The nodes; parents come before children.
    pub nodes: Vec<GraphNode>,
}

/// What the DOT of a running task shows of its nodes.
pub trait Figures {
    /// The throughput, as `0.00 points/s`.
    fn throughput(&self) -> String;
    /// Name and value of each figure of a node, sorted by name.
    fn node(&self, node: usize) -> Vec<(&'static str, String)>;
    /// Messages that went along an edge.
    fn edge(&self, parent: usize, child: usize) -> u64;
}

/// The two forms that Kapacitor gives the figures of a running task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DotView {
    /// As attributes, for programs.
    Attributes,
    /// As labels, for eyes.
    Labels,
}

impl Graph {
    /// The name of a node: its stem and its number.
    pub fn name(&self, node: usize) -> String {
        format!("{}{}", self.nodes[node].kind.stem, self.nodes[node].number)
    }

    /// The names of all nodes, in their order.
    pub fn names(&self) -> Vec<String> {
        (0..self.nodes.len()).map(|node| self.name(node)).collect()
    }

    /// The order in which Kapacitor walks a graph: from each source, the last first, depth first,
    /// children before parents, all reversed. The branch that was linked last comes first.
    pub fn walk(&self) -> Vec<usize> {
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut seen = vec![false; self.nodes.len()];
        let sources = (0..self.nodes.len()).rev().filter(|&node| node == 0 || self.nodes[node].is_tap());
        for source in sources {
            if std::mem::replace(&mut seen[source], true) {
                continue;
            }
            // Each entry is a node and how many of its children were visited: no recursion, for a
            // script may chain ten thousand nodes.
            let mut stack = vec![(source, 0)];
            while let Some((node, visited)) = stack.pop() {
                match self.nodes[node].children.get(visited) {
                    None => order.push(node),
                    Some(&child) => {
                        stack.push((node, visited + 1));
                        if !std::mem::replace(&mut seen[child], true) {
                            stack.push((child, 0));
                        }
                    }
                }
            }
        }
        order.reverse();
        order
    }

    /// The graph of a task that does not run, in DOT.
    pub fn dot(&self, task: &str) -> String {
        let mut dot = format!("digraph {task} {{\n");
        for node in self.walk() {
            for &child in &self.nodes[node].children {
                dot.push_str(&format!("{} -> {};\n", self.name(node), self.name(child)));
            }
        }
        dot.push('}');
        dot
    }

    /// The graph of a running task with its figures, in DOT.
    pub fn running_dot(&self, task: &str, figures: &dyn Figures, view: DotView) -> String {
        let walk = self.walk();
        let throughput = figures.throughput();
        let mut dot = match view {
            DotView::Attributes => format!("digraph {task} {{\ngraph [throughput=\"{throughput}\"];\n"),
            DotView::Labels => format!(
                "digraph {task} {{\ngraph [label=\"Throughput: {throughput}\" forcelabels=true pad=\"0.8,0.5\"];\n"
            ),
        };
        for &node in &walk {
            let figures_of = figures.node(node);
            let name = self.name(node);
            dot.push_str(&match view {
                DotView::Attributes => {
                    let all: String =
                        figures_of.iter().map(|(key, value)| format!("{key}=\"{value}\" ")).collect();
                    format!("\n{name} [{all}];\n")
                }
                DotView::Labels => {
                    let all: Vec<String> =
                        figures_of.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    format!("\n{name} [xlabel=\"{}\"];\n", all.join("\\r"))
                }
            });
            for &child in walk.iter().filter(|child| self.nodes[node].children.contains(child)) {
                let (to, n) = (self.name(child), figures.edge(node, child));
                dot.push_str(&match view {
                    DotView::Attributes => format!("{name} -> {to} [processed=\"{n}\"];\n"),
                    DotView::Labels => format!("{name} -> {to} [label=\"processed={n}\"];\n"),
                });
            }
        }
        dot.push('}');
        dot
    }
}
