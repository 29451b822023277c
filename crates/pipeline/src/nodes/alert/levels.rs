//! Which level a point has, given the level before: the order in which the script's expressions
//! are asked, apart from what they say.

use model::Level;

/// Number of expressions that an alert can have: to enter three levels, and to leave them.
pub(super) const SLOTS: usize = 6;

/// The place of the expression that enters a level; OK has none.
pub(super) fn enters(level: Level) -> Option<usize> {
    (level as usize).checked_sub(1)
}

/// The place of the expression that leaves a level; OK has none.
pub(super) fn leaves(level: Level) -> Option<usize> {
    enters(level).map(|slot| slot + 3)
}

/// The level of a point of a group whose level was `current`. `ask` evaluates the expression at a
/// place: `None` when there is none or it fails. Expressions with a memory make every question
/// count, so none is asked that Kapacitor does not ask, and one may be asked twice.
pub(super) fn determine(current: Level, mut ask: impl FnMut(usize) -> Option<bool>) -> Level {
    let mut matches = |level: &Level| enters(*level).is_some_and(|slot| ask(slot) == Some(true));
    let above = Level::ALL.into_iter().rev().take_while(|level| *level >= current);
    if let Some(level) = above.into_iter().find(&mut matches) {
        return level;
    }
    if leaves(current).is_some_and(|slot| ask(slot) == Some(false)) {
        return current;
    }
    let mut matches = |level: &Level| enters(*level).is_some_and(|slot| ask(slot) == Some(true));
    let below = Level::ALL.into_iter().rev().skip_while(|level| *level > current);
    below.into_iter().find(&mut matches).unwrap_or(Level::Ok)
}
