//! One write: line protocol in chunks, then the decision to take all of it or nothing.

use crate::engine::Engine;
use crate::error::WriteError;
use crate::outside::looped::Key;
use crate::router::{Database, Resolver};
use line::{Builder, Limits, Parser, Precision, Summary};
use parking_lot::Mutex;
use std::sync::Arc;

/// Builders that wait to be used again.
const BUILDERS_KEPT_MAX: usize = 16;

/// A write under way.
pub struct Write<'e> {
    engine: &'e Engine,
    database: Arc<Mutex<Database>>,
    parser: Parser,
    builder: Builder,
    key: Option<Key>,
}

/// Builders for the next writes: they remember the shape of what is written.
#[derive(Default)]
pub struct Builders(Mutex<Vec<Builder>>);

impl Builders {
    fn take(&self) -> Builder {
        self.0.lock().pop().unwrap_or_default()
    }

    fn give(&self, builder: Builder) {
        let mut kept = self.0.lock();
        if kept.len() < BUILDERS_KEPT_MAX {
            kept.push(builder);
        }
    }
}

impl Engine {
    /// Begins a write. An empty `rp` is the default retention policy.
    pub fn write(&self, db: &str, rp: &str, precision: Precision) -> Write<'_> {
        Write {
            engine: self,
            database: self.database(db, rp),
            parser: Parser::new(precision, crate::clock::wall(), Limits::default()),
            builder: self.builders.take(),
            key: None,
        }
    }
}

impl Write<'_> {
    /// Reads a chunk of the body. Mistakes come out of [`Self::finish`].
    pub fn feed(&mut self, chunk: &[u8]) {
        let mut database = self.database.lock();
        let Database { index, routes } = &mut *database;
        let mut resolver = Resolver { routes, shards: &self.engine.directories };
        self.parser.feed(chunk, index, &mut resolver, &mut self.builder);
    }

    /// Names the write, so that a client that did not hear the answer may send it again: of writes
    /// with one name a cluster takes the first. A member alone does not look at it. The last few
    /// thousand names are remembered.
    pub fn name(&mut self, name: &str) {
        // All members must come to the same number, also those of another version.
        self.key = Some(Key::Client(xxhash_rust::xxh3::xxh3_64(name.as_bytes())));
    }

    /// Says by what the write is taken once.
    pub(crate) fn keyed(&mut self, key: Key) {
        self.key = Some(key);
    }

    /// The write will be refused whatever follows.
    pub fn is_refused(&self) -> bool {
        self.parser.is_refused()
    }

    /// Takes the write: on return its points are logged and on their way to the tasks.
    pub async fn finish(mut self) -> Result<Summary, WriteError> {
        let (summary, counts) = self.end()?;
        let position = self.engine.admit(&mut self.builder, self.key).await?;
        self.count(counts);
        if let Some(position) = position
            && self.engine.options.sync == store::Sync::Always
        {
            self.engine.log.durable(position).await?;
        }
        let builder = std::mem::take(&mut self.builder);
        self.engine.builders.give(builder);
        Ok(summary)
    }

    fn count(&self, counts: Vec<(u32, u64)>) {
        let mut database = self.database.lock();
        for (plan, points) in counts {
            database.count(plan, points);
        }
    }

    fn end(&mut self) -> Result<(Summary, Vec<(u32, u64)>), WriteError> {
        let mut database = self.database.lock();
        let Database { index, routes } = &mut *database;
        let mut resolver = Resolver { routes, shards: &self.engine.directories };
        let summary = self.parser.finish(index, &mut resolver, &mut self.builder)?;
        Ok((summary, self.builder.counts_by_plan().collect()))
    }
}
