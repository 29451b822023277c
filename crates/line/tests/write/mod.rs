//! A router for tests and benchmarks, and whole writes through it.

use line::{Builder, Error, LANE_NONE, Limits, MORE_NONE, Parser, Precision, Router, SeriesIndex, Slot};
use model::{Name, Origin, SourceRun, TagSet, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// The clock of all tests.
pub const NOW: i64 = 1_700_000_000_123_456_789;

/// Spreads series over lanes in turn. Measurements that begin with `un` go nowhere; the series of
/// those that begin with `all` go to every lane.
pub struct Turns {
    pub lanes: u32,
    pub origins: Vec<Arc<Origin>>,
    pub series: Vec<Vec<(u32, TagSet)>>,
    known: HashMap<(String, TagSet), Slot>,
    lists: Vec<Vec<(u32, u32)>>,
    pub asked: usize,
    pub cleared: usize,
}

impl Turns {
    pub fn new(lanes: u32) -> Turns {
        Turns {
            lanes,
            origins: Vec::new(),
            series: vec![Vec::new(); lanes as usize],
            known: HashMap::new(),
            lists: Vec::new(),
            asked: 0,
            cleared: 0,
        }
    }

    fn origin_of(&mut self, measurement: &str) -> u32 {
        if let Some(at) = self.origins.iter().position(|o| &*o.name == measurement) {
            return at as u32;
        }
        let name = Name::from(measurement);
        self.origins.push(Arc::new(Origin { db: "db".into(), rp: "rp".into(), name }));
        self.origins.len() as u32 - 1
    }

    fn number(&mut self, lane: u32, origin: u32, tags: &TagSet) -> u32 {
        let series = &mut self.series[lane as usize];
        series.push((origin, tags.clone()));
        series.len() as u32 - 1
    }
}

impl Router for Turns {
    fn cleared(&mut self) {
        self.cleared += 1;
        self.lists.clear();
        self.known.retain(|_, slot| slot.more == MORE_NONE);
    }

    fn resolve(&mut self, measurement: &str, tags: &TagSet) -> Slot {
        self.asked += 1;
        let key = (measurement.to_owned(), tags.clone());
        if let Some(slot) = self.known.get(&key) {
            return *slot;
        }
        let origin = self.origin_of(measurement);
        let lane = self.known.len() as u32 % self.lanes;
        let mut slot = Slot { origin, plan: origin, lane, series: 0, more: MORE_NONE };
        if measurement.starts_with("un") {
            slot.lane = LANE_NONE;
        } else {
            slot.series = self.number(lane, origin, tags);
            if measurement.starts_with("all") && self.lanes > 1 {
                let others = (0..self.lanes).filter(|&other| other != lane);
                let list = others.map(|other| (other, self.number(other, origin, tags))).collect();
                slot.more = self.lists.len() as u32;
                self.lists.push(list);
            }
        }
        self.known.insert(key, slot);
        slot
    }

    fn more(&self, list: u32) -> &[(u32, u32)] {
        &self.lists[list as usize]
    }

    fn origin(&self, origin: u32) -> &Arc<Origin> {
        &self.origins[origin as usize]
    }
}

/// A point as a test sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    pub measurement: String,
    pub tags: TagSet,
    pub fields: BTreeMap<String, Value>,
    pub time: i64,
}

/// Index, router and builder, as a server keeps them from write to write.
pub struct Bench {
    pub index: SeriesIndex,
    pub router: Turns,
    pub builder: Builder,
    pub limits: Limits,
}

impl Bench {
    pub fn new(lanes: u32) -> Bench {
        Bench {
            index: SeriesIndex::default(),
            router: Turns::new(lanes),
            builder: Builder::new(),
            limits: Limits::default(),
        }
    }

    /// One write, in chunks; gives the number of points. The runs are left in the builder.
    pub fn feed<'a>(
        &mut self,
        chunks: impl IntoIterator<Item = &'a [u8]>,
        precision: Precision,
    ) -> Result<u64, Error> {
        let Bench { index, router, builder, limits } = self;
        let mut parser = Parser::new(precision, NOW, *limits);
        for chunk in chunks {
            parser.feed(chunk, index, router, builder);
        }
        parser.finish(index, router, builder).map(|summary| summary.points)
    }

    /// One write, in chunks; gives the points of all lanes in the order in which they were
    /// written. Checks that no point is missing from a lane.
    pub fn write<'a>(
        &mut self,
        chunks: impl IntoIterator<Item = &'a [u8]>,
        precision: Precision,
    ) -> Result<Vec<Point>, Error> {
        let points = self.feed(chunks, precision)?;
        let counted: u64 = self.builder.counts_by_plan().map(|(_, count)| count).sum();
        assert_eq!(counted, points, "points by plan");
        let mut found: BTreeMap<u32, Point> = BTreeMap::new();
        for (lane, runs) in self.builder.take() {
            for run in runs {
                for row in 0..run.times.len() {
                    let point = self.router.point(lane, &run, row);
                    let old = found.insert(run.ordinals[row], point.clone());
                    assert!(old.is_none_or(|old| old == point), "two lanes got different points");
                }
            }
        }
        assert!(found.keys().all(|&ordinal| u64::from(ordinal) < points));
        Ok(found.into_values().collect())
    }
}

impl Turns {
    /// Point `row` of a run.
    fn point(&self, lane: u32, run: &SourceRun, row: usize) -> Point {
        let (origin, tags) = &self.series[lane as usize][run.series[row] as usize];
        assert_eq!(self.origins[*origin as usize], run.origin);
        assert_eq!((run.series.len(), run.ordinals.len()), (run.times.len(), run.times.len()));
        let mut fields = BTreeMap::new();
        for (name, column) in &run.fields {
            assert_eq!(column.len(), run.times.len(), "rows of {name}");
            if let Some(value) = column.get(row) {
                assert!(fields.insert(name.to_string(), value).is_none(), "{name} twice");
            }
        }
        let measurement = run.origin.name.to_string();
        Point { measurement, tags: tags.clone(), fields, time: run.times[row] }
    }
}
