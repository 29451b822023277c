//! When events that wait for an `aggregate` become one: its interval is over by this member's clock.

use crate::clock::wall;
use catalog::{Command, OutboxLimits, Window};
use model::Time;
use std::time::Duration;

/// Longest sleep while events wait: who is to close a window may change without a word.
const LOOK: Duration = Duration::from_secs(1);

/// What to do about windows now.
pub struct Look {
    /// Commands for those that are over.
    pub close: Vec<Command>,
    /// When to look again; `None` when something new must come first.
    pub again: Option<Duration>,
}

/// Looks at all windows; `mine` are those that this member is to close.
pub fn look(windows: impl Iterator<Item = Window>, mine: impl Fn(&Window) -> bool) -> Look {
    look_at(wall(), windows, mine)
}

fn look_at(now: Time, windows: impl Iterator<Item = Window>, mine: impl Fn(&Window) -> bool) -> Look {
    let mut look = Look { close: Vec::new(), again: None };
    for window in windows {
        let wait = Duration::from_nanos(u64::try_from(window.due.saturating_sub(now)).unwrap_or(0));
        let mine = mine(&window);
        if mine && wait.is_zero() {
            let limits = OutboxLimits::default();
            let Window { topic, handler, .. } = window;
            look.close.push(Command::CloseWindow { topic, handler, now, limits });
            continue;
        }
        let again = if mine { wait.min(LOOK) } else { LOOK };
        look.again = Some(look.again.map_or(again, |other| other.min(again)));
    }
    look
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_what_is_over_and_looks_again_for_the_rest() {
        let window = |topic: &str, due| Window { topic: topic.into(), handler: "h".into(), due };
        let windows = [window("over", 10), window("soon", 15), window("late", i64::MAX), window("other", 0)];
        let look = look_at(10, windows.into_iter(), |window| &*window.topic != "other");
        assert!(
            matches!(&look.close[..], [Command::CloseWindow { topic, now: 10, .. }] if &**topic == "over")
        );
        assert_eq!(look.again, Some(Duration::from_nanos(5)));
        let look = look_at(10, [window("other", 0)].into_iter(), |_| false);
        assert_eq!((look.close.len(), look.again), (0, Some(LOOK)));
        assert_eq!(look_at(10, std::iter::empty(), |_| true).again, None);
    }
}
