//! `kapacitorctl`: members, status, shards and leaders of a cluster. One list of commands, from
//! which the help is made, and one file for each family.

mod help;
mod leader;
mod member;
mod session;
mod shapes;
mod shards;
mod status;
mod text;
mod version;

use self::session::{Failure, Session, server_url};
use crate::client::Client;
use crate::commands::DEFAULT_URL;
use crate::flags::{self, Flag, Kind, Parsed, Refusal};
use crate::go;
use crate::surroundings::Surroundings;
use std::io::{self, Write};
use std::time::Duration;

/// Every command, in the order of the help.
const COMMANDS: &[Command] = &[
    member::LIST,
    member::ADD,
    member::REMOVE,
    status::STATUS,
    shards::SHARDS,
    leader::TRANSFER,
    version::VERSION,
    help::HELP,
];

/// How long a request may take, unless `-timeout` says otherwise. A server takes two minutes to
/// let a member go before it gives up.
const TIMEOUT: Duration = Duration::from_secs(180);

/// Prints JSON; it may stand before the command or after it.
const JSON: Flag = Flag { name: "json", kind: Kind::Switch, doc: "Print JSON instead of text." };

/// Flags before the command.
const MAIN_FLAGS: &[Flag] = &[
    Flag {
        name: "url",
        kind: Kind::Text,
        doc: "The URL http(s)://host:port of any member of the cluster; a user and a password may stand in it, also as ?u=USER&p=PASSWORD. Defaults to the KAPACITOR_URL environment variable or http://localhost:9092 if not set.",
    },
    Flag {
        name: "skipVerify",
        kind: Kind::Switch,
        doc: "Disable SSL verification (note, this is insecure). Defaults to the KAPACITOR_UNSAFE_SSL environment variable or false if not set.",
    },
    JSON,
    Flag {
        name: "timeout",
        kind: Kind::Text,
        doc: "How long to wait for an answer, and for a new member to be there, like 30s or 5m. Defaults to 3m.",
    },
];

/// One command.
struct Command {
    /// Its words: `member list`.
    name: &'static str,
    /// What follows its words.
    arguments: &'static str,
    /// What it does, for the list of commands.
    summary: &'static str,
    /// The rest of its help.
    more: &'static str,
    /// Its flags; `-json` is added to all.
    flags: &'static [Flag],
    run: fn(&mut Session<'_>, &Given) -> Result<(), Failure>,
}

/// What a command was given.
struct Given {
    flags: Parsed,
    /// Arguments that are no flags.
    rest: Vec<String>,
}

impl Given {
    /// The only argument.
    fn only(&self, what: &str) -> Result<&str, Failure> {
        match self.rest.as_slice() {
            [only] => Ok(only),
            [] => Err(Failure::Usage(format!("{what} is missing"))),
            [_, extra, ..] => Err(Failure::Usage(format!("unexpected argument {extra}"))),
        }
    }

    /// Nothing but flags.
    fn nothing(&self) -> Result<(), Failure> {
        match self.rest.first() {
            None => Ok(()),
            Some(extra) => Err(Failure::Usage(format!("unexpected argument {extra}"))),
        }
    }
}

/// Runs the program with the arguments after its name. Returns the exit code: 0 done, or healthy;
/// 1 the arguments are wrong, or the cluster could not be asked or refused; 2 it is not healthy.
pub fn kapacitorctl(
    args: &[String],
    surroundings: &Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> i32 {
    match run(args, surroundings, out, err) {
        Ok(()) | Err(Failure::Closed) => 0,
        Err(Failure::Unhealthy) => 2,
        Err(Failure::Help(command)) => {
            // A standard error that cannot be written leaves nobody to tell.
            let _ = err.write_all(command.map_or_else(usage, Command::usage).as_bytes());
            0
        }
        Err(Failure::Usage(text)) => {
            let _ = writeln!(err, "{text}\n");
            let _ = err.write_all(find(args).map_or_else(usage, Command::usage).as_bytes());
            1
        }
        Err(Failure::Failed(text)) => {
            let _ = writeln!(err, "Error: {text}");
            1
        }
    }
}

fn run(
    args: &[String],
    surroundings: &Surroundings,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let main = flags::parse(MAIN_FLAGS, args).map_err(|refusal| refused(refusal, None))?;
    let Some((command, words)) = named(&main.rest) else {
        return Err(Failure::Usage(no_command(&main.rest)));
    };
    let given = given(command, &main.rest[words..])?;
    let timeout = timeout(main.text("timeout"))?;
    let mut session = Session {
        client: client(&main, surroundings, timeout)?,
        out,
        err,
        json: main.on("json") || given.flags.on("json"),
        timeout,
    };
    (command.run)(&mut session, &given)?;
    Ok(session.out.flush()?)
}

fn client(main: &Parsed, surroundings: &Surroundings, timeout: Duration) -> Result<Client, Failure> {
    let unsafe_ssl = surroundings.unsafe_ssl.as_deref().unwrap_or("false");
    let Some(skip_verify) = go::parse_bool(unsafe_ssl) else {
        let text = format!("KAPACITOR_UNSAFE_SSL={unsafe_ssl} is not a boolean; write true or false");
        return Err(Failure::Failed(text));
    };
    let given = main.text("url");
    let url = if given.is_empty() { surroundings.url.as_deref().unwrap_or(DEFAULT_URL) } else { given };
    Ok(Client::with_limit(&server_url(url), main.on("skipVerify") || skip_verify, timeout)?)
}

fn timeout(text: &str) -> Result<Duration, Failure> {
    if text.is_empty() {
        return Ok(TIMEOUT);
    }
    let nanos = tick::duration::parse_influx(text).ok().and_then(|nanos| u64::try_from(nanos).ok());
    match nanos.filter(|nanos| *nanos > 0) {
        Some(nanos) => Ok(Duration::from_nanos(nanos)),
        None => Err(Failure::Usage(format!("-timeout {text} is no time span; write it like 30s or 5m"))),
    }
}

/// Flags and arguments in any order.
fn given(command: &'static Command, args: &[String]) -> Result<Given, Failure> {
    let mut known = command.flags.to_vec();
    known.push(JSON);
    let mut flags = Parsed::default();
    let mut rest = Vec::new();
    let mut left = args.to_vec();
    loop {
        let parsed = flags::parse(&known, &left).map_err(|refusal| refused(refusal, Some(command)))?;
        left = flags.merge(parsed);
        if left.is_empty() {
            return Ok(Given { flags, rest });
        }
        rest.push(left.remove(0));
    }
}

fn refused(refusal: Refusal, command: Option<&'static Command>) -> Failure {
    match refusal {
        Refusal::Help => Failure::Help(command),
        Refusal::Wrong(text) => Failure::Usage(text),
    }
}

/// The command that arguments begin with, and how many of them are its name.
fn named(args: &[String]) -> Option<(&'static Command, usize)> {
    COMMANDS.iter().find_map(|command| {
        let words: Vec<&str> = command.name.split(' ').collect();
        let begins = args.len() >= words.len() && args.iter().zip(&words).all(|(arg, word)| arg == word);
        begins.then_some((command, words.len()))
    })
}

/// The command of a whole command line, for its usage.
fn find(args: &[String]) -> Option<&'static Command> {
    let main = flags::parse(MAIN_FLAGS, args).ok()?;
    named(&main.rest).map(|(command, _)| command)
}

fn no_command(args: &[String]) -> String {
    let Some(first) = args.first() else { return "a command is missing".to_owned() };
    let family: Vec<&str> = COMMANDS
        .iter()
        .filter_map(|command| command.name.strip_prefix(first.as_str())?.strip_prefix(' '))
        .collect();
    match (family.as_slice(), args.get(1)) {
        ([], _) => format!("unknown command {first}"),
        (family, None) => format!("{first} needs one of: {}", family.join(", ")),
        (family, Some(word)) => format!("unknown command {first} {word}; {first} has: {}", family.join(", ")),
    }
}

/// The usage of the program.
fn usage() -> String {
    let mut text = "Usage: kapacitorctl [options] command [arguments]\n\nCommands:\n\n".to_owned();
    for command in COMMANDS {
        text.push_str(&format!("\t{:<17}{}\n", command.name, command.summary));
    }
    text.push_str(&format!("\nOptions:\n\n{}", flags::list(MAIN_FLAGS)));
    text
}

impl Command {
    /// Its usage, with its flags.
    fn usage(&self) -> String {
        let mut flags = self.flags.to_vec();
        flags.push(JSON);
        let arguments = if self.arguments.is_empty() { "" } else { " " };
        format!(
            "Usage: kapacitorctl [options] {}{arguments}{}\n\n\t{}\n{}\nOptions:\n\n{}",
            self.name,
            self.arguments,
            self.summary,
            self.more,
            flags::list(&flags)
        )
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::Closed,
            _ => Failure::Failed(format!("cannot write the output: {error}")),
        }
    }
}
