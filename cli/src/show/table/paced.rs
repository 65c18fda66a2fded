//! What was measured at a fixed rate: a line for each mechanism, mode, payload and rate.

use comfy_table::{Row as Line, Table};

use super::{cells, drawn, name};
use crate::measure::summary::{Percentiles, Row};
use crate::show::units;

/// The words of this table that need some.
pub const LEGEND: &str = "\
at a rate     each message due at a time of its own, from which it counts, one way and the whole trip;
              without a trip: messages that nobody answers
";

const HEADING: &str = "\nAt a fixed rate\n\n";

/// The table with its heading, or nothing.
pub fn section(rows: &[Row]) -> String {
    let mut paced = rows.iter().filter(|row| row.pace.is_some()).peekable();
    if paced.peek().is_none() {
        return String::new();
    }
    let mut table = Table::new();
    table.set_header(header());
    let mut before = None;
    for row in paced {
        let group = (row.mechanism, row.mode);
        table.add_row(line(row, before != Some(group)));
        before = Some(group);
    }
    format!("{HEADING}{}", drawn(table))
}

fn header() -> Line {
    Line::from(["", "payload", "rate", "one way p50", "p99", "trip p50", "p99", "p99.9", "cpu a trip"])
}

fn line(row: &Row, opens: bool) -> Line {
    let one_way = |part: fn(Percentiles) -> f64| row.one_way.map(|way| units::time(part(way)));
    let trip = |part: fn(Percentiles) -> f64| row.trip.map(|trip| units::time(part(trip)));
    cells([
        opens.then(|| name(row.mechanism, row.mode).to_owned()),
        Some(units::size(row.payload)),
        row.pace.map(units::pace),
        one_way(|way| way.p50),
        one_way(|way| way.p99),
        trip(|trip| trip.p50),
        trip(|trip| trip.p99),
        trip(|trip| trip.p999),
        row.cpu.map(units::time),
    ])
}
