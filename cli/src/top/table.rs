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

/// The narrowest terminal that shows all of it has 80 columns; a wider one gives its room to the names.
const WIDTHS: [Constraint; 9] = [
    Constraint::Fill(1),
    Constraint::Fill(1),
    Constraint::Fill(1),
    Constraint::Length(6),
    Constraint::Length(6),
    Constraint::Length(9),
    Constraint::Length(4),
    Constraint::Length(5),
    Constraint::Length(7),
];

/// What the columns of numbers and the gaps leave of a line, for three names.
fn name_width(area: Rect) -> usize {
    const NUMBERS: u16 = 6 + 6 + 9 + 4 + 5 + 7 + 8;
    usize::from(area.width.saturating_sub(NUMBERS) / 3)
}

/// Draws them, as many as there is room for around the chosen one.
pub(super) fn render(rows: &[Rated], selected: usize, area: Rect, buffer: &mut Buffer) {
    let width = name_width(area);
    let header = HEADER.iter().enumerate().map(|(number, text)| aligned(number, (*text).to_owned()));
    let table = Table::new(rows.iter().map(|row| line(row, width)), WIDTHS)
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

fn line(row: &Rated, width: usize) -> Row<'static> {
    let texts = cells(row, width);
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

fn cells(row: &Rated, width: usize) -> [String; 9] {
    let connection = &row.seen.connection;
    let endpoint = if connection.endpoint.is_empty() { "-" } else { &connection.endpoint };
    let calls = match (connection.session, connection.in_flight) {
        (None, _) => "-".to_owned(),
        (Some(_), None) => "·".to_owned(),
        (Some(_), Some(calls)) => calls.to_string(),
    };
    let latency = row.latency.map_or_else(|| "-".to_owned(), |latency| units::time(latency.p99_nanos as f64));
    [
        shortened(endpoint, width),
        row.seen.side(false, width),
        row.seen.side(true, width),
        units::amount(row.sent),
        units::amount(row.received),
        units::bytes(row.bytes_sent + row.bytes_received),
        format!("{:.0}%", row.fullness() * 100.0),
        calls,
        latency,
    ]
}
