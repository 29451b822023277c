//! Flags as Go's `flag` package reads and lists them: one dash or two, `-name value` or
//! `-name=value`, switches without a value, the first other argument ends them.

use crate::go;

/// One flag of a command.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Name without dashes.
    pub name: &'static str,
    /// Whether it takes a value.
    pub kind: Kind,
    /// One sentence for the list.
    pub doc: &'static str,
}

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or `=true` and `=false`.
    Switch,
    /// A text; given again, the last one counts.
    Text,
    /// A text that may be given several times, all of which count.
    Many,
}

/// Flags that were given, and the arguments after them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parsed {
    given: Vec<(&'static str, String)>,
    /// What follows the flags.
    pub rest: Vec<String>,
}

/// Why arguments are not flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `-h` or `-help` was given.
    Help,
    /// Something is wrong with them.
    Wrong(String),
}

impl Parsed {
    /// The last value of a text flag; empty when it was not given.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).last().unwrap_or("")
    }

    /// All values of a flag, in order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let of_name = self.given.iter().filter(move |(given, _)| *given == name);
        of_name.map(|(_, value)| value.as_str())
    }

    /// Adds the flags of others that were given later, and hands back what follows them.
    pub fn merge(&mut self, later: Parsed) -> Vec<String> {
        self.given.extend(later.given);
        later.rest
    }

    /// Whether a switch is on.
    pub fn on(&self, name: &str) -> bool {
        self.text(name) == "true"
    }
}

/// Reads flags up to the first argument that is none.
pub fn parse(flags: &[Flag], args: &[String]) -> Result<Parsed, Refusal> {
    let mut parsed = Parsed::default();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        // A lone dash is an argument: it stands for standard input.
        if !arg.starts_with('-') || arg == "-" {
            parsed.rest.push(arg.clone());
            break;
        }
        if arg == "--" {
            break;
        }
        let name = arg.strip_prefix("--").unwrap_or(&arg[1..]);
        if name.is_empty() || name.starts_with(['-', '=']) {
            return Err(Refusal::Wrong(format!("bad flag syntax: {arg}")));
        }
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (name, None),
        };
        let Some(flag) = flags.iter().find(|flag| flag.name == name) else {
            if name == "h" || name == "help" {
                return Err(Refusal::Help);
            }
            return Err(Refusal::Wrong(format!("flag provided but not defined: -{name}")));
        };
        let value = match (flag.kind, value) {
            (Kind::Switch, value) => switch(name, value.as_deref())?,
            (_, Some(value)) => value,
            (_, None) => match args.next() {
                Some(value) => value.clone(),
                None => return Err(Refusal::Wrong(format!("flag needs an argument: -{name}"))),
            },
        };
        parsed.given.push((flag.name, value));
    }
    parsed.rest.extend(args.cloned());
    Ok(parsed)
}

fn switch(name: &str, value: Option<&str>) -> Result<String, Refusal> {
    let value = value.unwrap_or("true");
    match go::parse_bool(value) {
        Some(on) => Ok(on.to_string()),
        None => Err(Refusal::Wrong(format!(
            "invalid boolean value {} for -{name}: parse error",
            tick::quote(value)
        ))),
    }
}

/// The list of flags for a usage text.
pub fn list(flags: &[Flag]) -> String {
    let mut sorted: Vec<&Flag> = flags.iter().collect();
    sorted.sort_by_key(|flag| flag.name);
    let mut text = String::new();
    for flag in sorted {
        let kind = match flag.kind {
            Kind::Switch => "",
            Kind::Text => " string",
            Kind::Many => " value",
        };
        // A short line has room for the sentence; longer ones put it below.
        let gap = if flag.name.len() + kind.len() <= 1 { "\t" } else { "\n    \t" };
        text.push_str(&format!("  -{}{kind}{gap}{}\n", flag.name, flag.doc));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        Flag { name: "w", kind: Kind::Switch, doc: "Write." },
        Flag { name: "tick", kind: Kind::Text, doc: "Path." },
        Flag { name: "dbrp", kind: Kind::Many, doc: "Pair." },
    ];

    fn read(line: &str) -> Result<Parsed, Refusal> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(FLAGS, &args)
    }

    #[test]
    fn reads_as_go_does() {
        let parsed = read("-tick a --dbrp=x.y -w -dbrp z.w=v -tick=b rest -w").unwrap();
        assert_eq!(parsed.text("tick"), "b");
        assert_eq!(parsed.all("dbrp").collect::<Vec<_>>(), ["x.y", "z.w=v"]);
        assert!(parsed.on("w"));
        assert_eq!(parsed.rest, ["rest", "-w"]);
        assert!(!read("-w=F").unwrap().on("w"));
        assert_eq!(read("-w -- -x").unwrap().rest, ["-x"]);
        assert_eq!(read("- -x").unwrap().rest, ["-", "-x"]);
        assert_eq!(read("-tick -w").unwrap().text("tick"), "-w");
        assert_eq!(read("-tick=").unwrap().text("tick"), "");
    }

    #[test]
    fn refuses_as_go_does() {
        for (line, expected) in [
            ("-x", "flag provided but not defined: -x"),
            ("--x=1", "flag provided but not defined: -x"),
            ("-tick", "flag needs an argument: -tick"),
            ("---x", "bad flag syntax: ---x"),
            ("-=x", "bad flag syntax: -=x"),
            ("-w=x", "invalid boolean value \"x\" for -w: parse error"),
        ] {
            assert_eq!(read(line), Err(Refusal::Wrong(expected.to_owned())), "{line}");
        }
        assert_eq!(read("-h"), Err(Refusal::Help));
        assert_eq!(read("-w --help"), Err(Refusal::Help));
    }

    #[test]
    fn lists_as_go_does() {
        let expected = "  -dbrp value\n    \tPair.\n  -tick string\n    \tPath.\n  -w\tWrite.\n";
        assert_eq!(list(FLAGS), expected);
    }
}
