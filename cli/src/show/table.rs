//! The tables: what was measured back to back, what at a fixed rate, and what it costs.

mod costs;
mod paced;

use comfy_table::{Cell, CellAlignment, LineStyle, Row as Line, Table, TableStyle};

use super::{notes, units};
use crate::bench::Report;
use crate::measure::plan::{Mechanism, Mode};
use crate::measure::summary::Row;

/// A run on a page: heading, tables, legend, notes.
pub fn page(report: &Report) -> String {
    let rows = &report.rows;
    let (main, paced, costs) = (table(rows), paced::section(rows), costs::section(rows));
    let words = |of: &str, section: &str| if section.is_empty() { String::new() } else { of.to_owned() };
    let (at_a_rate, cost) = (words(paced::LEGEND, &paced), words(costs::LEGEND, &costs));
    format!("{HEADING}{main}{paced}{costs}{LEGEND}{at_a_rate}{cost}{}", noted(&notes::of(report)))
}

const HEADING: &str = "\nTwo processes, messages through shared memory\n\n";

const LEGEND: &str = "
p50 to p99.9  of a round trip: send, the peer's receive and reply, receive; every byte compared
calls         the same of one call: request, the peer's handler, reply; by sessions of one thread
              (shared: by the form for many threads)
× floor       p50 by the walking floor of the same rounds: 8 bytes stored and polled each way
messages      a second, one way, copied out, numbers checked (every byte in a stretch before);
              calls one after the other
±             the round farthest from the median one
";

/// The width of a page.
const WIDTH: usize = 100;

/// Where the text of legend and notes begins.
const INDENT: usize = 14;

/// The notes, one below the other, beside the text of the legend.
fn noted(notes: &[String]) -> String {
    let lines = notes.iter().flat_map(|note| wrapped(note, WIDTH - INDENT)).enumerate();
    let indented = |(number, line)| format!("{:<INDENT$}{line}\n", if number == 0 { "measured on" } else { "" });
    lines.map(indented).collect()
}

/// Breaks a text between words; what continues a line is indented.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(format!("  {word}"));
        } else if let Some(last) = lines.last_mut() {
            last.push_str(if line > 0 { " " } else { "" });
            last.push_str(word);
        }
    }
    lines
}

const LINES: TableStyle = TableStyle::new()
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .bottom_border(LineStyle::none().fill('─').junction('─'));

/// One line for each way of waiting and payload.
fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.set_header(header());
    let mut before = None;
    // What could not be measured is told below; what came at a pace has a table of its own.
    for row in rows.iter().filter(|row| row.pace.is_none() && (row.trip.is_some() || row.rate.is_some())) {
        let group = (row.mechanism, row.mode);
        let opens = before != Some(group);
        if opens && before.is_some() && !stands_alone(row.mechanism) {
            table.add_row(Line::from([""]));
        }
        table.add_row(line(row, opens));
        before = Some(group);
    }
    drawn(table)
}

/// A table as all of them look: names to the left, numbers to the right.
fn drawn(mut table: Table) -> String {
    table.load_style(LINES);
    for column in table.column_iter_mut() {
        column.set_padding((0, 1));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// A line of what is there.
fn cells<const N: usize>(cells: [Option<String>; N]) -> Line {
    Line::from(cells.map(|cell| Cell::new(cell.unwrap_or_default())))
}

/// Whether a mechanism has one line, which belongs to what stands above it.
fn stands_alone(mechanism: Mechanism) -> bool {
    matches!(mechanism, Mechanism::Futex | Mechanism::Memcpy)
}

fn header() -> Line {
    Line::from(["", "payload", "p50", "p99", "p99.9", "× floor", "±", "messages", "bytes", "±"])
}

fn line(row: &Row, opens: bool) -> Line {
    let trip = row.trip;
    let time = |value: Option<f64>| value.map(units::time);
    cells([
        opens.then(|| name(row.mechanism, row.mode).to_owned()),
        Some(units::size(row.payload)),
        time(trip.map(|trip| trip.p50)),
        time(trip.map(|trip| trip.p99)),
        time(trip.map(|trip| trip.p999)),
        row.ratio().map(|ratio| format!("{ratio:.2}")),
        trip.and_then(|trip| trip.spread).map(units::spread),
        row.rate.map(units::rate),
        row.bytes_per_second().map(units::throughput),
        row.rate_spread.map(units::spread),
    ])
}

/// What a line is called: ours by how it waits.
pub fn name(mechanism: Mechanism, mode: Mode) -> &'static str {
    match mechanism {
        Mechanism::Floor => "walking floor",
        Mechanism::Twinring => mode.word(),
        Mechanism::TwinringCall => match mode {
            Mode::Spin => "calls, spinning",
            Mode::Adaptive => "calls, adaptive",
            Mode::Park => "calls, parked",
        },
        Mechanism::TwinringCallShared => match mode {
            Mode::Spin => "shared, spinning",
            Mode::Adaptive => "shared, adaptive",
            Mode::Park => "shared, parked",
        },
        Mechanism::Futex => "bare futex",
        Mechanism::RtrbThreads => "rtrb, threads",
        Mechanism::Memcpy => "memcpy",
        Mechanism::SemaphoreSysv => "semaphores, SysV",
        Mechanism::SemaphorePosix => "semaphores, POSIX",
        Mechanism::Pipe => "pipe",
        Mechanism::UnixStream => "Unix stream",
        Mechanism::UnixSeqpacket => "Unix seqpacket",
        Mechanism::Tcp => "TCP, loopback",
        Mechanism::MqPosix => "POSIX queue",
        Mechanism::MqSysv => "System V queue",
        Mechanism::Eventfd => "eventfd",
        Mechanism::Signal => "signal",
        Mechanism::Iceoryx2 => of_rival(mode, "iceoryx2, spinning", "iceoryx2, parked"),
        Mechanism::Iceoryx2Call => of_rival(mode, "iceoryx2 calls, spinning", "iceoryx2 calls, parked"),
        Mechanism::Iceoryx2Event => of_rival(mode, "iceoryx2 event, spinning", "iceoryx2 event, parked"),
        Mechanism::ShmemIpc => of_rival(mode, "shmem-ipc, spinning", "shmem-ipc, parked"),
        Mechanism::IpcChannel => of_rival(mode, "ipc-channel, spinning", "ipc-channel, parked"),
        Mechanism::Ringfire => of_rival(mode, "ringfire, spinning", "ringfire, parked"),
        Mechanism::IpcRing => of_rival(mode, "ipc_ring, spinning", "ipc_ring, parked"),
        Mechanism::Tachyon => of_rival(mode, "Tachyon, spinning", "Tachyon, parked"),
        Mechanism::TachyonCall => of_rival(mode, "Tachyon calls, spinning", "Tachyon calls, parked"),
        Mechanism::Libqb => of_rival(mode, "libqb calls, spinning", "libqb calls, parked"),
        Mechanism::Aeron => of_rival(mode, "Aeron, spinning", "Aeron, parked"),
    }
}

/// Other libraries have two ways of waiting at most.
fn of_rival(mode: Mode, spinning: &'static str, parked: &'static str) -> &'static str {
    if mode == Mode::Spin { spinning } else { parked }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_notes_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "  three"]);
        assert_eq!(wrapped("one", 2), ["one"]);
        assert!(noted(&["word ".repeat(80)]).lines().all(|line| line.chars().count() <= WIDTH));
    }
}
