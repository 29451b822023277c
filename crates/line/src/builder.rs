//! The points of one write, as columns.

use crate::run::{Run, recycle};
use crate::shape::{NONE, Shape};
use crate::slot::{MORE_NONE, Router, Slot};
use crate::spare::Spare;
use model::{SourceRun, Time};

/// Fields of one origin that are remembered from write to write.
const FIELDS_KEPT_MAX: usize = 1024;

/// Origins whose shape is remembered from write to write.
const SHAPES_KEPT_MAX: usize = 1 << 14;

/// Origins that have a place for a shape, of eight bytes, from write to write.
const ORIGINS_KEPT_MAX: usize = 1 << 20;

/// Runs whose bookkeeping is kept allocated.
const RUNS_KEPT_MAX: usize = 4096;

/// Smallest number of rows to allocate for.
const ROWS_MIN: usize = 4;

/// Collects the points of one write: a run for each lane and origin that it brings points of.
///
/// A builder is made once and used for many writes, one at a time: it remembers the order of the
/// fields of each origin. What it keeps between writes is bounded. Nothing in it is done per
/// write for every lane or origin: only for those that the write has points of.
#[derive(Debug, Default)]
pub struct Builder {
    /// By number of the origin.
    shapes: Vec<Option<Box<Shape>>>,
    /// How many of them there are.
    shaped: usize,
    /// Those of this write first; behind them the ones that can be used again.
    runs: Vec<Run>,
    /// How many belong to this write.
    active: usize,
    /// Runs that were finished because they grew too sparse, with their lanes.
    full: Vec<(u32, SourceRun)>,
    /// Points by plan.
    counts: Vec<u64>,
    /// Plans whose count is not zero.
    counted: Vec<u32>,
    spare: Spare,
    /// Rows that the bytes at hand may bring.
    rows_expected: usize,
}

/// The runs of a write: lanes in ascending order, each with its runs. Several runs of one lane may
/// have the same origin.
pub type Taken = std::vec::IntoIter<(u32, Vec<SourceRun>)>;

impl Builder {
    /// An empty builder.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// The number of points of each routing plan, in no particular order: all valid lines, also
    /// those whose lane is [`crate::LANE_NONE`].
    pub fn counts_by_plan(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.counted.iter().map(|&plan| (plan, self.counts[plan as usize]))
    }

    /// Takes the runs out and makes the builder ready for the next write.
    pub fn take(&mut self) -> Taken {
        let mut out: Vec<(u32, Vec<SourceRun>)> = Vec::new();
        let mut finished = std::mem::take(&mut self.full);
        for at in 0..self.active {
            let run = &mut self.runs[at];
            if run.rows() > 0
                && let Some(shape) = self.shapes[run.origin_number as usize].as_mut()
            {
                shape.rows_hint = run.rows().max(shape.rows_hint - shape.rows_hint / 4);
                finished.push((run.lane, run.finish(shape)));
            }
        }
        finished.sort_by_key(|(lane, _)| *lane);
        for (lane, run) in finished {
            match out.last_mut() {
                Some((last, runs)) if *last == lane => runs.push(run),
                _ => out.push((lane, vec![run])),
            }
        }
        self.clear();
        out.into_iter()
    }

    /// Throws away what was collected.
    pub fn clear(&mut self) {
        for run in &mut self.runs[..self.active] {
            run.discard(&mut self.spare);
            if let Some(shape) = self.shapes[run.origin_number as usize].as_mut() {
                shape.runs[run.lane as usize] = NONE;
                if shape.len() > FIELDS_KEPT_MAX {
                    self.shapes[run.origin_number as usize] = None;
                    self.shaped -= 1;
                }
            }
        }
        self.active = 0;
        self.runs.truncate(RUNS_KEPT_MAX);
        self.full = Vec::new();
        self.counted.drain(..).for_each(|plan| self.counts[plan as usize] = 0);
        if self.shaped > SHAPES_KEPT_MAX || self.shapes.len() > ORIGINS_KEPT_MAX {
            self.shapes = Vec::new();
            self.shaped = 0;
        }
    }

    /// Gives the buffers of a run back, to be written again.
    pub fn recycle(&mut self, run: SourceRun) {
        self.spare.give_ints(run.times);
        self.spare.give_numbers(run.series);
        self.spare.give_numbers(run.ordinals);
        run.fields.into_iter().for_each(|(_, column)| recycle(column, &mut self.spare));
    }

    /// Lets go of all memory, and of what was collected. [`Self::take`] and [`Self::clear`] bound
    /// what is kept by themselves; this is for builders that will rest.
    pub fn shrink(&mut self) {
        *self = Builder::default();
    }

    /// Bytes of the buffers kept for the next writes.
    pub fn spare_bytes(&self) -> usize {
        self.spare.bytes()
    }

    /// Bytes that are about to be read: what new runs are allocated for.
    pub(crate) fn expect(&mut self, bytes: usize) {
        const LINE_BYTES: usize = 64;
        self.rows_expected = bytes / LINE_BYTES;
    }

    #[inline]
    pub(crate) fn count(&mut self, plan: u32) {
        if self.counts.len() <= plan as usize {
            self.counts.resize(plan as usize + 1, 0);
        }
        let count = &mut self.counts[plan as usize];
        if *count == 0 {
            self.counted.push(plan);
        }
        *count += 1;
    }

    /// The run of a slot's lane and origin, for one more row.
    #[inline]
    pub(crate) fn row<R: Router>(&mut self, slot: &Slot, router: &R) -> Row<'_> {
        let run = self.run(slot.origin, slot.lane, router);
        let shape = self.shapes[slot.origin as usize].get_or_insert_default();
        Row {
            shape,
            run: &mut self.runs[run],
            spare: &mut self.spare,
            previous: NONE,
            current: NONE,
            values: 0,
        }
    }

    /// Number of the run of a lane and origin.
    #[inline]
    fn run<R: Router>(&mut self, origin: u32, lane: u32, router: &R) -> usize {
        let shape = self.shapes.get(origin as usize).and_then(|shape| shape.as_deref());
        match shape.and_then(|shape| shape.runs.get(lane as usize)) {
            Some(&run) if run != NONE => run as usize,
            _ => self.start_run(origin, lane, router),
        }
    }

    fn start_run<R: Router>(&mut self, origin: u32, lane: u32, router: &R) -> usize {
        if self.shapes.len() <= origin as usize {
            self.shapes.resize_with(origin as usize + 1, || None);
        }
        self.shaped += usize::from(self.shapes[origin as usize].is_none());
        let shape = self.shapes[origin as usize].get_or_insert_default();
        if shape.runs.len() <= lane as usize {
            shape.runs.resize(lane as usize + 1, NONE);
        }
        let number = self.active;
        shape.runs[lane as usize] = number as u32;
        if self.runs.len() == number {
            self.runs.push(Run::new(router.origin(origin).clone()));
        }
        let rows = shape.rows_hint.min(self.rows_expected).max(ROWS_MIN);
        let run = &mut self.runs[number];
        run.origin = router.origin(origin).clone();
        run.origin_number = origin;
        run.lane = lane;
        run.start(&mut self.spare, rows);
        self.active += 1;
        number
    }

    /// What remains to be done for a row that was added to the run of `slot`: copies for further
    /// lanes, and another run when this one is `full`.
    #[inline]
    pub(crate) fn end_row<R: Router>(&mut self, slot: &Slot, full: bool, router: &R) {
        if slot.more != MORE_NONE {
            self.copy_row(slot, router);
        }
        if full {
            self.seal(self.run_of(slot.origin, slot.lane));
        }
    }

    fn copy_row<R: Router>(&mut self, slot: &Slot, router: &R) {
        let from = self.run(slot.origin, slot.lane, router);
        for &(lane, series) in router.more(slot.more) {
            let to = self.run(slot.origin, lane, router);
            // The same lane again would be a mistake of the router: the point is there already.
            if let Ok([from, to]) = self.runs.get_disjoint_mut([from, to]) {
                to.copy_last_row(from, series, &mut self.spare);
                if to.is_full() {
                    self.seal(self.run_of(slot.origin, lane));
                }
            }
        }
    }

    fn run_of(&self, origin: u32, lane: u32) -> usize {
        self.shapes[origin as usize].as_ref().map_or(0, |shape| shape.runs[lane as usize] as usize)
    }

    /// Finishes a run; the next rows of its lane and origin begin another.
    #[cold]
    fn seal(&mut self, at: usize) {
        let run = &mut self.runs[at];
        if let Some(shape) = self.shapes[run.origin_number as usize].as_deref() {
            self.full.push((run.lane, run.finish(shape)));
            run.start(&mut self.spare, ROWS_MIN);
        }
    }
}

/// The row under construction of one run.
pub(crate) struct Row<'a> {
    shape: &'a mut Shape,
    run: &'a mut Run,
    spare: &'a mut Spare,
    previous: u32,
    current: u32,
    values: usize,
}

impl Row<'_> {
    /// Finds the field whose name stands at `at`; gives the place of its value.
    #[inline]
    pub(crate) fn name(&mut self, bytes: &[u8], at: usize) -> Option<usize> {
        self.previous = self.current;
        self.values += 1;
        if let Some((id, value)) = self.shape.guess(bytes, at, self.previous) {
            self.current = id;
            return Some(value);
        }
        let equals = crate::fast::name_end(bytes, at)?;
        self.current = self.shape.find_plain(&bytes[at..equals])?;
        self.shape.follow(self.previous, self.current);
        Some(equals + 1)
    }

    #[inline]
    pub(crate) fn number(&mut self, number: crate::number::Number) -> Option<()> {
        self.run.push_number(self.current, number, self.spare)
    }

    #[inline]
    pub(crate) fn text(&mut self, text: &str) -> Option<()> {
        self.run.push_str(self.current, text, self.spare)
    }

    #[inline]
    pub(crate) fn truth(&mut self, truth: bool) -> Option<()> {
        self.run.push_bool(self.current, truth, self.spare)
    }

    /// Adds a field that the strict reader took apart; no name comes twice.
    pub(crate) fn add(&mut self, field: &crate::fields::LineField<'_>) {
        let id = self.shape.find_or_add(&field.name, field.plain);
        self.shape.follow(self.current, id);
        self.current = id;
        if self.run.push_scalar(id, &field.value, self.spare).is_some() {
            self.values += 1;
        }
    }

    /// Finishes the row; says whether the run is full.
    #[inline]
    pub(crate) fn end(self, time: Time, series: u32, ordinal: u32) -> bool {
        self.run.end_row(time, series, ordinal, self.values);
        self.run.is_full()
    }

    pub(crate) fn undo(self) {
        self.run.undo_row();
    }
}
