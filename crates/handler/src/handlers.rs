//! The list of handler kinds, and how a definition becomes a handler.

mod exec;
mod inside;
mod log;
mod post;
mod tcp;

use crate::http::{Clients, Endpoints};
use crate::options::Options;
use crate::{DeliveryError, Error, OptionDef};
use alert::{Delivery, HandlerSpec};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// All kinds. To add one: a file in `handlers/` and a line here.
pub static KINDS: [&Kind; 6] =
    [&inside::AGGREGATE, &exec::KIND, &log::KIND, &post::KIND, &inside::PUBLISH, &tcp::KIND];

/// A kind of handler.
#[derive(Debug)]
pub struct Kind {
    /// Its name in a topic handler.
    pub name: &'static str,
    /// Its method on TICKscript's alert node; empty for those that only topics can have.
    pub method: &'static str,
    /// What Kapacitor's errors call its options.
    pub config: &'static str,
    /// What it does, one line.
    pub summary: &'static str,
    /// What it takes.
    pub options: &'static [OptionDef],
    build: fn(&Options<'_>, &Services) -> Built,
}

/// A handler, or what is wrong with its definition.
pub type Built = Result<Arc<dyn Handler>, Error>;

/// How a handler wants to be driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// An attempt that takes longer has failed.
    pub timeout: Duration,
    /// Deliveries under way at once, when many wait.
    pub concurrency_max: usize,
    /// Attempts at one delivery; `None` until it is too old.
    pub attempts_max: Option<u32>,
}

/// An attempt under way. Dropping it stops the attempt.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Result<(), DeliveryError>> + Send + 'a>>;

/// Carries events out.
pub trait Handler: Send + Sync {
    /// How it wants to be driven.
    fn limits(&self) -> Limits;

    /// Tries once to carry the delivery out.
    fn deliver<'a>(&'a self, delivery: &'a Delivery) -> Attempt<'a>;
}

/// What handlers need of the server.
#[derive(Debug, Default)]
pub struct Services {
    /// Kinds that are switched off (`-disable-handlers`).
    pub disabled: BTreeSet<String>,
    /// Named receivers of `post` (`[[httppost]]`).
    pub endpoints: Endpoints,
    /// HTTP clients, shared by all handlers.
    pub clients: Clients,
}

impl Services {
    /// Reads the value of `-disable-handlers`: kinds with commas between them.
    pub fn parse_disabled(list: &str) -> BTreeSet<String> {
        list.split(',').map(str::trim).filter(|kind| !kind.is_empty()).map(str::to_owned).collect()
    }
}

/// Makes handlers of their definitions.
#[derive(Debug, Default)]
pub struct Handlers {
    services: Services,
}

impl Handlers {
    /// With what the server offers.
    pub fn new(services: Services) -> Handlers {
        Handlers { services }
    }

    /// Makes a handler, or says what is wrong with its definition. Does not touch the world.
    pub fn build(&self, spec: &HandlerSpec) -> Built {
        let kind = find(&spec.kind)?;
        if self.services.disabled.contains(kind.name) {
            return Err(Error::Disabled(kind.name.to_owned()));
        }
        let options = Options::check(kind.name, kind.config, kind.options, &spec.options)?;
        alert::Role::of(spec).map_err(|error| Error::Invalid(error.to_string()))?;
        (kind.build)(&options, &self.services)
    }
}

/// The kind with that name.
pub fn find(name: &str) -> Result<&'static Kind, Error> {
    KINDS.into_iter().find(|kind| kind.name == name).ok_or_else(|| {
        let nearest = tick::did_you_mean(name, KINDS.iter().map(|kind| kind.name));
        Error::UnknownKind { kind: name.to_owned(), nearest: nearest.map(str::to_owned) }
    })
}
