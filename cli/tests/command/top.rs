//! `top` in a terminal of 80 columns and 24 lines, as an emulator shows it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Stdio;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use twinring::Connection;
use vt100::Parser;

use super::running::{PATIENCE, Place, Running};

const COLUMNS: NonZero<u16> = NonZero::new(80).unwrap();
const LINES: NonZero<u16> = NonZero::new(24).unwrap();

/// A command in a terminal of its own.
struct Terminal {
    keyboard: File,
    emulator: Parser,
    command: Running,
}

impl Terminal {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        tcsetwinsize(&master, Winsize { ws_row: LINES.get(), ws_col: COLUMNS.get(), ws_xpixel: 0, ws_ypixel: 0 })
            .unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = || OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let mut command = place.command(arguments);
        command.stdin(Stdio::from(slave())).stdout(Stdio::from(slave())).env("TERM", "xterm-256color");
        let command = Running::new(&mut command);
        Self { keyboard: File::from(master), emulator: Parser::new(LINES, COLUMNS, 0), command }
    }

    /// Takes in what the command draws until the screen is as wished.
    #[track_caller]
    fn until(&mut self, wished: impl Fn(&[String]) -> bool) -> Vec<String> {
        let started = Instant::now();
        loop {
            let rows = self.emulator.screen().rows(0, COLUMNS.get());
            let lines: Vec<_> = rows.map(|row| row.trim_end().to_owned()).collect();
            if wished(&lines) {
                return lines;
            }
            assert!(started.elapsed() < PATIENCE, "waited in vain, seen:\n{}", lines.join("\n"));
            self.take_in();
        }
    }

    fn take_in(&mut self) {
        let timeout = Timespec { tv_sec: 1, tv_nsec: 0 };
        if poll(&mut [PollFd::new(&self.keyboard, PollFlags::IN)], Some(&timeout)) == Ok(1) {
            let mut bytes = [0; 4096];
            let length = self.keyboard.read(&mut bytes).unwrap_or(0);
            self.emulator.process(&bytes[..length]);
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }
}

/// A monitored echo at that door, and a connection to it over which so many messages went.
fn echo(place: &Place, door: &str, messages: usize) -> (Running, Connection) {
    let command = place.start(&["echo", door, "--monitor", "--wait", "park"]);
    place.await_listener(door);
    let path = place.path(&format!("twinring/{door}.sock"));
    let mut connection = twinring::connect(path.as_str(), PATIENCE).unwrap();
    for _ in 0..messages {
        connection.ends().0.send(&[7; 64]).unwrap();
        assert_eq!(connection.ends().1.recv().unwrap().len(), 64);
    }
    (command, connection)
}

#[test]
fn top_shows_what_happens_and_ends_with_q() {
    let place = Place::new();
    let (first, _connection) = echo(&place, "prices", 1000);
    let (_second, _other) = echo(&place, "a-door-with-a-long-name", 10);
    let mut top = Terminal::start(&place, &["top", "--interval", "0.1"]);
    let lines = top.until(|lines| lines[22..].iter().any(|line| line.starts_with("q quit")));
    assert_eq!(lines[0], "twinring top  2 connections of 2 monitored processes, every 100ms, by messages");
    assert_eq!(lines[2], "ENDPOINT   PROCESS       PEER           OUT/s   IN/s  BYTES/s RING CALLS     P99");
    let pid = first.0.id();
    let prices = lines[3..5].iter().find(|line| line.starts_with("prices ")).expect("a line of it");
    assert!(prices.contains(&format!("/{pid} ")) && prices.contains(&format!("/{} ", std::process::id())), "{prices}");
    assert!(lines[3..5].iter().any(|line| line.starts_with("a-door-wi… ")), "{lines:?}");
    // As wide as the terminal, and not wider: nothing is cut off at its edge.
    assert!(lines[3..5].iter().all(|line| line.ends_with(" 0%     -       -")), "{lines:#?}");
    top.press("q");
    let (status, said) = top.command.end();
    assert!(status.success() && said.is_empty(), "{status}: {said}");
    top.until(|_| true);
}

#[test]
fn all_about_one_connection_stands_below() {
    let place = Place::new();
    let (_echo, mut connection) = echo(&place, "prices", 1000);
    let mut top = Terminal::start(&place, &["top", "prices", "--interval", "0.1"]);
    let detail = top.until(|lines| lines[22..].iter().any(|line| line.starts_with("q quit")));
    let line = |start: &str| detail.iter().find(|line| line.starts_with(start)).expect(start).as_str();
    assert!(line("sent").starts_with("sent       1.00k messages   62.5 KiB "), "{}", line("sent"));
    let title = format!(" prices: twinring/{} accepted ", _echo.0.id());
    assert!(detail.iter().any(|line| line.starts_with(&title) && line.ends_with('─')), "{detail:#?}");
    assert_eq!(line("latency"), "latency   not recorded");
    assert!(line("ring").contains("of 1.00 MiB, full 0 times"), "{}", line("ring"));
    // Live: what is sent while it runs is seen.
    for _ in 0..500 {
        connection.ends().0.send(&[7; 64]).unwrap();
        assert_eq!(connection.ends().1.recv().unwrap().len(), 64);
    }
    top.until(|lines| lines.iter().any(|line| line.starts_with("sent       1.50k messages")));
    top.press("\x03");
    top.command.end_well();
}

#[test]
fn keys_choose_and_sort() {
    let place = Place::new();
    let doors = ["apple", "banana"].map(|door| echo(&place, door, 1));
    let mut top = Terminal::start(&place, &["top", "--interval", "0.1"]);
    top.until(|lines| lines[0].ends_with("by messages"));
    top.press("sss");
    top.until(|lines| lines[0].ends_with("by name"));
    let title = |door: usize| format!(" {}: ", ["apple", "banana"][door]);
    top.until(|lines| lines.iter().any(|line| line.starts_with(&title(0))));
    top.press("\x1b[B");
    top.until(|lines| lines.iter().any(|line| line.starts_with(&title(1))));
    top.press("k");
    top.until(|lines| lines.iter().any(|line| line.starts_with(&title(0))));
    drop(doors);
    // Whoever goes away disappears, and whoever is left is told what to do.
    top.until(|lines| lines[0].contains("0 connections of 0 monitored") && lines[2].starts_with("Nothing to see"));
    top.press("q");
    top.command.end_well();
}

#[test]
fn without_a_terminal_it_prints_once() {
    let place = Place::new();
    let (_echo, _connection) = echo(&place, "prices", 100);
    let output = place.run(&["top", "--interval", "0.05"]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(lines.len() > 10 && lines[0].starts_with("twinring top  1 connection of 1 monitored process,"), "{text}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
    assert!(!text.contains('\x1b') && !text.contains("q quit"), "{text}");
}

#[test]
fn without_a_terminal_it_says_that_there_is_nothing() {
    let place = Place::new();
    let output = place.run(&["top", "--interval", "0.05"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert!(output.status.success() && lines.len() == 5, "{text}");
    assert!(lines[2].starts_with("Nothing to see: no process") && lines[4].ends_with("with --monitor."), "{text}");
    let (_echo, _connection) = echo(&place, "prices", 1);
    let output = place.run(&["top", "window", "--interval", "0.05"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("twinring: no monitored process has a connection of window"), "{said}");
}
