//! What a round measures of one mechanism: a cell for each task.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::carrier::Carrier;
use super::clock::Clock;
use super::leader::{Connected, Opened, Second, Unopened};
use super::plan::{BLOCK, Mechanism, Offer, Plan, Subject, Task};
use super::rounds::{Measured, Round};
use super::streams::Flow;
use super::{copy, rtrb};
use crate::cores::Placement;
use crate::failure::Failure;

/// What was measured of one task.
#[derive(Debug)]
pub struct Cell {
    /// Which.
    pub task: Task,
    /// The round trips, or single copies, in nanoseconds.
    pub trips: Option<Histogram<u64>>,
    /// The same of one way.
    pub one_way: Option<Histogram<u64>>,
    /// What flowed one way.
    pub flow: Option<Flow>,
    /// Processor time of both processes for a round trip, in nanoseconds.
    pub used: Option<f64>,
    /// What opening the mechanism has cost.
    pub opening: Option<Opening>,
}

/// What it costs to have a mechanism open.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// From the wish until both sides could send.
    pub time: Duration,
    /// Memory that both processes hold for it, in bytes, if the system tells.
    pub memory: Option<u64>,
}

impl Cell {
    /// A cell of which nothing was measured.
    pub fn empty(task: Task) -> Self {
        Self { task, trips: None, one_way: None, flow: None, used: None, opening: None }
    }

    fn bound(size: usize, trips: Histogram<u64>) -> Self {
        Self { trips: Some(trips), ..Self::empty(Task { size, offer: Offer::AtOnce }) }
    }
}

/// What rounds are measured with.
pub struct Lab<'a> {
    plan: &'a Plan,
    placement: &'a Placement,
    clock: Clock,
    second: Second,
}

impl<'a> Lab<'a> {
    /// Starts the second process.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn new(plan: &'a Plan, placement: &'a Placement) -> Result<Self, Failure> {
        Ok(Self { plan, placement, clock: Clock::calibrated(), second: Second::start(placement.second())? })
    }

    /// What reading the clock costs, in nanoseconds.
    pub fn clock_cost(&self) -> u64 {
        self.clock.overhead()
    }

    /// Measures a round: the floor, the subject, the floor.
    ///
    /// # Errors
    ///
    /// What could not be measured. What a mechanism cannot do is noted in `measured`.
    pub fn round(&self, subject: Subject, measured: &mut Measured) -> Result<Round, Failure> {
        let before = self.floor()?;
        let cells = self.cells(subject, measured)?;
        let after = self.floor()?;
        Ok(Round { subject, floor: before.zip(after), cells })
    }

    fn floor(&self) -> Result<Option<f64>, Failure> {
        if !self.placement.parallel() {
            return Ok(None);
        }
        let walked = self.second.floor(self.plan.floor_budget(), self.clock)?;
        Ok(Some(walked.value_at_quantile(0.5) as f64))
    }

    fn cells(&self, subject: Subject, measured: &mut Measured) -> Result<Vec<Cell>, Failure> {
        let (budget, core) = (self.plan.budget(), self.placement.second());
        match subject.mechanism {
            Mechanism::Floor => Ok(vec![Cell::bound(8, self.second.floor(budget, self.clock)?)]),
            Mechanism::Memcpy => Ok(vec![Cell::bound(BLOCK, copy::measure(budget, self.clock, core)?)]),
            Mechanism::RtrbThreads => self.plan.sizes.iter().map(|&size| self.rtrb(size)).collect(),
            Mechanism::Twinring => self.ours(subject, &mut measured.pages),
            Mechanism::TwinringCall | Mechanism::TwinringCallShared => self.calls(subject),
            mechanism => {
                self.plan.tasks(mechanism).into_iter().map(|task| self.offered(subject, task, measured)).collect()
            }
        }
    }

    fn rtrb(&self, size: usize) -> Result<Cell, Failure> {
        let (trips, flow) = rtrb::measure(size, self.plan.budget(), self.clock, self.placement.second())?;
        Ok(Cell { flow: Some(flow), ..Cell::bound(size, trips.times) })
    }

    /// A new connection in every round: it lies in other pages each time, and its lines are not always the lucky ones.
    fn ours(&self, subject: Subject, pages: &mut Option<String>) -> Result<Vec<Cell>, Failure> {
        let ((connected, connected_pages), opening) =
            self.opening(|| self.second.connect(subject.mode, self.plan.largest(), self.plan.huge_pages))?;
        *pages = Some(connected_pages);
        self.measure(connected, &self.plan.tasks(subject.mechanism), opening)
    }

    /// A new connection in every round here, too.
    fn calls(&self, subject: Subject) -> Result<Vec<Cell>, Failure> {
        let call = || self.second.call(subject.mechanism, subject.mode, self.plan.huge_pages);
        let (calling, opening) = self.opening(call)?;
        self.measure(calling, &self.plan.tasks(subject.mechanism), opening)
    }

    /// One of the system's mechanisms, or another library, anew for each task; what cannot be had is noted.
    fn offered(&self, subject: Subject, task: Task, measured: &mut Measured) -> Result<Cell, Failure> {
        let mechanism = subject.mechanism;
        let cells = if mechanism.is_semaphores() {
            match self.opening(|| self.second.exchange(mechanism, task.size)) {
                Ok((exchanging, opening)) => self.measure(exchanging, &[task], opening)?,
                Err(unopened) => return measured.without(mechanism, task, unopened),
            }
        } else {
            match self.opening(|| self.carry(subject, task.size)) {
                Ok((connected, opening)) => self.measure(connected, &[task], opening)?,
                Err(unopened) => return measured.without(mechanism, task, unopened),
            }
        };
        Ok(cells.into_iter().next().unwrap_or_else(|| Cell::empty(task)))
    }

    fn carry(&self, subject: Subject, size: usize) -> Result<Connected<'_, Box<dyn Carrier>>, Unopened> {
        match subject.mechanism {
            rival if rival.is_rival() => self.second.rival(self.plan.brought, subject, size),
            mechanism => self.second.carry(mechanism, size),
        }
    }

    fn opening<T, E>(&self, open: impl FnOnce() -> Result<T, E>) -> Result<(T, Opening), E> {
        let before = self.second.memory();
        let begun = Instant::now();
        let opened = open()?;
        let time = begun.elapsed();
        let memory = self.second.memory().zip(before).map(|(now, before)| now.saturating_sub(before));
        Ok((opened, Opening { time, memory }))
    }

    /// Measures all tasks, then takes it down.
    fn measure(&self, mut opened: impl Opened, tasks: &[Task], opening: Opening) -> Result<Vec<Cell>, Failure> {
        let cells: Result<Vec<Cell>, Failure> =
            tasks.iter().map(|&task| self.cell(&mut opened, task, opening)).collect();
        let cells = cells?;
        opened.close()?;
        Ok(cells)
    }

    fn cell(&self, opened: &mut impl Opened, task: Task, opening: Opening) -> Result<Cell, Failure> {
        let (size, budget) = (task.size, self.plan.budget());
        let mut cell = Cell { opening: Some(opening), ..Cell::empty(task) };
        match task.offer {
            Offer::AtOnce => {
                let before = self.used()?;
                let trips = opened.trips(size, budget, self.clock)?;
                cell.used = Some(each(self.used()? - before, trips.count));
                cell.trips = Some(trips.times);
                cell.flow = opened.stream(size, budget)?;
            }
            Offer::Trips(rate) => {
                let before = self.second.used()?;
                let paced = opened.paced(size, rate, budget)?;
                cell.used = Some(each(self.second.used()? - before + paced.used, paced.count));
                (cell.trips, cell.one_way) = (Some(paced.trips), Some(paced.one_way));
            }
            Offer::OneWay(rate) => {
                let (flow, one_way) = opened.load(size, rate, budget)?;
                (cell.flow, cell.one_way) = (Some(flow), Some(one_way));
            }
        }
        Ok(cell)
    }

    /// The processor time that both processes have used so far.
    fn used(&self) -> Result<Duration, Failure> {
        Ok(self.second.used()? + crate::os::processor::used()?)
    }
}

fn each(used: Duration, count: u64) -> f64 {
    used.as_nanos() as f64 / count.max(1) as f64
}
