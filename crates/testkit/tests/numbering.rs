//! Nodes have the numbers, the edges and the order in DOT that Kapacitor gives them: `numbering.tsv`
//! has scripts with what a Kapacitor 1.5.7 shows of each, nodes and edges in order.

use pipeline::graph::{DotView, Figures};
use std::collections::BTreeMap;
use tick::{Mode, TaskType};

struct NoFigures;

impl Figures for NoFigures {
    fn throughput(&self) -> String {
        "0.00 points/s".into()
    }

    fn node(&self, _node: usize) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn edge(&self, _parent: usize, _child: usize) -> u64 {
        0
    }
}

/// Nodes and edges of a DOT, in its order.
fn walk(dot: &str) -> String {
    let named = dot.lines().skip(2).filter_map(|line| line.split_once(" [")).map(|(name, _)| name);
    named.map(|name| name.replace(" -> ", ">")).collect::<Vec<_>>().join(" ")
}

#[test]
fn graphs_are_kapacitors() {
    let mut wrong = Vec::new();
    let lines = include_str!("numbering.tsv").lines();
    for (script, expected) in lines.map(|line| line.split_once('\t').expect("a script and a walk")) {
        let script = script.replace("\\n", "\n");
        let program = tick::parse(&script).expect("a script");
        let compiled = pipeline::compile::compile(&program, TaskType::Stream, &BTreeMap::new(), Mode::Task);
        let graph = compiled.unwrap_or_else(|error| panic!("{script}: {}", error.one_line(&script))).graph;
        let got = walk(&graph.running_dot("T", &NoFigures, DotView::Attributes));
        if got != expected {
            wrong.push(format!("{script}\n- {expected}\n+ {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
