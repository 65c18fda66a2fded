//! Rounds: what is measured when, and what to do when the machine changes meanwhile.

use hdrhistogram::Histogram;

use super::clock::Clock;
use super::leader::{Second, Unopened};
use super::plan::{Mechanism, Plan, Subject};
use super::streams::Flow;
use super::{copy, rtrb};
use crate::cores::Placement;
use crate::failure::Failure;
use crate::machine;

/// By how much the floor may differ from the run's median before a round is repeated.
pub const TOLERANCE: f64 = 0.15;

/// How often all moved rounds are repeated before the run is as good as it gets.
const REPAIRS: usize = 2;

/// One subject measured once.
#[derive(Debug)]
pub struct Round {
    /// What was measured.
    pub subject: Subject,
    /// The median floor before and after, in nanoseconds; `None` without a core for each side.
    pub floor: Option<(f64, f64)>,
    /// What was measured of each size.
    pub cells: Vec<Cell>,
}

/// One size of a round.
#[derive(Debug)]
pub struct Cell {
    /// The payload, in bytes.
    pub size: usize,
    /// The round trips, or single copies, in nanoseconds.
    pub trips: Option<Histogram<u64>>,
    /// The stream.
    pub flow: Option<Flow>,
}

/// All rounds of a run.
#[derive(Debug, Default)]
pub struct Measured {
    /// The rounds that count.
    pub rounds: Vec<Round>,
    /// How many were measured again because the floor had moved.
    pub repeated: usize,
    /// How many of those that count still have a moved floor.
    pub unsteady: usize,
    /// The median of all floors, in nanoseconds.
    pub floor: Option<f64>,
    /// What pages the rings lay in.
    pub pages: Option<String>,
    /// What could not be measured, and why.
    pub refusals: Vec<Refusal>,
    /// What reading the clock costs, in nanoseconds: taken off each round trip.
    pub clock_cost: u64,
    /// How often another process took the leader's core.
    pub preempted: u64,
}

/// What a mechanism could not be measured with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which.
    pub mechanism: Mechanism,
    /// The payload, in bytes.
    pub size: usize,
    /// Why.
    pub why: String,
}

/// Measures everything that is planned. `progress` is told of each round before it begins, never during one.
///
/// # Errors
///
/// The first thing that could not be measured.
pub fn run(plan: &Plan, placement: &Placement, progress: &mut dyn FnMut(Step)) -> Result<Measured, Failure> {
    let lab = Lab { plan, placement, clock: Clock::calibrated(), second: Second::start(placement.second())? };
    let subjects = plan.subjects(placement.parallel());
    let mut measured = Measured { clock_cost: lab.clock.overhead(), ..Measured::default() };
    let preempted = machine::preemptions();
    let total = plan.rounds * subjects.len();
    for (done, &subject) in (0..plan.rounds).flat_map(|_| &subjects).enumerate() {
        progress(Step { done, total, subject, again: false });
        let round = lab.round(subject, &mut measured)?;
        measured.rounds.push(round);
    }
    repair(&lab, &mut measured, progress)?;
    measured.preempted = machine::preemptions() - preempted;
    Ok(measured)
}

impl Measured {
    /// A cell without numbers, and a note of why that is so; the same thing is noted once.
    fn without(&mut self, mechanism: Mechanism, size: usize, unopened: Unopened) -> Result<Cell, Failure> {
        let why = match unopened {
            Unopened::Refused(failure) => failure.to_string(),
            Unopened::Lost(failure) => return Err(failure),
        };
        let refusal = Refusal { mechanism, size, why };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
        Ok(Cell { size, trips: None, flow: None })
    }
}

/// What is measured next.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Rounds done.
    pub done: usize,
    /// Rounds planned.
    pub total: usize,
    /// The subject of this one.
    pub subject: Subject,
    /// Whether it is repeated.
    pub again: bool,
}

/// Repeats the rounds whose floor moved, a bounded number of times.
fn repair(lab: &Lab<'_>, measured: &mut Measured, progress: &mut dyn FnMut(Step)) -> Result<(), Failure> {
    for _ in 0..REPAIRS {
        measured.floor = median_floor(&measured.rounds);
        let moved = moved(&measured.rounds, measured.floor);
        let total = moved.len();
        for (done, at) in moved.into_iter().enumerate() {
            let subject = measured.rounds[at].subject;
            progress(Step { done, total, subject, again: true });
            measured.rounds[at] = lab.round(subject, measured)?;
            measured.repeated += 1;
        }
    }
    measured.floor = median_floor(&measured.rounds);
    measured.unsteady = moved(&measured.rounds, measured.floor).len();
    Ok(())
}

/// Which rounds have a floor too far from the median.
fn moved(rounds: &[Round], median: Option<f64>) -> Vec<usize> {
    let Some(median) = median else { return Vec::new() };
    let far = |floor: f64| (floor / median - 1.0).abs() > TOLERANCE;
    let has_moved = |round: &Round| round.floor.is_some_and(|(before, after)| far(before) || far(after));
    (0..rounds.len()).filter(|&at| has_moved(&rounds[at])).collect()
}

fn median_floor(rounds: &[Round]) -> Option<f64> {
    let floors = rounds.iter().filter_map(|round| round.floor).flat_map(|(before, after)| [before, after]);
    super::summary::median(floors.collect())
}

impl Round {
    /// Whether the floor stood still within it, by the run's median.
    pub fn is_steady(&self, median: Option<f64>) -> bool {
        moved(std::slice::from_ref(self), median).is_empty()
    }
}

/// What rounds are measured with.
struct Lab<'a> {
    plan: &'a Plan,
    placement: &'a Placement,
    clock: Clock,
    second: Second,
}

impl Lab<'_> {
    fn round(&self, subject: Subject, measured: &mut Measured) -> Result<Round, Failure> {
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
        let (budget, clock, core) = (self.plan.budget(), self.clock, self.placement.second());
        let bound = |trips| vec![Cell { size: 8, trips: Some(trips), flow: None }];
        match subject.mechanism {
            Mechanism::Floor => self.second.floor(budget, clock).map(bound),
            Mechanism::Futex => self.second.futex(budget, clock).map(bound),
            Mechanism::Twinring => self.ours(subject, &mut measured.pages),
            Mechanism::TwinringCall | Mechanism::TwinringCallShared => self.calls(subject),
            Mechanism::RtrbThreads => self
                .plan
                .sizes
                .iter()
                .map(|&size| {
                    let (trips, flow) = rtrb::measure(size, budget, clock, core)?;
                    Ok(Cell { size, trips: Some(trips), flow: Some(flow) })
                })
                .collect(),
            Mechanism::Memcpy => {
                let trips = copy::measure(budget, clock, core)?;
                Ok(vec![Cell { size: super::plan::BLOCK, trips: Some(trips), flow: None }])
            }
            Mechanism::SemaphoreSysv | Mechanism::SemaphorePosix => {
                self.plan.call_sizes.iter().map(|&size| self.exchange(subject.mechanism, size, measured)).collect()
            }
            _ => self.plan.sizes.iter().map(|&size| self.carry(subject.mechanism, size, measured)).collect(),
        }
    }

    /// A new connection in every round: it lies in other pages each time, and its lines are not always the lucky ones.
    fn ours(&self, subject: Subject, pages: &mut Option<String>) -> Result<Vec<Cell>, Failure> {
        let (mut connected, connected_pages) = self.second.connect(subject.mode, self.plan.huge_pages)?;
        *pages = Some(connected_pages);
        let budget = self.plan.budget();
        let mut cells = Vec::new();
        for &size in &self.plan.sizes {
            let trips = Some(connected.trips(size, budget, self.clock)?);
            let flow = Some(connected.stream(size, budget)?);
            cells.push(Cell { size, trips, flow });
        }
        connected.close()?;
        Ok(cells)
    }

    /// One of the system's mechanisms, anew for each size; what cannot be had is noted.
    fn carry(&self, mechanism: Mechanism, size: usize, measured: &mut Measured) -> Result<Cell, Failure> {
        let mut connected = match self.second.carry(mechanism, size) {
            Ok(connected) => connected,
            Err(unopened) => return measured.without(mechanism, size, unopened),
        };
        let budget = self.plan.budget();
        let trips = Some(connected.trips(size, budget, self.clock)?);
        let flow = if mechanism.streams() { Some(connected.stream(size, budget)?) } else { None };
        connected.close()?;
        Ok(Cell { size, trips, flow })
    }

    /// The classic design, in the same way.
    fn exchange(&self, mechanism: Mechanism, size: usize, measured: &mut Measured) -> Result<Cell, Failure> {
        let mut exchanging = match self.second.exchange(mechanism, size) {
            Ok(exchanging) => exchanging,
            Err(unopened) => return measured.without(mechanism, size, unopened),
        };
        let trips = Some(exchanging.trips(size, self.plan.budget(), self.clock)?);
        exchanging.close()?;
        Ok(Cell { size, trips, flow: None })
    }

    /// A new connection in every round here, too.
    fn calls(&self, subject: Subject) -> Result<Vec<Cell>, Failure> {
        let mut calling = self.second.call(subject.mechanism, subject.mode, self.plan.huge_pages)?;
        let budget = self.plan.budget();
        let mut cells = Vec::new();
        for &size in &self.plan.call_sizes {
            let trips = Some(calling.trips(size, budget, self.clock)?);
            cells.push(Cell { size, trips, flow: None });
        }
        calling.close()?;
        Ok(cells)
    }
}
