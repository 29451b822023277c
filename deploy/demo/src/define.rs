//! Defines the demonstration task in a cluster, as soon as it takes definitions.

use crate::arguments::Arguments;
use crate::http::Failure;
use crate::members::Members;
use crate::{say, stop};
use std::time::{Duration, Instant};

/// Where tasks are defined.
pub const TASKS: &str = "/kapacitor/v1/tasks";

/// The demonstration task.
pub const TASK: &str = "/kapacitor/v1/tasks/demo";

/// The script for a cluster: alerts are posted.
const SCRIPT: &str = include_str!("cluster.tick");

/// How long members may take to find each other and agree on a leader.
const LIMIT: Duration = Duration::from_secs(180);

/// How long to wait before the members are asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// The task with that script, as the API takes it.
pub fn task(script: &str) -> String {
    serde_json::json!({
        "id": "demo", "type": "stream", "status": "enabled", "script": script,
        "dbrps": [{"db": "demo", "rp": "autogen"}],
    })
    .to_string()
}

/// Defines the task, unless it is there.
pub fn define(flags: &Arguments) -> Result<(), String> {
    flags.only(&["url", "post"])?;
    stop::on_signals();
    let mut members = Members::of(flags.values("url"))?;
    let task = task(&script(flags.value("post").unwrap_or("http://localhost:8080/"))?);
    let begun = Instant::now();
    loop {
        match once(&mut members, &task) {
            Ok(done) => {
                say(&done);
                return Ok(());
            }
            Err(failure) if !failure.may_pass() || begun.elapsed() > LIMIT => {
                return Err(format!("the task `demo` cannot be defined: {failure}"));
            }
            Err(_) => stop::pause_until(Instant::now() + PAUSE),
        }
        if stop::asked() {
            return Err("stopped before the task was defined".to_owned());
        }
    }
}

/// The script, whose alerts go to that URL.
fn script(receiver: &str) -> Result<String, String> {
    match receiver.contains(['\'', '\\', '\n']) {
        true => Err(format!("-post {receiver:?} cannot be part of a script")),
        false => Ok(SCRIPT.replace("RECEIVER", receiver)),
    }
}

fn once(members: &mut Members, task: &str) -> Result<String, Failure> {
    match members.request("GET", TASK, &[], "") {
        Ok(_) => return Ok("The task `demo` is there, with all that it remembers.".to_owned()),
        Err(Failure::Refused(404, _)) => {}
        Err(failure) => return Err(failure),
    }
    let member = members.request("POST", TASKS, &[], task)?;
    Ok(format!("The task `demo` is defined and enabled; {member} took it for all members."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receiver_stands_in_the_script() {
        let script = script("http://receiver:8080/").expect("a script");
        assert!(script.contains(".post('http://receiver:8080/')") && !script.contains("RECEIVER"));
    }

    #[test]
    fn a_receiver_cannot_end_its_string() {
        assert!(script("http://a').log('/tmp/x").is_err());
    }
}
