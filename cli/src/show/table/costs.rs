//! What a mechanism costs besides time: a line for each mechanism and mode.

use comfy_table::{Row as Line, Table};

use super::{cells, drawn, name};
use crate::measure::summary::Row;
use crate::show::{costs, units};

/// The words of this table that need some.
pub const LEGEND: &str = "\
memory        that both processes hold for it, without what the kernel keeps; set-up: from the wish to
              talk until both sides could
";

const HEADING: &str = "\nWhat it costs\n\n";

/// The table with its heading, or nothing.
pub fn section(rows: &[Row]) -> String {
    let costly = costs::of(rows);
    if costly.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.set_header(Line::from(["", "payload", "cpu a trip", "system calls a trip", "memory", "set-up"]));
    for cost in costly {
        table.add_row(cells([
            Some(name(cost.mechanism, cost.mode).to_owned()),
            cost.payload.map(units::size),
            cost.cpu.map(units::time),
            cost.system_calls.map(units::count),
            cost.memory.map(units::memory),
            cost.set_up.map(units::time),
        ]));
    }
    format!("{HEADING}{}", drawn(table))
}
