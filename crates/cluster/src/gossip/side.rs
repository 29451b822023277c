//! Which cluster's members are heard. A member without a cluster may hear any, but not two at once:
//! foca would tell each of the members of the other. So it keeps company with the first it hears of,
//! until it belongs to one, or that one falls silent.

use std::time::Duration;
use tokio::time::Instant;

/// After this time without a word the company is over.
const SILENCE: Duration = Duration::from_secs(10);

/// The side this member is on.
pub(super) struct Side {
    own: String,
    company: Option<(String, Instant)>,
}

impl Side {
    pub fn new(own: String) -> Self {
        Self { own, company: None }
    }

    /// The cluster this member belongs to, empty if to none.
    pub fn own(&self) -> &str {
        &self.own
    }

    pub fn set(&mut self, own: String) {
        self.own = own;
        self.company = None;
    }

    /// What envelopes say: the cluster, and whether we belong to it.
    pub fn shown(&self) -> (&str, bool) {
        match &self.company {
            _ if !self.own.is_empty() => (&self.own, true),
            Some((cluster, _)) => (cluster, false),
            None => ("", false),
        }
    }

    /// Whether somebody on that side is heard.
    pub fn hears(&self, cluster: &str) -> bool {
        let (side, _) = self.shown();
        side.is_empty() || cluster.is_empty() || side == cluster
    }

    /// Somebody who belongs to a cluster, and is heard, has spoken.
    pub fn spoken(&mut self, cluster: &str, now: Instant) {
        if !self.own.is_empty() || cluster.is_empty() {
            return;
        }
        match &mut self.company {
            Some((company, last)) if company == cluster => *last = now,
            Some(_) => {}
            None => self.company = Some((cluster.to_owned(), now)),
        }
    }

    /// Ends a company that has fallen silent.
    pub fn tick(&mut self, now: Instant) {
        if self.company.as_ref().is_some_and(|(_, last)| now.saturating_duration_since(*last) >= SILENCE) {
            self.company = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clusters_never_mix() {
        let side = Side::new("x".to_owned());
        assert!(side.hears("x") && side.hears("") && !side.hears("y"));
        assert_eq!(side.shown(), ("x", true));
    }

    #[test]
    fn without_a_cluster_it_keeps_company_with_the_first() {
        let start = Instant::now();
        let mut side = Side::new(String::new());
        assert!(side.hears("x") && side.hears("y"));
        side.spoken("", start);
        assert_eq!(side.shown(), ("", false));
        side.spoken("x", start);
        assert_eq!(side.shown(), ("x", false));
        assert!(side.hears("x") && side.hears("") && !side.hears("y"));

        side.tick(start + SILENCE / 2);
        side.spoken("x", start + SILENCE / 2);
        side.tick(start + SILENCE);
        assert!(!side.hears("y"), "x was heard in between");
        side.tick(start + SILENCE * 2);
        assert!(side.hears("y"));

        side.spoken("y", start + SILENCE * 2);
        side.set("x".to_owned());
        assert_eq!(side.shown(), ("x", true));
        assert!(!side.hears("y"));
    }
}
