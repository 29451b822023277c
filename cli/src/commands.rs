//! The client's commands: one list, from which the help is made, and one file for each.

mod define;
mod delete;
mod help;
mod list;
mod show;
mod show_topic;
mod stats;
mod switch;
mod vars;
pub(crate) mod version;

use std::io::{self, Write};

use crate::client::Client;
use crate::flags::{self, Flag, Kind};
use crate::go;
use crate::session::{Failure, Session};
use crate::surroundings::Surroundings;

/// The server when nothing names one.
pub(crate) const DEFAULT_URL: &str = "http://localhost:9092";

/// Every command, in the order of the help.
pub const COMMANDS: &[Command] = &[
    define::DEFINE,
    switch::ENABLE,
    switch::DISABLE,
    switch::RELOAD,
    delete::DELETE,
    list::LIST,
    show::SHOW,
    show_topic::SHOW_TOPIC,
    stats::STATS,
    version::VERSION,
    vars::VARS,
    help::HELP,
];

/// Flags before the command.
const MAIN_FLAGS: &[Flag] = &[
    Flag {
        name: "url",
        kind: Kind::Text,
        doc: "The URL http(s)://host:port of the kapacitord server. Defaults to the KAPACITOR_URL environment variable or http://localhost:9092 if not set.",
    },
    Flag {
        name: "skipVerify",
        kind: Kind::Switch,
        doc: "Disable SSL verification (note, this is insecure). Defaults to the KAPACITOR_UNSAFE_SSL environment variable or false if not set.",
    },
];

/// One command of the client.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What it does, for the list of commands.
    pub summary: &'static str,
    /// Its usage, without the list of flags.
    usage: &'static str,
    /// Its flags.
    flags: &'static [Flag],
    run: fn(&mut Session<'_>, &[String]) -> Result<(), Failure>,
}

/// Runs the client with the arguments after its name. Returns the exit code: 0 done, 1 no such
/// command, 2 wrong arguments, 3 the command failed, 4 no client could be made.
pub fn kapacitor(
    args: &[String],
    surroundings: &Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> i32 {
    // A standard error that cannot be written leaves nobody to tell: the exit code still speaks.
    run(args, surroundings, out, err).unwrap_or(3)
}

fn run(
    args: &[String],
    surroundings: &Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<i32> {
    let main = match flags::parse(MAIN_FLAGS, args) {
        Ok(main) => main,
        Err(flags::Refusal::Help) => {
            write_commands(err)?;
            return Ok(0);
        }
        Err(flags::Refusal::Wrong(text)) => {
            writeln!(err, "{text}")?;
            write_commands(err)?;
            return Ok(2);
        }
    };
    let unsafe_ssl = surroundings.unsafe_ssl.as_deref();
    let Some(skip_verify) = unsafe_ssl.map_or(Some(false), go::parse_bool) else {
        writeln!(
            err,
            "KAPACITOR_UNSAFE_SSL={} is not a boolean; write true or false",
            unsafe_ssl.unwrap_or("")
        )?;
        return Ok(1);
    };
    let given = main.text("url");
    let url = if given.is_empty() { surroundings.url.as_deref().unwrap_or(DEFAULT_URL) } else { given };
    let client = match Client::new(url, main.on("skipVerify") || skip_verify) {
        Ok(client) => client,
        Err(error) => {
            writeln!(err, "{error}")?;
            return Ok(4);
        }
    };
    let Some((name, args)) = main.rest.split_first() else {
        writeln!(err, "Error: Must pass a command.")?;
        write_commands(err)?;
        return Ok(1);
    };
    let Some(command) = find(name) else {
        writeln!(err, "Unknown command {name}")?;
        write_commands(err)?;
        return Ok(1);
    };
    let mut session = Session { client, out, err, surroundings };
    let result = (command.run)(&mut session, args).and_then(|()| session.out.flush().map_err(Failure::from));
    report(command, result, session.err)
}

/// Says how the command failed, and turns it into the exit code.
fn report(command: &Command, result: Result<(), Failure>, err: &mut dyn Write) -> io::Result<i32> {
    match result {
        Ok(()) | Err(Failure::Closed) => Ok(0),
        Err(Failure::Help) => command.write_usage(err).map(|()| 0),
        Err(Failure::Arguments(text)) => {
            writeln!(err, "{text}")?;
            command.write_usage(err).map(|()| 2)
        }
        Err(Failure::Commands(text)) => {
            if let Some(text) = text {
                writeln!(err, "{text}")?;
            }
            write_commands(err).map(|()| 1)
        }
        Err(Failure::FailedWithUsage(text)) => {
            command.write_usage(err)?;
            writeln!(err, "Error: {text}").map(|()| 3)
        }
        Err(Failure::FailedInScript(text, excerpt)) => {
            writeln!(err, "Error: {text}")?;
            err.write_all(&excerpt).map(|()| 3)
        }
        Err(Failure::Failed(text)) => writeln!(err, "Error: {text}").map(|()| 3),
    }
}

/// The command of that name.
fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// Writes the usage of the program.
fn write_commands(err: &mut dyn Write) -> io::Result<()> {
    writeln!(err, "\nUsage: kapacitor [options] [command] [args]\n\nCommands:\n")?;
    for command in COMMANDS {
        writeln!(err, "\t{:<22}{}", command.name, command.summary)?;
    }
    write!(err, "\nOptions:\n\n{}", flags::list(MAIN_FLAGS))
}

impl Command {
    /// Writes the usage of the command, with its flags.
    fn write_usage(&self, err: &mut dyn Write) -> io::Result<()> {
        writeln!(err, "{}", self.usage)?;
        if !self.flags.is_empty() {
            write!(err, "Options:\n\n{}", flags::list(self.flags))?;
        }
        Ok(())
    }
}
