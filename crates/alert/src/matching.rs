//! Match expressions: which events a topic handler wants.

use crate::Error;
use lambda::{Env, FunctionSet, Lambda, Lookup, MatchCall, Scope, State};
use model::{Event, Level, Time};

/// A compiled match expression: `level() >= WARNING AND "host" =~ /db/`.
#[derive(Clone, Debug)]
pub struct Matcher {
    lambda: Lambda,
}

impl Matcher {
    /// Checks and compiles. Functions that remember (`count`, `sigma`, `spread`) are refused: what
    /// they remember would have to be agreed on by all members, and Kapacitor forgets it at every
    /// restart.
    pub fn compile(text: &str) -> Result<Matcher, Error> {
        let expression = tick::parse_lambda(text).map_err(|error| Error::Match(error.one_line(text)))?;
        let lambda = Lambda::compile(&expression, FunctionSet::Match)
            .map_err(|error| Error::Match(error.one_line(text)))?;
        if lambda.is_stateful() {
            let reason = "it calls a function that remembers earlier events (count, sigma, spread), use one that does not";
            return Err(Error::Match(reason.to_owned()));
        }
        Ok(Matcher { lambda })
    }

    /// Whether the handler wants the event. `previous_level` is the level before it in the topic.
    /// Times of day are read in UTC, so that all members agree. An error says why it cannot be
    /// told; such an event is not handled.
    pub fn matches(&self, event: &Event, previous_level: Level, now: Time) -> Result<bool, String> {
        // Every tag it names must be there, needed or not, as in Kapacitor.
        let missing = self.lambda.references().iter().find(|name| event.tags.get(name).is_none());
        if let Some(name) = missing {
            return Err(format!("no tag exists for {name}"));
        }
        let scope = EventScope { event, previous_level };
        self.lambda
            .eval_bool(&scope, &mut State::default(), &Env::utc(now))
            .map_err(|error| error.to_string())
    }
}

struct EventScope<'a> {
    event: &'a Event,
    previous_level: Level,
}

impl Scope for EventScope<'_> {
    fn get(&self, name: &str) -> Lookup<'_> {
        self.event.tags.get(name).map_or(Lookup::Missing, Lookup::Str)
    }

    fn time(&self) -> Time {
        self.event.state.time
    }

    fn call(&self, call: MatchCall) -> Lookup<'_> {
        let state = &self.event.state;
        match call {
            MatchCall::Changed => Lookup::Bool(state.level != self.previous_level),
            MatchCall::Level => Lookup::Int(state.level as i64),
            MatchCall::Name => Lookup::Str(&self.event.name),
            MatchCall::TaskName => Lookup::Str(&self.event.task),
            MatchCall::AlertDuration => Lookup::Duration(state.duration),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::tests::event;

    #[test]
    fn expressions() {
        let mut event = event(0, 1, "e", Level::Warning);
        event.tags = model::TagSet::new([("host", "db1")]);
        event.state.duration = 90_000_000_000;
        for (text, expected) in [
            ("TRUE", Ok(true)),
            ("changed()", Ok(true)),
            ("changed() == FALSE", Ok(false)),
            ("level() >= WARNING", Ok(true)),
            ("level() == CRITICAL OR level() == OK", Ok(false)),
            ("name() == 'cpu' AND taskName() == 'task'", Ok(true)),
            ("alertDuration() > 1m", Ok(true)),
            (r#""host" =~ /^db/"#, Ok(true)),
            (r#""host" == 'web'"#, Ok(false)),
            (r#""rack" == 'r1'"#, Err("no tag exists for rack")),
            (r#"changed() OR "rack" == 'r1'"#, Err("no tag exists for rack")),
            ("1", Err("")),
        ] {
            let matcher = match Matcher::compile(text) {
                Ok(matcher) => matcher,
                Err(error) => {
                    assert!(expected.is_err(), "{text}: {error}");
                    continue;
                }
            };
            match (matcher.matches(&event, Level::Ok, 0), expected) {
                (Ok(given), Ok(expected)) => assert_eq!(given, expected, "{text}"),
                (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
                (given, expected) => panic!("{text}: {given:?}, not {expected:?}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_a_match() {
        for text in ["", "level() >", "nope()", "level() == WORST", "count() > 2", "\"host\" =~ /(/"] {
            let error = Matcher::compile(text).expect_err(text).to_string();
            assert!(error.starts_with("invalid match expression: "), "{error}");
        }
    }
}
