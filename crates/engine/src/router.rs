//! The router: which shards a series goes to, for the tasks that run.

use crate::directory::Directory;
use hashbrown::HashMap;
use line::{LANE_NONE, MORE_NONE, SeriesIndex, Slot};
use model::{Name, Origin, TagSet};
use parking_lot::Mutex;
use pipeline::partition::Placement;
use pipeline::task::Task;
use smallvec::SmallVec;
use std::sync::Arc;

/// The tasks that run, for the router to look at.
pub type Tasks = Arc<[Arc<Task>]>;

/// One database and retention policy that is written to. Its lock is held while a chunk of a
/// write is parsed: parsing is far faster than a network, and one order of the series serves all
/// writers.
pub struct Database {
    /// Raw keys and where they go.
    pub index: SeriesIndex,
    /// The rest.
    pub routes: Routes,
}

/// What [`Database::index`] was filled from.
pub struct Routes {
    db: Name,
    rp: Name,
    tasks: Tasks,
    origins: Vec<OriginRoutes>,
    numbers: HashMap<Name, u32>,
    more: Vec<Box<[(u32, u32)]>>,
}

struct OriginRoutes {
    origin: Arc<Origin>,
    /// The distinct placements of the tasks that read it.
    placements: Vec<Placement>,
    /// Points taken since the process started.
    points: u64,
}

/// Answers the parser's questions about new series.
pub struct Resolver<'a> {
    /// The database's routes.
    pub routes: &'a mut Routes,
    /// The shards.
    pub shards: &'a [Arc<Mutex<Directory>>],
}

impl Database {
    /// A database that nothing was written to yet.
    pub fn new(db: &str, rp: &str, tasks: Tasks) -> Database {
        Database {
            index: SeriesIndex::default(),
            routes: Routes {
                db: db.into(),
                rp: rp.into(),
                tasks,
                origins: Vec::new(),
                numbers: HashMap::new(),
                more: Vec::new(),
            },
        }
    }

    /// Routes by other tasks from now on.
    pub fn set_tasks(&mut self, tasks: Tasks) {
        self.index.clear();
        self.routes.more.clear();
        self.routes.tasks = tasks;
        for at in 0..self.routes.origins.len() {
            let placements = self.routes.placements(&self.routes.origins[at].origin);
            self.routes.origins[at].placements = placements;
        }
    }

    /// Counts points that were taken, by the plan that the parser counted them under.
    pub fn count(&mut self, plan: u32, points: u64) {
        self.routes.origins[plan as usize].points += points;
    }

    /// Points taken, by origin.
    pub fn points(&self) -> impl Iterator<Item = (&Arc<Origin>, u64)> {
        self.routes.origins.iter().map(|origin| (&origin.origin, origin.points))
    }
}

impl Routes {
    fn placements(&self, origin: &Origin) -> Vec<Placement> {
        let mut placements: Vec<Placement> = Vec::new();
        for task in self.tasks.iter().filter(|task| task.reads(origin)) {
            if !placements.contains(&task.placement) {
                placements.push(task.placement.clone());
            }
        }
        placements
    }

    fn number(&mut self, measurement: &str) -> u32 {
        if let Some(&number) = self.numbers.get(measurement) {
            return number;
        }
        let name = Name::from(measurement);
        let origin = Arc::new(Origin { db: self.db.clone(), rp: self.rp.clone(), name: name.clone() });
        let number = self.origins.len() as u32;
        let placements = self.placements(&origin);
        self.origins.push(OriginRoutes { origin, placements, points: 0 });
        self.numbers.insert(name, number);
        number
    }
}

impl line::Router for Resolver<'_> {
    fn cleared(&mut self) {
        self.routes.more.clear();
    }

    fn resolve(&mut self, measurement: &str, tags: &TagSet) -> Slot {
        let number = self.routes.number(measurement);
        let routes = &self.routes.origins[number as usize];
        let origin = routes.origin.clone();
        let shards = self.shards.len() as u32;
        let mut lanes: SmallVec<[u32; 4]> = routes.placements.iter().map(|p| p.shard(tags, shards)).collect();
        lanes.sort_unstable();
        lanes.dedup();
        let series = |lane: u32| self.shards[lane as usize].lock().number(&origin, tags);
        let mut slot = Slot { origin: number, plan: number, lane: LANE_NONE, series: 0, more: MORE_NONE };
        if let Some((&lane, others)) = lanes.split_first() {
            (slot.lane, slot.series) = (lane, series(lane));
            if !others.is_empty() {
                slot.more = self.routes.more.len() as u32;
                self.routes.more.push(others.iter().map(|&lane| (lane, series(lane))).collect());
            }
        }
        slot
    }

    fn more(&self, list: u32) -> &[(u32, u32)] {
        &self.routes.more[list as usize]
    }

    fn origin(&self, origin: u32) -> &Arc<Origin> {
        &self.routes.origins[origin as usize].origin
    }
}
