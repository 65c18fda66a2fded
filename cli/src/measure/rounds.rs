//! Rounds: what is measured when, and what to do when the machine changes meanwhile.

use super::cells::{Cell, Lab};
use super::counting;
use super::leader::Unopened;
use super::plan::{Mechanism, Plan, Subject, Task};
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
    /// The system calls of a round trip, of each subject's smallest payload.
    pub system_calls: Vec<(Subject, Task, f64)>,
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
    let subjects = plan.subjects(placement.parallel());
    let mut measured = Measured::default();
    if plan.system_calls {
        // Before there is a second process: whoever traces waits for all of its own.
        measured.count_system_calls(plan, &subjects, placement);
    }
    let lab = Lab::new(plan, placement)?;
    measured.clock_cost = lab.clock_cost();
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
    /// The system calls of a round trip of that task, if they were counted.
    pub fn system_calls(&self, subject: Subject, task: Task) -> Option<f64> {
        let counted = self.system_calls.iter().find(|(of, which, _)| (*of, *which) == (subject, task));
        counted.map(|&(.., calls)| calls)
    }

    /// Counts what can be counted; what cannot is noted.
    fn count_system_calls(&mut self, plan: &Plan, subjects: &[Subject], placement: &Placement) {
        for &subject in subjects.iter().filter(|subject| subject.mechanism.is_between_processes()) {
            let Some(&task) = plan.tasks(subject.mechanism).first() else { continue };
            match counting::count(subject, task, placement) {
                Ok(calls) => self.system_calls.push((subject, task, calls)),
                Err(failure) => {
                    let why = format!("system calls were not counted: {failure}");
                    self.refusals.push(Refusal { mechanism: subject.mechanism, size: task.size, why });
                }
            }
        }
    }

    /// A cell without numbers, and a note of why that is so; the same thing is noted once.
    ///
    /// # Errors
    ///
    /// If nothing can be measured any more.
    pub fn without(&mut self, mechanism: Mechanism, task: Task, unopened: Unopened) -> Result<Cell, Failure> {
        let why = match unopened {
            Unopened::Refused(failure) => failure.to_string(),
            Unopened::Lost(failure) => return Err(failure),
        };
        let refusal = Refusal { mechanism, size: task.size, why };
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
        Ok(Cell::empty(task))
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
