//! `bench --html`: a page that needs nothing but itself, has a plot for all that was measured, and is written whole or not at all.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use twinring_cli::bench::Report;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::summary::Row;
use twinring_cli::show::{html, table, units};

use super::bench::{number, rows};
use super::running::{Place, Running};
use super::sample;

const SHORT: [&str; 5] = ["bench", "--rounds", "1", "--time", "1"];

/// Everything that a page can show, in order.
const PLOTS: [&str; 9] = [
    "latency-messages",
    "latency-calls",
    "percentiles-messages",
    "percentiles-calls",
    "throughput",
    "waiting",
    "pace",
    "costs",
    "rows",
];

pub fn page(report: &Report) -> String {
    html::page(report, SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000))
}

fn plots(page: &str) -> Vec<&str> {
    page.split("data-plot=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

/// What would make a browser load something, or run what was not written here.
fn foreign(page: &str) -> Vec<&'static str> {
    let loads =
        ["http:", "https:", "src=", "href=", "<link", "<iframe", "<object", "<embed", "url(", "@import", "import("];
    loads.into_iter().filter(|&load| page.contains(load)).collect()
}

/// The first tag that is closed in the wrong place, or never.
fn unbalanced(page: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>")?;
    while let Some((_, tail)) = rest.split_once('<') {
        let (tag, after) = tail.split_once('>')?;
        rest = after;
        match tag.strip_prefix('/') {
            Some(closed) if open.pop() != Some(closed) => return Some(format!("</{closed}> within {open:?}")),
            Some(_) => {}
            None => open.extend(tag.split_whitespace().next().filter(|&name| name != "meta")),
        }
        if let Some(raw @ ("style" | "script")) = open.last().copied() {
            rest = &rest[rest.find(&format!("</{raw}>"))?..];
        }
    }
    (!open.is_empty()).then(|| format!("never closed: {open:?}"))
}

#[track_caller]
fn assert_sound(page: &str) {
    assert_eq!(foreign(page), Vec::<&str>::new());
    assert_eq!(unbalanced(page), None);
    assert!(page.contains("default-src 'none'"), "a browser is told to load nothing");
}

#[test]
fn a_page_is_written_beside_what_is_printed_and_holds_every_number() {
    let place = Place::new();
    let path = place.path("report.html");
    let arguments =
        ["--json", "--mode", "adaptive", "--mode", "park", "--size", "8", "--size", "1024", "--html", &path];
    let rows = rows(&place.run(&[&SHORT[..], &arguments].concat()));
    let page = fs::read_to_string(&path).unwrap();
    assert_sound(&page);
    for plot in ["latency-messages", "latency-calls", "throughput", "waiting", "rows"] {
        assert!(plots(&page).contains(&plot), "{plot} in {:?}", plots(&page));
    }
    for row in &rows {
        for key in ["p50_ns", "p99_ns", "p999_ns"] {
            let nanos = number(row, key);
            let cell = format!("<td data-value=\"{nanos}\">{}</td>", units::time(nanos));
            assert!(page.contains(&cell), "{cell} of {row:?}");
        }
    }
    for words in ["Linux ", "version 0.1.0", " UTC</time>", "twinring, adaptive", "twinring call, parked", "bare futex"]
    {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn a_page_has_a_plot_for_everything_that_a_report_has() {
    let page = page(&sample::report());
    assert_sound(&page);
    assert_eq!(plots(&page), PLOTS);
    assert!(page.contains("2026-09-21 14:13:20 UTC"));
    assert!(page.contains("a note with &lt;b&gt;marks&lt;/b&gt; &amp; &quot;quotes&quot; is text"));
    for mechanism in ["twinring, spinning", "rtrb, threads", "semaphores, SysV", "System V queue", "signal", "memcpy"] {
        assert!(page.contains(&format!(">{mechanism}</text>")), "a line or bound of {mechanism}");
    }
    for said in ["twinring, spinning, 8 B: 294 ns, p99 367 ns", "99.9 % within", "bare futex, 10,000 /s: "] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn what_has_no_data_has_no_plot() {
    let mut report = sample::report();
    let trip = report.rows.iter().find_map(|row| row.trip);
    let alone = Row { trip, ..sample::row(Mechanism::Pipe, Mode::Park, 64) };
    report.rows = vec![alone, sample::row(Mechanism::MqSysv, Mode::Park, 65_536)];
    let one = page(&report);
    assert_sound(&one);
    assert_eq!(plots(&one), ["latency-messages", "rows"]);
    assert!(one.contains(">p50</th>") && !one.contains(">bytes</th>"), "columns without a value are left out");
    assert!(!one.contains("NaN") && !one.contains(">inf"), "{one}");
    report.rows.clear();
    let none = page(&report);
    assert_sound(&none);
    assert_eq!(plots(&none), ["rows"]);
}

#[test]
fn numbers_that_have_no_place_on_a_logarithmic_axis_are_left_out() {
    let mut report = sample::report();
    for row in &mut report.rows {
        row.rate = Some(0.0);
        if let Some(trip) = &mut row.trip {
            trip.p50 = 0.0;
        }
    }
    let page = page(&report);
    assert_sound(&page);
    assert!(!plots(&page).contains(&"throughput"));
    for number in ["NaN", "-inf", "inf%", ">inf"] {
        assert!(!page.contains(number), "{number}");
    }
}

#[test]
fn the_tables_tell_rates_and_costs_apart() {
    let report = sample::report();
    let printed = table::page(&report);
    let (main, rest) = printed.split_once("At a fixed rate").unwrap();
    let (paced, costs) = rest.split_once("What it costs").unwrap();
    let lines = |text: &str, words: &str| text.lines().filter(|line| line.contains(words)).count();
    for (pace, said) in [(1, "1 /s"), (10_000, "10,000 /s"), (100_000, "100,000 /s")] {
        let subjects = report.rows.iter().filter(|row| row.pace == Some(pace)).count();
        assert!(subjects > 10 && lines(paced, &format!(" 8 B  {said:>10}")) == subjects, "{said} in\n{paced}");
    }
    let back_to_back = report.rows.iter().filter(|row| row.pace.is_none() && row.payload == 8).count();
    assert_eq!(lines(main, "  8 B  "), back_to_back, "{main}");
    assert_eq!(lines(costs, "128 KiB"), 1, "only the pipe has that:\n{costs}");
    assert!(costs.contains("at a rate ") && printed.lines().all(|line| line.chars().count() <= 110), "{printed}");
}

#[test]
fn tables_that_have_no_data_are_left_out() {
    let mut report = sample::report();
    report.rows.retain(|row| row.pace.is_none());
    for row in &mut report.rows {
        (row.cpu, row.system_calls, row.memory, row.set_up) = (None, None, None, None);
    }
    let printed = table::page(&report);
    for words in ["fixed rate", "at a rate", "costs", "set-up"] {
        assert!(!printed.contains(words), "{words} in\n{printed}");
    }
}

/// Runs a measurement that would take hours, which must fail before it begins.
#[track_caller]
fn fails_at_once(mut command: Command, path: &str, reason: &str) {
    let started = Instant::now();
    let mut running = Running::new(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let output = running.output();
    running.end_badly(&format!("could not write {path}: {reason}"));
    assert!(started.elapsed() < Duration::from_secs(20), "it measured before");
    assert!(output.join().unwrap().is_empty());
}

fn names(directory: &str) -> Vec<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

const LONG: [&str; 5] = ["bench", "--rounds", "1000", "--time", "10000"];

#[test]
fn a_page_that_cannot_be_written_is_told_before_anything_is_measured() {
    let place = Place::new();
    let cases = [
        (place.path("missing/report.html"), "No such file or directory"),
        (place.path(""), "expected the name of a file"),
        (place.path("").trim_end_matches('/').to_owned(), "expected a regular file, or none yet"),
        ("/dev/full".to_owned(), "expected a regular file, or none yet"),
        ("/proc/report.html".to_owned(), "No such file or directory"),
    ];
    for (path, reason) in cases {
        fails_at_once(place.command(&[&LONG[..], &["--html", &path]].concat()), &path, reason);
    }
    assert_eq!(names(&place.path("")), Vec::<String>::new(), "nothing is left");
}

#[test]
fn a_disk_without_room_is_told_before_anything_is_measured() {
    let place = Place::new();
    fs::write(place.path("report.html"), "what was there").unwrap();
    let mut command = Command::new("sh");
    // A limit on the size of files stands for a full disk; its signal would end the process without a word.
    let limited = "trap '' XFSZ; exec prlimit --fsize=4096 \"$@\"";
    command.args(["-c", limited, "sh", env!("CARGO_BIN_EXE_twinring")]).args(LONG);
    command.args(["--html", &place.path("report.html")]).env("XDG_RUNTIME_DIR", place.path(""));
    fails_at_once(command, &place.path("report.html"), "File too large");
    assert_eq!(fs::read_to_string(place.path("report.html")).unwrap(), "what was there");
    assert_eq!(names(&place.path("")), ["report.html"]);
}

#[test]
fn a_page_replaces_what_was_there_behind_a_link_too() {
    let place = Place::new();
    let (file, link) = (place.path("report.html"), place.path("link"));
    fs::write(&file, "what was there").unwrap();
    symlink(&file, &link).unwrap();
    let output = place.run(&[&SHORT[..], &["--mechanism", "pipe", "--size", "8", "--html", &link]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("pipe"), "the table is printed, too");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_sound(&fs::read_to_string(&file).unwrap());
    let mut left = names(&place.path(""));
    left.retain(|name| name != "twinring");
    left.sort();
    assert_eq!(left, ["link", "report.html"], "nothing else is left");
}

#[test]
fn a_page_may_be_read_by_whom_the_mask_allows() {
    let place = Place::new();
    let path = place.path("report.html");
    let mut command = Command::new("sh");
    command.args(["-c", "umask 027; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_twinring")]).args(SHORT);
    command.args(["--mechanism", "pipe", "--size", "8", "--html", &path]).env("XDG_RUNTIME_DIR", place.path(""));
    assert!(command.stdin(Stdio::null()).stdout(Stdio::null()).status().unwrap().success());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}
