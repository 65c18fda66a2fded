//! Every row, with every number that any of them has.

use maud::{Markup, html};

use super::subject::Subject;
use crate::measure::summary::Row;
use crate::show::units;

/// A column: its title, its value, and how that reads.
type Column = (&'static str, fn(&Row) -> Option<f64>, fn(f64) -> String);

const COLUMNS: [Column; 18] = [
    ("payload", |row| Some(row.payload as f64), |bytes| units::size(bytes as usize)),
    ("rate", |row| row.pace.map(f64::from), |pace| units::pace(pace as u32)),
    ("p50", |row| row.trip.map(|trip| trip.p50), units::time),
    ("p99", |row| row.trip.map(|trip| trip.p99), units::time),
    ("p99.9", |row| row.trip.map(|trip| trip.p999), units::time),
    ("p99.99", |row| row.trip.and_then(|trip| trip.p9999), units::time),
    ("× floor", Row::ratio, |ratio| format!("{ratio:.2}")),
    ("±", |row| row.trip.and_then(|trip| trip.spread), units::spread),
    ("messages", |row| row.rate, units::rate),
    ("bytes", Row::bytes_per_second, units::throughput),
    ("± ", |row| row.rate_spread, units::spread),
    ("one way p50", |row| row.one_way.map(|way| way.p50), units::time),
    ("one way p99", |row| row.one_way.map(|way| way.p99), units::time),
    ("cpu a trip", |row| row.cpu, units::time),
    ("system calls", |row| row.system_calls, units::count),
    ("memory", |row| row.memory.map(|bytes| bytes as f64), |bytes| units::memory(bytes as u64)),
    ("set-up", |row| row.set_up, units::time),
    ("floor", |row| row.floor, units::time),
];

/// The table: columns that say nothing are left out.
pub fn section(rows: &[Row]) -> Markup {
    let columns: Vec<Column> =
        COLUMNS.into_iter().filter(|column| rows.iter().any(|row| column.1(row).is_some())).collect();
    html! {
        figure id="rows" data-plot="rows" {
            figcaption {
                h2 { "All numbers" }
                p { "Medians over rounds; ± is the round farthest from them. " span class="script" { "A click on a heading sorts." } }
            }
            div class="scroll" {
                table class="sortable" {
                    thead { tr { th scope="col" { "mechanism" } @for (title, ..) in &columns { th scope="col" { (title) } } } }
                    tbody { @for row in rows { (line(row, &columns)) } }
                }
            }
        }
    }
}

fn line(row: &Row, columns: &[Column]) -> Markup {
    let subject = Subject::from(row);
    html! {
        tr class={ "series " (subject.class()) } {
            th scope="row" { (subject.name()) }
            @for (_, value, read) in columns {
                @match value(row) {
                    Some(value) => td data-value=(value) { (read(value)) },
                    None => td {},
                }
            }
        }
    }
}
