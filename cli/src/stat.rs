//! `twinring stat`: what the connections of monitored processes have counted.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table};

use crate::failure::{Context, Failure};
use crate::seen::latency::Quantiles;
use crate::seen::line::Line;
use crate::seen::{self, Seen, Watcher, shortened};
use crate::show::units;

/// Prints what was counted by now.
///
/// # Errors
///
/// If the monitors cannot be listed, or nobody shows a connection of the endpoint that was named.
pub fn run(name: Option<&str>, json: bool) -> Result<(), Failure> {
    let mut watcher = Watcher::default();
    let seen = watcher.look(name)?;
    watcher.faults.iter().for_each(|fault| eprintln!("twinring: {fault}"));
    match name {
        Some(name) if seen.is_empty() => return Err(seen::nobody_at(name)),
        None if seen.is_empty() => eprintln!("twinring: {}: see `twinring stat --help`", seen::NOBODY),
        _ => {}
    }
    let written = if json { write_json(seen) } else { write_table(&seen) };
    written.while_doing(|| "could not write to standard output".to_owned())
}

fn write_json(seen: Vec<Seen>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in seen.into_iter().map(Line::from) {
        writeln!(out, "{}", serde_json::to_string(&line)?)?;
    }
    out.flush()
}

const COLUMNS: [&str; 11] =
    ["ENDPOINT", "PROCESS", "PEER", "SENT", "RECEIVED", "RING", "FULL", "SLEEPS", "WAKES", "CALLS", "P99"];

/// The first of the columns with numbers.
const NUMBERS: usize = 3;

fn write_table(seen: &[Seen]) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::TableStyle::new());
    table.set_header(COLUMNS);
    for seen in seen {
        table.add_row(cells(seen).map(Cell::new));
    }
    for (number, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        if number >= NUMBERS {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut out = io::stdout().lock();
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()
}

fn cells(seen: &Seen) -> [String; 11] {
    let connection = &seen.connection;
    let (sender, receiver) = (connection.sender, connection.receiver);
    let session = connection.session;
    let latency = connection.latency.as_ref().and_then(Quantiles::of);
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        shortened(if connection.endpoint.is_empty() { "-" } else { &connection.endpoint }, 14),
        seen.side(false, 14),
        seen.side(true, 14),
        units::total(sender.messages),
        units::total(receiver.messages),
        units::memory(connection.occupied),
        units::total(sender.times_full),
        units::total(sender.sleeps.saturating_add(receiver.sleeps)),
        units::total(sender.wakes.saturating_add(receiver.wakes)),
        or_dash(session.map(|counted| units::total(counted.calls.saturating_add(counted.served)))),
        or_dash(latency.map(|latency| units::time(latency.p99_nanos as f64))),
    ]
}
