//! Who this member is to others, and who others are.

use crate::MemberId;
use arc_swap::ArcSwap;
use std::fmt;
use std::sync::Arc;

/// This member, as it introduces itself.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its number.
    pub me: MemberId,
    /// Its name: the host part of its advertised address.
    pub name: String,
    /// Id of its cluster; empty until one is founded or joined.
    pub cluster: Arc<ArcSwap<String>>,
}

impl Identity {
    /// A member of the given cluster, or of none when that is empty.
    pub fn new(me: MemberId, name: impl Into<String>, cluster: impl Into<String>) -> Identity {
        Identity { me, name: name.into(), cluster: Arc::new(ArcSwap::from_pointee(cluster.into())) }
    }
}

/// Finds the name of a member, for the check of its certificate. It must know all members that may
/// speak: those in the catalog, and while the catalog has not arrived yet those that gossip (which
/// is authenticated by the shared secret) has told of.
#[derive(Clone)]
pub struct Names(Arc<dyn Fn(MemberId) -> Option<String> + Send + Sync>);

impl Names {
    /// Asks a function.
    pub fn new(names: impl Fn(MemberId) -> Option<String> + Send + Sync + 'static) -> Names {
        Names(Arc::new(names))
    }

    /// The name of a member, if it is one.
    pub fn of(&self, member: MemberId) -> Option<String> {
        (self.0)(member)
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}
