//! The connections, a line each.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Cell, Row, StatefulWidget, Table, TableState};

use crate::seen::rates::Rated;
use crate::seen::shortened;
use crate::show::units;

const HEADER: [&str; 9] = ["ENDPOINT", "PROCESS", "PEER", "OUT/s", "IN/s", "BYTES/s", "RING", "CALLS", "P99"];

/// Columns of numbers, from the fourth on.
const NUMBERS: [u16; 6] = [6, 6, 8, 4, 5, 7];

/// What numbers and gaps leave of a line is for three names: 80 columns are enough, a wider terminal shows longer ones.
fn widths(area: Rect) -> [u16; 9] {
    let gaps = HEADER.len() as u16 - 1;
    let names = area.width.saturating_sub(NUMBERS.iter().sum::<u16>() + gaps);
    let side = names * 3 / 8;
    let [a, b, c, d, e, f] = NUMBERS;
    [names - 2 * side, side, side, a, b, c, d, e, f]
}

/// Draws them, as many as there is room for around the chosen one.
pub(super) fn render(rows: &[Rated], selected: usize, area: Rect, buffer: &mut Buffer) {
    let widths = widths(area);
    let header = HEADER.iter().enumerate().map(|(number, text)| aligned(number, (*text).to_owned()));
    let table = Table::new(rows.iter().map(|row| line(row, widths)), widths.map(Constraint::Length))
        .header(Row::new(header).style(Style::new().bold().underlined()))
        .row_highlight_style(Style::new().reversed());
    let mut state = TableState::new().with_selected(selected);
    StatefulWidget::render(table, area, buffer, &mut state);
}

/// Names to the left, numbers to the right.
fn aligned(column: usize, text: String) -> Cell<'static> {
    let line = Line::from(text);
    Cell::new(Text::from(if column < 3 { line } else { line.right_aligned() }))
}

fn line(row: &Rated, widths: [u16; 9]) -> Row<'static> {
    let texts = cells(row, [widths[0], widths[1]].map(usize::from));
    let mut cells: Vec<_> = texts.into_iter().enumerate().map(|(number, text)| aligned(number, text)).collect();
    cells[6] = std::mem::take(&mut cells[6]).style(Style::new().fg(color(row.fullness())));
    Row::new(cells)
}

/// Calm, worth a look, and full soon.
fn color(fullness: f64) -> Color {
    match fullness {
        fullness if fullness < 0.5 => Color::Reset,
        fullness if fullness < 0.9 => Color::Yellow,
        _ => Color::Red,
    }
}

fn cells(row: &Rated, [name, side]: [usize; 2]) -> [String; 9] {
    let connection = &row.seen.connection;
    let endpoint = if connection.endpoint.is_empty() { "-" } else { &connection.endpoint };
    let calls = match (connection.session, connection.in_flight) {
        (None, _) => "-".to_owned(),
        (Some(_), None) => "·".to_owned(),
        (Some(_), Some(calls)) => calls.to_string(),
    };
    let latency = row.latency.map_or_else(|| "-".to_owned(), |latency| units::time(latency.p99_nanos as f64));
    [
        shortened(endpoint, name),
        row.seen.side(false, side),
        row.seen.side(true, side),
        units::amount(row.sent),
        units::amount(row.received),
        units::bytes(row.bytes_sent + row.bytes_received),
        format!("{:.0}%", row.fullness() * 100.0),
        calls,
        latency,
    ]
}
