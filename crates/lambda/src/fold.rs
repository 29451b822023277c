//! Deciding a filter once per series instead of once per point.

use crate::lambda::Lambda;
use crate::scope::{Env, TagScope};
use crate::state::State;
use model::TagSet;

impl Lambda {
    /// The truth of this lambda for every point of a series, when the tags alone decide it: each
    /// name it reads is a tag of the series, and it depends on neither time nor earlier points.
    ///
    /// The answer holds for points that have no *field* of any of [`Lambda::references`]: such a
    /// point is an error (a name that is both), and the caller must evaluate it like any other.
    /// `is_field` says which names may be fields of the series' points; with one of those there is
    /// no answer. `None` also when the evaluation fails, so that each point reports its error.
    pub fn fold_tags(&self, is_field: &dyn Fn(&str) -> bool, tags: &TagSet) -> Option<bool> {
        let constant = self.is_timeless()
            && self.references().iter().all(|name| tags.get(name).is_some() && !is_field(name));
        if !constant {
            return None;
        }
        let scope = TagScope { tags, time: 0 };
        self.eval_bool(&scope, &mut State::default(), &Env::utc(0)).ok()
    }
}
