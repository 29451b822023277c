//! farad-api.
