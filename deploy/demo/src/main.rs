//! The demonstration. Without arguments it starts a `kapacitord` of its own and shows the alerts of
//! this machine (`make run`); with one it plays a part beside a cluster that runs already
//! (`docker-compose.yml`).

mod alerts;
mod arguments;
mod burst;
mod define;
mod feed;
mod http;
mod members;
mod receive;
mod run;
mod sample;
mod seen;
mod server;
mod stop;

use arguments::Arguments;
use std::process::ExitCode;

/// A part that this program plays.
struct Part {
    name: &'static str,
    summary: &'static str,
    main: fn(&Arguments) -> Result<(), String>,
}

/// All of them. To add one: a file and a line here.
const PARTS: &[Part] = &[
    Part {
        name: "run",
        summary: "start a kapacitord here, define a task, feed it, show the alerts (the default)",
        main: run::run,
    },
    Part {
        name: "define",
        summary: "define the demonstration task:  -url MEMBER... -post RECEIVER",
        main: define::define,
    },
    Part {
        name: "feed",
        summary: "write this machine's CPU and memory to members in turn:  -url MEMBER... [-host NAME]",
        main: feed::feed,
    },
    Part {
        name: "receive",
        summary: "show the alerts that are posted:  [-listen :8080]",
        main: receive::receive,
    },
];

fn main() -> ExitCode {
    match part(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn part(args: &[String]) -> Result<(), String> {
    let (name, rest) = match args.split_first() {
        Some((name, rest)) => (name.as_str(), rest),
        None => ("run", args),
    };
    match PARTS.iter().find(|part| part.name == name) {
        Some(part) => (part.main)(&Arguments::parse(rest)?),
        None => Err(format!("there is no part {name:?}\n{}", usage())),
    }
}

fn usage() -> String {
    let mut text = String::from("usage: farad-demo [PART [FLAGS]]\n");
    for part in PARTS {
        text.push_str(&format!("    {:<10} {}\n", part.name, part.summary));
    }
    text
}

/// Writes a line for the user.
fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_part_is_answered_with_the_parts_there_are() {
        let error = part(&["fed".to_owned()]).expect_err("there is no such part");
        assert!(PARTS.iter().all(|part| error.contains(part.name)), "{error}");
    }
}
