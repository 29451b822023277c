//! farad-testkit.
