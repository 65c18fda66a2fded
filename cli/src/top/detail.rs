//! All about one connection.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Stylize;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph, Widget};

use crate::seen::Seen;
use crate::seen::rates::Rated;
use crate::seen::shortened;
use crate::show::units;

/// Lines, with the rule above them.
pub(super) const HEIGHT: u16 = 9;

/// Draws it.
pub(super) fn render(row: &Rated, area: Rect, buffer: &mut Buffer) {
    let title = format!(" {} ", shortened(&title(&row.seen), usize::from(area.width.saturating_sub(4))));
    let block = Block::new().borders(Borders::TOP).title(title);
    Paragraph::new(lines(row)).block(block).render(area, buffer);
}

fn title(seen: &Seen) -> String {
    let connection = &seen.connection;
    let user = connection.peer.uid.map_or_else(|| "?".to_owned(), |uid| uid.to_string());
    let side = connection.side.map_or_else(|| "?".to_owned(), |side| side.to_string());
    let endpoint = if connection.endpoint.is_empty() { "no endpoint" } else { &connection.endpoint };
    let (own, peer) = (seen.side(false, 18), seen.side(true, 18));
    format!("{}: {own} {side} {peer} of user {user}", shortened(endpoint, 20))
}

fn lines(row: &Rated) -> Vec<Line<'static>> {
    let connection = &row.seen.connection;
    let (sender, receiver) = (connection.sender, connection.receiver);
    let way = |messages: u64, bytes: u64, rate: f64, speed: f64| {
        let (messages, bytes) = (units::total(messages), units::memory(bytes));
        format!("{messages:>6} messages  {bytes:>9}   {:>9}  {:>9}", units::rate(rate), units::throughput(speed))
    };
    let doorbell = |sleeps: u64, wakes: u64| {
        format!("slept {:>6}  woke the peer {:>6}", units::total(sleeps), units::total(wakes))
    };
    let both = format!("   both: {} and {}", units::rate(row.sleeps), units::rate(row.wakes));
    vec![
        labelled("sent", way(sender.messages, sender.bytes, row.sent, row.bytes_sent)),
        labelled("received", way(receiver.messages, receiver.bytes, row.received, row.bytes_received)),
        labelled("ring", ring(row)),
        labelled("sending", doorbell(sender.sleeps, sender.wakes)),
        labelled("receiving", doorbell(receiver.sleeps, receiver.wakes) + &both),
        labelled("calls", calls(row)),
        labelled("latency", latency(row)),
    ]
}

fn labelled(label: &'static str, text: String) -> Line<'static> {
    Line::from(vec![Span::raw(format!("{label:<10}")).dim(), Span::raw(text)])
}

/// Cells of the bar that shows how full the ring is.
const BAR: usize = 20;

fn ring(row: &Rated) -> String {
    let connection = &row.seen.connection;
    let filled = (row.fullness() * BAR as f64).ceil() as usize;
    let bar: String = (0..BAR).map(|cell| if cell < filled { '█' } else { '░' }).collect();
    let (occupied, ring) = (units::memory(connection.occupied), units::memory(connection.ring));
    let full = units::total(connection.sender.times_full);
    format!("{bar} {occupied} of {ring}, full {full} times, {}", units::rate(row.full))
}

fn calls(row: &Rated) -> String {
    let Some(counted) = row.seen.connection.session else { return "no session".to_owned() };
    let in_flight = row.seen.connection.in_flight.map_or_else(String::new, |calls| format!("  {calls} in flight"));
    format!(
        "{} made {}{in_flight}  {} served {}  events {} out {} in",
        units::total(counted.calls),
        units::rate(row.calls),
        units::total(counted.served),
        units::rate(row.served),
        units::total(counted.events),
        units::total(counted.events_taken),
    )
}

fn latency(row: &Rated) -> String {
    let Some(latency) = row.latency else { return "not recorded".to_owned() };
    let time = |nanos: u64| units::time(nanos as f64);
    format!(
        "p50 {}  p90 {}  p99 {}  p99.9 {}  max {}",
        time(latency.p50_nanos),
        time(latency.p90_nanos),
        time(latency.p99_nanos),
        time(latency.p999_nanos),
        time(latency.max_nanos),
    )
}
