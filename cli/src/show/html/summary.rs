//! The few numbers that a reader came for.

use maud::{Markup, html};

use crate::bench::Report;
use crate::measure::plan::{Mechanism, Mode};
use crate::measure::summary::Row;
use crate::show::units;

/// A number, what it is, and what it is to be held against.
struct Tile {
    value: String,
    what: String,
    beside: String,
}

/// As many of them as were measured.
pub fn section(report: &Report) -> Markup {
    let rows: Vec<&Row> = report.rows.iter().filter(|row| row.pace.is_none()).collect();
    let tiles = [spinning(&rows), called(&rows), parked(&rows), messages(&rows), bytes(&rows)];
    let tiles: Vec<Tile> = tiles.into_iter().flatten().collect();
    html! {
        @if !tiles.is_empty() {
            dl class="tiles" {
                @for tile in tiles {
                    div { dt { (tile.what) } dd { strong { (tile.value) } small { (tile.beside) } } }
                }
            }
        }
    }
}

/// The row of the smallest payload.
fn first<'a>(rows: &[&'a Row], mechanism: Mechanism, mode: Mode) -> Option<&'a Row> {
    let chosen = rows.iter().copied().filter(|row| (row.mechanism, row.mode) == (mechanism, mode));
    chosen.min_by_key(|row| row.payload)
}

fn median(row: &Row) -> Option<f64> {
    row.trip.map(|trip| trip.p50)
}

fn spinning(rows: &[&Row]) -> Option<Tile> {
    let row = first(rows, Mechanism::Twinring, Mode::Spin)?;
    trip(row, "round trip", floors(row))
}

fn called(rows: &[&Row]) -> Option<Tile> {
    let row = first(rows, Mechanism::TwinringCall, Mode::Spin)?;
    trip(row, "call and reply", floors(row))
}

fn parked(rows: &[&Row]) -> Option<Tile> {
    let row = first(rows, Mechanism::Twinring, Mode::Park)?;
    let futex = first(rows, Mechanism::Futex, Mode::Park).and_then(median).filter(|&futex| futex > 0.0);
    let beside = median(row).zip(futex).map(|(trip, futex)| format!("{:.2} × the bare futex", trip / futex));
    trip(row, "round trip, parked", beside)
}

fn floors(row: &Row) -> Option<String> {
    row.ratio().map(|ratio| format!("{ratio:.2} × the floor"))
}

fn trip(row: &Row, what: &str, beside: Option<String>) -> Option<Tile> {
    let what = format!("{what}, {}", units::size(row.payload));
    Some(Tile { value: units::time(median(row)?), what, beside: beside.unwrap_or_default() })
}

/// Ours that streams the most, by `value`.
fn best<'a>(rows: &[&'a Row], value: fn(&Row) -> Option<f64>) -> Option<(&'a Row, f64)> {
    let ours = rows.iter().copied().filter(|row| row.mechanism == Mechanism::Twinring);
    let known = ours.filter_map(|row| Some((row, value(row)?)));
    known.max_by(|(_, one), (_, other)| one.total_cmp(other))
}

fn messages(rows: &[&Row]) -> Option<Tile> {
    let (row, rate) = best(rows, |row| row.rate)?;
    Some(stream(row, units::rate(rate), "messages a second"))
}

fn bytes(rows: &[&Row]) -> Option<Tile> {
    let (row, rate) = best(rows, Row::bytes_per_second)?;
    Some(stream(row, units::throughput(rate), "bytes a second"))
}

fn stream(row: &Row, value: String, what: &str) -> Tile {
    Tile { value, what: what.to_owned(), beside: format!("in messages of {}", units::size(row.payload)) }
}
