//! Line protocol that goes nowhere: it is only checked.

use line::{Builder, LANE_NONE, Limits, MORE_NONE, Parser, Precision, Router, SeriesIndex, Slot};
use model::{Origin, TagSet};
use std::sync::Arc;

/// Bytes of keys that are remembered while a body is checked.
const INDEX_BYTES_MAX: usize = 1 << 20;

/// A body that is checked.
pub struct Check {
    parser: Parser,
    index: SeriesIndex,
    builder: Builder,
    nowhere: Nowhere,
}

impl Check {
    /// At the start of a body.
    pub fn new(precision: Precision) -> Check {
        let origin = Origin { db: "".into(), rp: "".into(), name: "".into() };
        Check {
            parser: Parser::new(precision, 0, Limits::default()),
            index: SeriesIndex::new(INDEX_BYTES_MAX),
            builder: Builder::new(),
            nowhere: Nowhere(Arc::new(origin)),
        }
    }

    /// Takes a chunk.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.parser.feed(chunk, &mut self.index, &mut self.nowhere, &mut self.builder);
    }

    /// Whether all of it was line protocol.
    pub fn finish(mut self) -> Result<(), line::Error> {
        self.parser.finish(&mut self.index, &mut self.nowhere, &mut self.builder).map(|_| ())
    }
}

/// Sends every series nowhere.
struct Nowhere(Arc<Origin>);

impl Router for Nowhere {
    fn resolve(&mut self, _: &str, _: &TagSet) -> Slot {
        Slot { origin: 0, plan: 0, lane: LANE_NONE, series: 0, more: MORE_NONE }
    }

    fn more(&self, _: u32) -> &[(u32, u32)] {
        &[]
    }

    fn origin(&self, _: u32) -> &Arc<Origin> {
        &self.0
    }
}
