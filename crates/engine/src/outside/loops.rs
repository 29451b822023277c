//! Circles: a task that writes what it reads, by way of other tasks, would go round for ever.

use model::Origin;
use pipeline::nodes::kapacitor_loopback::Target;
use pipeline::task::Task;
use std::sync::Arc;

/// Whether points that are written there can reach a task. The measurement of points that keep their
/// own may be any.
fn reaches(target: &Target, task: &Task) -> bool {
    let (db, rp) = (target.db.clone(), target.rp.clone());
    match &target.measurement {
        Some(name) => task.reads(&Origin { db, rp, name: name.clone() }),
        None => task.in_dbrps(&Origin { db, rp, name: "".into() }),
    }
}

/// A circle through a task, among those that run: the ids of its tasks, from the task to itself.
pub fn circle(task: &Task, running: &[Arc<Task>]) -> Option<Vec<String>> {
    let mut paths: Vec<(&Task, Vec<String>)> = vec![(task, vec![task.id.to_string()])];
    let mut seen: Vec<&str> = Vec::new();
    while let Some((at, path)) = paths.pop() {
        let into = |other: &Task| at.loopbacks.iter().any(|target| reaches(target, other));
        if into(task) {
            return Some(path.into_iter().chain([task.id.to_string()]).collect());
        }
        for other in running.iter().filter(|other| other.id != task.id && into(other)) {
            if !seen.contains(&&*other.id) {
                seen.push(&other.id);
                paths.push((other, path.iter().cloned().chain([other.id.to_string()]).collect()));
            }
        }
    }
    None
}

/// What is said of a circle.
pub fn refusal(circle: &[String]) -> String {
    format!(
        "loop detected: with kapacitorLoopback points would go round from task to task without end: {}; write to another database, retention policy or measurement, or disable one of these tasks first",
        circle.join(" -> ")
    )
}
