//! The flags of a part: `-name value` or `-name=value`, with one dash or two, each as often as wanted.

/// Flags as they were given.
#[derive(Debug, Default)]
pub struct Arguments(Vec<(String, String)>);

impl Arguments {
    /// Takes them apart. Anything that is not a flag with a value is an error.
    pub fn parse(args: &[String]) -> Result<Arguments, String> {
        let mut flags = Vec::new();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let flag = arg.strip_prefix("--").or_else(|| arg.strip_prefix('-')).unwrap_or_default();
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (flag, None),
            };
            if name.is_empty() {
                return Err(format!("unexpected argument {arg:?}: a flag is -name value"));
            }
            let value = value.or_else(|| args.next().cloned());
            let value = value.ok_or_else(|| format!("the flag -{name} needs a value"))?;
            flags.push((name.to_owned(), value));
        }
        Ok(Arguments(flags))
    }

    /// Refuses flags that the part does not know.
    pub fn only(&self, known: &[&str]) -> Result<(), String> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) if known.is_empty() => Err(format!("unknown flag -{name}: there are none")),
            Some((name, _)) => Err(format!("unknown flag -{name}: there are -{}", known.join(", -"))),
        }
    }

    /// The last value that was given.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(flag, _)| flag == name).map(|(_, value)| value.as_str())
    }

    /// All values, in the order in which they were given.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(flag, _)| flag == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn flags_may_be_repeated_and_have_one_dash_or_two() {
        let flags = parse("-url a --url=b=1 -host c").expect("flags");
        assert_eq!(flags.values("url").collect::<Vec<_>>(), ["a", "b=1"]);
        assert_eq!((flags.value("host"), flags.value("post")), (Some("c"), None));
        assert_eq!(flags.only(&["url", "host"]), Ok(()));
        assert_eq!(flags.only(&["url"]), Err("unknown flag -host: there are -url".to_owned()));
    }

    #[test]
    fn what_is_no_flag_or_has_no_value_is_refused() {
        for line in ["a", "-url", "-", "-- x", "-=x"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
