//! What a mechanism costs besides time, gathered from its rows.

use crate::measure::plan::{Mechanism, Mode};
use crate::measure::summary::Row;

/// What one mechanism in one mode costs. What was not measured is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Which.
    pub mechanism: Mechanism,
    /// How it waited.
    pub mode: Mode,
    /// With which payload the trips were made whose time and system calls were counted.
    pub payload: Option<usize>,
    /// Processor time of both processes for each round trip, in nanoseconds.
    pub cpu: Option<f64>,
    /// System calls of both processes for each round trip.
    pub system_calls: Option<f64>,
    /// Memory that both processes hold for it, in bytes.
    pub memory: Option<u64>,
    /// From the wish to talk until both sides could, in nanoseconds.
    pub set_up: Option<f64>,
}

/// A line for each mechanism and mode of which any cost is known, in the order of the rows.
pub fn of(rows: &[Row]) -> Vec<Cost> {
    let mut costs: Vec<Cost> = Vec::new();
    for row in rows.iter().filter(|row| row.pace.is_none()) {
        match costs.iter_mut().find(|cost| (cost.mechanism, cost.mode) == (row.mechanism, row.mode)) {
            Some(cost) => cost.take(row),
            None => costs.push(Cost::first(row)),
        }
    }
    costs.retain(Cost::says_anything);
    costs
}

impl Cost {
    fn first(row: &Row) -> Self {
        let (mechanism, mode) = (row.mechanism, row.mode);
        let mut cost =
            Self { mechanism, mode, payload: None, cpu: None, system_calls: None, memory: None, set_up: None };
        cost.take(row);
        cost
    }

    /// The first row that knows something of a trip says all of it: processor time grows with the payload.
    fn take(&mut self, row: &Row) {
        if self.payload.is_none() && (row.cpu.is_some() || row.system_calls.is_some()) {
            (self.payload, self.cpu, self.system_calls) = (Some(row.payload), row.cpu, row.system_calls);
        }
        self.memory = self.memory.or(row.memory);
        self.set_up = self.set_up.or(row.set_up);
    }

    fn says_anything(&self) -> bool {
        self.payload.is_some() || self.memory.is_some() || self.set_up.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(payload: usize, cpu: Option<f64>, memory: Option<u64>) -> Row {
        Row { cpu, memory, ..Row::unmeasured(Mechanism::Pipe, Mode::Park, payload) }
    }

    #[test]
    fn a_line_gathers_what_the_rows_of_a_mechanism_know_of_it() {
        let costs = of(&[row(8, None, Some(7)), row(64, Some(1.5), None), row(256, Some(9.0), Some(8))]);
        assert_eq!(costs.len(), 1);
        assert_eq!((costs[0].payload, costs[0].cpu, costs[0].memory), (Some(64), Some(1.5), Some(7)));
    }

    #[test]
    fn a_rate_is_no_cost_and_nothing_known_is_no_line() {
        let paced = Row { pace: Some(100), ..row(8, Some(1.0), None) };
        assert_eq!(of(&[row(8, None, None), paced]), []);
    }
}
