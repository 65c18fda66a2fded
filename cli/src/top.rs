//! `twinring top`: what the connections of monitored processes do, live.

mod detail;
mod screen;
mod table;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::{DefaultTerminal, buffer::Buffer};

use crate::failure::{Context, Failure};
use crate::seen::rates::{Before, Rated};
use crate::seen::{self, Watcher};
use crate::show;
use screen::Screen;

/// The width of what is printed where there is no terminal.
const WIDTH: u16 = 80;

/// What connections are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    /// Messages a second, most first.
    #[default]
    Messages,
    /// Bytes a second, most first.
    Bytes,
    /// How full the ring is, fullest first.
    Ring,
    /// By the name of the endpoint, and then by process.
    Name,
}

impl Order {
    fn word(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Bytes => "bytes",
            Self::Ring => "ring",
            Self::Name => "name",
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Messages => Self::Bytes,
            Self::Bytes => Self::Ring,
            Self::Ring => Self::Name,
            Self::Name => Self::Messages,
        }
    }

    fn sort(self, rows: &mut [Rated]) {
        let name = |row: &Rated| (row.seen.connection.endpoint.clone(), row.seen.pid, row.seen.connection.id);
        rows.sort_by_key(name);
        let by = |value: fn(&Rated) -> f64| move |a: &Rated, b: &Rated| value(b).total_cmp(&value(a));
        match self {
            Self::Messages => rows.sort_by(by(Rated::messages)),
            Self::Bytes => rows.sort_by(by(|row| row.bytes_sent + row.bytes_received)),
            Self::Ring => rows.sort_by(by(Rated::fullness)),
            Self::Name => {}
        }
    }
}

/// What is watched, and what was found.
struct Top<'a> {
    name: Option<&'a str>,
    interval: Duration,
    watcher: Watcher,
    before: Before,
    screen: Screen,
}

/// Shows connections until it is told to stop; once, if standard output is no terminal.
///
/// # Errors
///
/// If the monitors cannot be listed, or the terminal not be used; without a terminal, if nobody shows a connection of the endpoint
/// that was named.
pub fn run(name: Option<&str>, interval: Duration) -> Result<(), Failure> {
    let screen = Screen::new(name, interval);
    let mut top = Top { name, interval, watcher: Watcher::default(), before: Before::default(), screen };
    top.look()?;
    if !std::io::stdout().is_terminal() {
        std::thread::sleep(interval);
        top.look_keeping_all()?;
        return match name {
            Some(name) if top.screen.rows.is_empty() => Err(seen::nobody_at(name)),
            _ => show::print(&top.screen.printed(WIDTH)),
        };
    }
    let terminal = ratatui::try_init().while_doing(|| "could not use the terminal".to_owned())?;
    let result = top.watch(terminal);
    ratatui::restore();
    result
}

impl Top<'_> {
    fn look(&mut self) -> Result<(), Failure> {
        let seen = self.watcher.look(self.name)?;
        self.screen.rows = self.before.compare(seen);
        self.screen.order.sort(&mut self.screen.rows);
        self.screen.processes = self.watcher.processes();
        self.screen.fault = self.watcher.faults.first().cloned();
        self.screen.unlisted = self.watcher.unlisted;
        Ok(())
    }

    /// The same, and what ended since the look before is shown as it was then: nobody is there to see it go.
    fn look_keeping_all(&mut self) -> Result<(), Failure> {
        let before = std::mem::take(&mut self.screen.rows);
        self.look()?;
        let is_here = |row: &Rated| self.screen.rows.iter().any(|here| here.seen.key() == row.seen.key());
        let ended: Vec<_> = before.into_iter().filter(|row| !is_here(row)).collect();
        self.screen.rows.extend(ended);
        Ok(())
    }

    fn watch(&mut self, mut terminal: DefaultTerminal) -> Result<(), Failure> {
        let failed = || "could not use the terminal".to_owned();
        let mut next = Instant::now() + self.interval.min(Duration::from_millis(500));
        loop {
            terminal.draw(|frame| frame.render_widget(&self.screen, frame.area())).while_doing(failed)?;
            let left = next.saturating_duration_since(Instant::now());
            let pressed = event::poll(left).while_doing(failed)?;
            if pressed && !self.obey(&event::read().while_doing(failed)?) {
                return Ok(());
            }
            if Instant::now() >= next {
                self.look()?;
                next = Instant::now() + self.interval;
            }
        }
    }

    /// Does what a key stands for; `false` if that is to stop.
    fn obey(&mut self, event: &Event) -> bool {
        let Event::Key(key) = event else { return true };
        if key.kind == KeyEventKind::Release {
            return true;
        }
        let interrupt = key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c');
        match key.code {
            KeyCode::Char('q') | KeyCode::Esc => return false,
            _ if interrupt => return false,
            KeyCode::Char('s') => {
                self.screen.order = self.screen.order.next();
                self.screen.order.sort(&mut self.screen.rows);
            }
            KeyCode::Down | KeyCode::Char('j') => self.screen.select(1),
            KeyCode::Up | KeyCode::Char('k') => self.screen.select(-1),
            _ => {}
        }
        true
    }
}

/// Text as a widget draws it, without what only a terminal shows.
fn text_of(widget: impl ratatui::widgets::Widget, area: Rect) -> String {
    let mut buffer = Buffer::empty(area);
    widget.render(area, &mut buffer);
    let cells = buffer.content.chunks(area.width.into());
    let lines =
        cells.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n");
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ended_between_the_looks_of_one_print_is_shown() {
        let _monitor = twinring::Monitor::start().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("door");
        let mut listener = twinring::Listener::bind(path.clone()).unwrap();
        let name = path.to_str().unwrap().to_owned();
        let client = std::thread::spawn(move || twinring::connect(path, Duration::from_secs(20)).unwrap());
        let connections = (listener.accept().unwrap(), client.join().unwrap());
        let screen = Screen::new(Some(&name), Duration::ZERO);
        let (watcher, before) = Default::default();
        let mut top = Top { name: Some(&name), interval: Duration::ZERO, watcher, before, screen };
        top.look().unwrap();
        assert_eq!(top.screen.rows.len(), 2);
        drop(connections);
        top.look_keeping_all().unwrap();
        assert_eq!(top.screen.rows.len(), 2);
        top.look().unwrap();
        assert_eq!(top.screen.rows.len(), 0);
    }
}
