//! The commands of `kapacitord`, and their flags as Go writes them.

use crate::{eprintln, println, run};
use cli::flags::{self, Flag, Kind, Parsed, Refusal};
use config::{Config, Environment, Error, Flags, Loaded, Search, to_toml};
use std::path::PathBuf;

/// A command.
struct Command {
    name: &'static str,
    summary: &'static str,
    flags: &'static [Flag],
    main: fn(&Parsed) -> Result<(), String>,
}

const CONFIG: Flag = Flag {
    name: "config",
    kind: Kind::Text,
    doc: "Set the path to the configuration file; /dev/null stands for none.",
};

const HOSTNAME: Flag = Flag {
    name: "hostname",
    kind: Kind::Text,
    doc: "Override the hostname; the 'hostname' configuration option is not used then.",
};

/// All of them. To add one: a line here.
const COMMANDS: &[Command] = &[
    Command {
        name: "config",
        summary: "display the configuration in force",
        flags: &[CONFIG, HOSTNAME],
        main: config,
    },
    Command {
        name: "run",
        summary: "run node with existing configuration",
        flags: &[
            CONFIG,
            HOSTNAME,
            Flag { name: "pidfile", kind: Kind::Text, doc: "Write process ID to a file." },
            Flag { name: "log-file", kind: Kind::Text, doc: "Write logs to a file." },
            Flag {
                name: "log-level",
                kind: Kind::Text,
                doc: "Sets the log level. One of debug, info, warn, error.",
            },
            Flag {
                name: "disable-handlers",
                kind: Kind::Text,
                doc: "Comma-separated kinds of alert handlers that must not be used.",
            },
        ],
        main: serve,
    },
    Command { name: "version", summary: "displays the Kapacitor version", flags: &[], main: version },
];

/// Runs the command that the arguments name; `run` when they name none.
pub fn main(args: &[String]) -> Result<(), String> {
    let (name, rest) = match args.split_first() {
        Some((name, rest)) if !name.starts_with('-') => (name.as_str(), rest),
        Some((flag, _)) if matches!(flag.as_str(), "-h" | "-help" | "--help") => ("help", &args[1..]),
        _ => ("run", args),
    };
    if name == "help" {
        return help(rest);
    }
    let command = find(name)?;
    match flags::parse(command.flags, rest) {
        Ok(parsed) if parsed.rest.is_empty() => (command.main)(&parsed),
        Ok(parsed) => Err(format!("{name}: unexpected argument {:?}\n{}", parsed.rest[0], usage(command))),
        Err(Refusal::Help) => {
            println(&usage(command));
            Ok(())
        }
        Err(Refusal::Wrong(why)) => Err(format!("{why}\n{}\n{name}: {why}", usage(command))),
    }
}

fn find(name: &str) -> Result<&'static Command, String> {
    COMMANDS
        .iter()
        .find(|command| command.name == name)
        .ok_or_else(|| format!("unknown command {name:?}\nRun 'kapacitord help' for usage\n"))
}

fn usage(command: &Command) -> String {
    let name = command.name;
    if command.flags.is_empty() {
        return format!("usage: {name}\n\n\t{name}: {}\n", command.summary);
    }
    format!("usage: {name} [flags]\n\n{name}: {}\n\n{}", command.summary, flags::list(command.flags))
}

fn help(rest: &[String]) -> Result<(), String> {
    if let Some(name) = rest.first() {
        println(&usage(find(name)?));
        return Ok(());
    }
    let mut text = String::from(
        "Configure and start a Kapacitor server.\n\nUsage:\n\n\tkapacitord [[command] [arguments]]\n\nThe commands are:\n\n",
    );
    for command in COMMANDS {
        text.push_str(&format!("    {:<20} {}\n", command.name, command.summary));
    }
    text.push_str("\n\"run\" is the default command.\n\nUse \"kapacitord help [command]\" for more information about a command.\n");
    println(&text);
    Ok(())
}

fn version(_: &Parsed) -> Result<(), String> {
    let commit = option_env!("FARAD_COMMIT").unwrap_or("unknown");
    let branch = option_env!("FARAD_BRANCH").unwrap_or("unknown");
    println(&format!("Kapacitor OSS version {} (git: {branch} {commit})\n", run::VERSION));
    Ok(())
}

fn config(flags: &Parsed) -> Result<(), String> {
    let loaded = load(flags, true).map_err(|error| {
        format!("config: {error}. To generate a valid configuration file run `kapacitord config > kapacitor.generated.conf`.")
    })?;
    if let Some(source) = &loaded.source {
        eprintln(&format!("Merging with configuration at: {}", source.display()));
    }
    for warning in &loaded.warnings {
        eprintln(&format!("warning: {warning}"));
    }
    println(&to_toml(&loaded.config));
    Ok(())
}

fn serve(flags: &Parsed) -> Result<(), String> {
    let loaded = load(flags, false).map_err(|error| format!("run: parse config: {error}"))?;
    let pidfile = Some(flags.text("pidfile")).filter(|path| !path.is_empty()).map(PathBuf::from);
    run::run(loaded, pidfile, flags.text("disable-handlers")).map_err(|error| format!("run: {error}"))
}

fn load(flags: &Parsed, paths_at_home: bool) -> Result<Loaded, Error> {
    let given = |name: &str| Some(flags.text(name)).filter(|value| !value.is_empty());
    let flag = given("config").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let env = Environment::of_process();
    let mut search = Search::new(flag.as_deref(), &env, home.as_deref());
    search.flags =
        Flags { hostname: given("hostname"), log_file: given("log-file"), log_level: given("log-level") };
    search.paths_at_home = paths_at_home;
    Config::load(&search)
}
