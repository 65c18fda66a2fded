//! What remains of many rounds: a row for each cell.

use hdrhistogram::Histogram;

use super::cells::Cell;
use super::clock::histogram;
use super::plan::{Mechanism, Mode, Offer, Subject, Task};
use super::rounds::{Measured, Round};

/// One line of a result. What was not measured is `None`.
#[derive(Clone, Debug)]
pub struct Row {
    /// What carried.
    pub mechanism: Mechanism,
    /// How it waited.
    pub mode: Mode,
    /// The payload, in bytes.
    pub payload: usize,
    /// Percentiles of a round trip in nanoseconds: each the median over rounds.
    pub trip: Option<Percentiles>,
    /// The floor of the same rounds, in nanoseconds.
    pub floor: Option<f64>,
    /// Messages per second, or calls one after the other: the median over rounds.
    pub rate: Option<f64>,
    /// By how much the rounds' rates differ, if there is more than one.
    pub rate_spread: Option<f64>,
    /// Messages a second that were offered, each at its own time; `None` if each followed the one before.
    pub pace: Option<u32>,
    /// Percentiles of one way, from the time at which a message was due, in nanoseconds; only at a pace.
    pub one_way: Option<Percentiles>,
    /// Of the round trips of all rounds together: parts of them, rising to 1, and the nanoseconds that they did not exceed.
    pub curve: Vec<(f64, f64)>,
    /// Processor time of both processes for each round trip, in nanoseconds.
    pub cpu: Option<f64>,
    /// System calls of both processes for each round trip.
    pub system_calls: Option<f64>,
    /// From the wish to talk until both sides could, in nanoseconds.
    pub set_up: Option<f64>,
    /// Memory that both processes hold for it, in bytes.
    pub memory: Option<u64>,
}

/// A distribution, summed up.
#[derive(Clone, Copy, Debug)]
pub struct Percentiles {
    /// The median.
    pub p50: f64,
    /// What 1 in 100 exceeds.
    pub p99: f64,
    /// What 1 in 1,000 exceeds.
    pub p999: f64,
    /// What 1 in 10,000 exceeds, of all rounds together; `None` if there were too few to say.
    pub p9999: Option<f64>,
    /// By how much the rounds' medians differ from their median, at most: 0.05 is 5 %. `None` of a single round.
    pub spread: Option<f64>,
}

impl Row {
    /// How many times the floor of the same rounds the median round trip took.
    pub fn ratio(&self) -> Option<f64> {
        // A copy is no round trip.
        let comparable = self.mechanism != Mechanism::Memcpy;
        self.trip.zip(self.floor).filter(|_| comparable).map(|(trip, floor)| trip.p50 / floor)
    }

    /// Bytes of payload per second.
    pub fn bytes_per_second(&self) -> Option<f64> {
        self.rate.map(|rate| rate * self.payload as f64)
    }
}

#[cfg(test)]
impl Row {
    /// A row of which nothing is known.
    pub fn unmeasured(mechanism: Mechanism, mode: Mode, payload: usize) -> Self {
        Self {
            mechanism,
            mode,
            payload,
            trip: None,
            floor: None,
            rate: None,
            rate_spread: None,
            pace: None,
            one_way: None,
            curve: Vec::new(),
            cpu: None,
            system_calls: None,
            set_up: None,
            memory: None,
        }
    }
}

/// The rows of a run, in the order in which they were first measured.
pub fn rows(measured: &Measured) -> Vec<Row> {
    let mut keys: Vec<(Subject, Task)> = Vec::new();
    for (subject, cell) in cells(&measured.rounds) {
        if !keys.contains(&(subject, cell.task)) {
            keys.push((subject, cell.task));
        }
    }
    keys.into_iter().map(|(subject, task)| row(measured, subject, task)).collect()
}

fn cells(rounds: &[Round]) -> impl Iterator<Item = (Subject, &Cell)> {
    rounds.iter().flat_map(|round| round.cells.iter().map(|cell| (round.subject, cell)))
}

fn row(measured: &Measured, subject: Subject, task: Task) -> Row {
    let of_subject: Vec<&Round> = measured.rounds.iter().filter(|round| round.subject == subject).collect();
    let steady: Vec<&Round> = of_subject.iter().copied().filter(|round| round.is_steady(measured.floor)).collect();
    // Rounds with a moved floor count only where there are no others; the run says how many there are.
    let rounds = if steady.is_empty() { of_subject } else { steady };
    let cells: Vec<&Cell> = rounds.iter().flat_map(|round| &round.cells).filter(|cell| cell.task == task).collect();
    let all =
        |figure: &dyn Fn(&Cell) -> Option<f64>| -> Vec<f64> { cells.iter().filter_map(|cell| figure(cell)).collect() };
    let rates = all(&|cell| rate(subject.mechanism, cell));
    let floors = rounds.iter().filter_map(|round| round.floor).map(|(before, after)| f64::midpoint(before, after));
    let trips: Vec<&Histogram<u64>> = cells.iter().filter_map(|cell| cell.trips.as_ref()).collect();
    let one_way: Vec<&Histogram<u64>> = cells.iter().filter_map(|cell| cell.one_way.as_ref()).collect();
    let memory = median(all(&|cell| cell.opening?.memory.map(|bytes| bytes as f64)));
    Row {
        mechanism: subject.mechanism,
        mode: subject.mode,
        payload: task.size,
        trip: percentiles(&trips),
        floor: median(floors.collect()),
        rate_spread: median(rates.clone()).and_then(|middle| spread(&rates, middle)),
        rate: median(rates),
        pace: task.offer.pace(),
        one_way: percentiles(&one_way),
        curve: curve(&trips),
        cpu: median(all(&|cell| cell.used)),
        system_calls: measured.system_calls(subject, task),
        set_up: median(all(&|cell| cell.opening.map(|opening| opening.time.as_nanos() as f64))),
        memory: memory.map(|bytes| bytes as u64),
    }
}

/// What flowed; or, of copies and calls, how many could follow each other.
fn rate(mechanism: Mechanism, cell: &Cell) -> Option<f64> {
    let one_by_one = mechanism == Mechanism::Memcpy || mechanism.is_called();
    match (&cell.trips, cell.flow) {
        (Some(trips), None) if one_by_one && cell.task.offer == Offer::AtOnce => Some(1e9 / trips.mean()),
        (_, flow) => flow.map(|flow| flow.rate()),
    }
}

/// So many values are needed of all rounds to say what 1 in 10,000 exceeds.
const ENOUGH: u64 = 10_000;

/// The medians over rounds; only the rarest times are of all rounds together.
fn percentiles(rounds: &[&Histogram<u64>]) -> Option<Percentiles> {
    let at =
        |quantile: f64| -> Vec<f64> { rounds.iter().map(|times| times.value_at_quantile(quantile) as f64).collect() };
    let p50 = median(at(0.5))?;
    let all = together(rounds);
    Some(Percentiles {
        p50,
        p99: median(at(0.99))?,
        p999: median(at(0.999))?,
        p9999: (all.len() >= ENOUGH).then(|| all.value_at_quantile(0.9999) as f64),
        spread: spread(&at(0.5), p50),
    })
}

fn together(rounds: &[&Histogram<u64>]) -> Histogram<u64> {
    let mut all = histogram();
    for times in rounds {
        all += *times;
    }
    all
}

/// Steps of a curve from one nine to the next.
const STEPS: i32 = 8;

/// The nanoseconds that parts of all times do not exceed, as far out as there are times.
fn curve(rounds: &[&Histogram<u64>]) -> Vec<(f64, f64)> {
    let all = together(rounds);
    let rest = |step: i32| 10_f64.powf(-f64::from(step) / f64::from(STEPS));
    let steps = (0..).map(rest).take_while(|rest| rest * all.len() as f64 >= 1.0);
    steps.map(|rest| (1.0 - rest, all.value_at_quantile(1.0 - rest) as f64)).collect()
}

/// The middle value, or the middle of the two middle ones.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = values[(values.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

/// By how much a value differs from `middle`, at most, as a part of it; one value alone says nothing of that.
fn spread(values: &[f64], middle: f64) -> Option<f64> {
    let farthest = values.iter().map(|value| (value / middle - 1.0).abs()).fold(0.0, f64::max);
    (values.len() > 1).then_some(farthest)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::measure::streams::Flow;

    const SPIN: Subject = Subject { mechanism: Mechanism::Twinring, mode: Mode::Spin };

    fn round(floor: f64, nanos: u64, messages: u64) -> Round {
        let mut trips = histogram();
        trips.saturating_record(nanos);
        let flow = Some(Flow { messages, elapsed: Duration::from_secs(1) });
        let cell = Cell { trips: Some(trips), flow, ..Cell::empty(Task { size: 8, offer: Offer::AtOnce }) };
        Round { subject: SPIN, floor: Some((floor, floor)), cells: vec![cell] }
    }

    fn only_row(rounds: Vec<Round>, floor: f64) -> Row {
        let measured = Measured { rounds, floor: Some(floor), ..Measured::default() };
        let mut rows = rows(&measured);
        assert_eq!(rows.len(), 1);
        rows.remove(0)
    }

    #[test]
    fn a_row_is_the_median_of_its_rounds() {
        let row = only_row(vec![round(100.0, 110, 7), round(100.0, 150, 9), round(100.0, 120, 8)], 100.0);
        assert_eq!((row.trip.map(|trip| trip.p50), row.ratio(), row.rate), (Some(120.0), Some(1.2), Some(8.0)));
        assert_eq!(row.rate_spread, Some(0.125));
    }

    #[test]
    fn rounds_whose_floor_moved_do_not_count_beside_others() {
        let row = only_row(vec![round(100.0, 110, 7), round(116.0, 900, 9)], 100.0);
        assert_eq!((row.trip.map(|trip| trip.p50), row.floor), (Some(110.0), Some(100.0)));
        let row = only_row(vec![round(116.0, 900, 9)], 100.0);
        assert_eq!(row.trip.map(|trip| trip.p50), Some(900.0));
    }

    #[test]
    fn what_one_in_ten_thousand_exceeds_is_of_all_rounds_together_and_needs_that_many() {
        let with = |count: u64| {
            let mut times = histogram();
            times.saturating_record_n(100, count - 1);
            times.saturating_record(5_000);
            times
        };
        let (few, many) = (with(9_999), with(5_000));
        assert_eq!(percentiles(&[&few]).and_then(|times| times.p9999), None);
        let rare = percentiles(&[&many, &many]).and_then(|times| times.p9999);
        assert!(rare > Some(4_900.0), "{rare:?}");
    }

    #[test]
    fn a_curve_rises_and_ends_where_the_times_do() {
        let mut times = histogram();
        (1..=1_000).for_each(|nanos| times.saturating_record(nanos));
        let curve = curve(&[&times]);
        assert!(curve.is_sorted_by(|one, next| one.0 < next.0 && one.1 <= next.1), "{curve:?}");
        let (part, last) = curve[curve.len() - 1];
        assert!(part > 0.998 && last >= 998.0, "{part} {last}");
        assert_eq!(super::curve(&[]), []);
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        assert_eq!(median(vec![3.0, 1.0]), Some(2.0));
        assert_eq!(median(Vec::new()), None);
    }
}
