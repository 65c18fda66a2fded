//! The whole screen: a heading, the connections, and all about one of them.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::{Order, detail, table};
use crate::seen;
use crate::seen::rates::Rated;

/// What is shown.
#[derive(Debug, Default)]
pub(super) struct Screen {
    pub(super) rows: Vec<Rated>,
    pub(super) processes: usize,
    pub(super) order: Order,
    pub(super) interval: Duration,
    /// The one endpoint that is shown, if not all are.
    name: Option<String>,
    /// What could not be seen, and how many connections.
    pub(super) fault: Option<String>,
    pub(super) unlisted: u64,
    /// The connection of which all is shown.
    selected: usize,
}

impl Screen {
    pub(super) fn new(name: Option<&str>, interval: Duration) -> Self {
        Self { interval, name: name.map(str::to_owned), ..Self::default() }
    }

    /// Goes to another connection.
    pub(super) fn select(&mut self, by: isize) {
        let last = self.rows.len().saturating_sub(1);
        self.selected = self.selected.min(last).saturating_add_signed(by).min(last);
    }

    /// As text, where there is no terminal: every connection, and all about the first; no keys, which nobody could press.
    pub(super) fn printed(&self, width: u16) -> String {
        let connections = u16::try_from(self.rows.len()).unwrap_or(u16::MAX - 64);
        let body = if self.rows.is_empty() { HINTS.len() as u16 + 1 } else { connections + 1 + detail::HEIGHT };
        let text = super::text_of(self, Rect::new(0, 0, width, HEADING + body + FOOT));
        text.trim_end().trim_end_matches(KEYS).trim_end().to_owned() + "\n"
    }

    fn heading(&self) -> Line<'_> {
        let plural = |number: usize, word: &str, more: &str| match number {
            1 => format!("1 {word}"),
            _ => format!("{number} {more}"),
        };
        let (connections, processes) = (self.rows.len(), self.processes);
        let connections = plural(connections, "connection", "connections");
        let processes = plural(processes, "monitored process", "monitored processes");
        let every = humantime::format_duration(self.interval);
        Line::from(vec![
            Span::styled("twinring top", Style::new().bold()),
            Span::raw(format!("  {connections} of {processes}, every {every}, by {}", self.order.word())),
        ])
    }

    fn foot(&self) -> Line<'_> {
        let unlisted = self.unlisted;
        match &self.fault {
            Some(fault) => Line::from(fault.as_str()).yellow(),
            None if unlisted > 0 => Line::from(format!("{unlisted} connections found no room to be shown")).yellow(),
            None => Line::from(KEYS).dim(),
        }
    }

    /// What is said where there is no connection.
    fn nothing(&self) -> String {
        match &self.name {
            Some(name) => format!("Nothing to see: no monitored process has a connection of {name}."),
            None => format!("Nothing to see: {}.", seen::NOBODY),
        }
    }
}

const HEADING: u16 = 2;
const FOOT: u16 = 2;

const KEYS: &str = "q quit   ↑ ↓ choose a connection   s sort by another column";

const HINTS: [&str; 2] = [
    "A program is seen from its Monitor::start() on, a service that is `monitored`,",
    "and `echo`, `serve`, `ping`, `listen` and `connect` with --monitor.",
];

impl Widget for &Screen {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let height = if self.rows.is_empty() { 0 } else { detail::HEIGHT.min(area.height / 2 + 1) };
        let parts =
            [Constraint::Length(HEADING), Constraint::Min(2), Constraint::Length(height), Constraint::Length(FOOT)];
        let [heading, list, chosen, foot] = Layout::vertical(parts).areas(area);
        self.heading().render(heading, buffer);
        if self.rows.is_empty() {
            let lines = std::iter::once(self.nothing()).chain(HINTS.map(str::to_owned));
            for (line, row) in lines.zip(list.rows()) {
                Line::from(line).render(row, buffer);
            }
        }
        let selected = self.selected.min(self.rows.len().saturating_sub(1));
        if let Some(row) = self.rows.get(selected) {
            table::render(&self.rows, selected, list, buffer);
            detail::render(row, chosen, buffer);
        }
        if let Some(last) = foot.rows().next_back() {
            self.foot().render(last, buffer);
        }
    }
}
