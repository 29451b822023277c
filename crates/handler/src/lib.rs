//! Alert handlers: what carries an event out into the world, and the [`Deliverer`] that sees to
//! it that each delivery arrives, in order, without one dead receiver holding up another.

pub mod backoff;
pub mod deliver;
pub mod error;
pub mod handlers;
pub mod http;
pub mod options;
mod view;

pub use deliver::{Deliverer, Drained, LaneStats, Report, Settings};
pub use error::{DeliveryError, Error};
pub use handlers::{Handler, Handlers, KINDS, Kind, Limits, Services};
pub use http::{Endpoint, Endpoints};
pub use options::{OptionDef, OptionKind};
