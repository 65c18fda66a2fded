//! Measuring, with rounds as short as they can be: the shape of what comes out, not the numbers.

use std::collections::BTreeSet;
use std::process::Output;
use std::thread;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::{Map, Value};

use super::running::Place;

const SHORT: [&str; 6] = ["bench", "--json", "--rounds", "1", "--time", "5"];

const KEYS: [&str; 19] = [
    "mechanism",
    "mode",
    "payload_bytes",
    "p50_ns",
    "p99_ns",
    "p999_ns",
    "floor_p50_ns",
    "ratio",
    "messages_per_s",
    "bytes_per_s",
    "p9999_ns",
    "offered_per_s",
    "one_way_p50_ns",
    "one_way_p99_ns",
    "one_way_p999_ns",
    "cpu_ns",
    "system_calls",
    "set_up_ns",
    "memory_bytes",
];

pub type Row = Map<String, Value>;

#[track_caller]
pub fn rows(output: &Output) -> Vec<Row> {
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let rows: Vec<Row> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!rows.is_empty());
    for (row, line) in rows.iter().zip(printed.lines()) {
        let keys: BTreeSet<&str> = row.keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(KEYS), "{line}");
    }
    rows
}

pub fn text<'a>(row: &'a Row, key: &str) -> &'a str {
    row[key].as_str().unwrap()
}

pub fn number(row: &Row, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("{key} in {row:?}"))
}

pub fn of<'a>(rows: &'a [Row], mechanism: &str) -> Vec<&'a Row> {
    rows.iter().filter(|row| text(row, "mechanism") == mechanism).collect()
}

#[test]
fn json_has_a_row_for_each_mode_and_size_with_exactly_the_promised_keys() {
    let output =
        Place::new().run(&["bench", "--json", "--rounds", "1", "--time", "1", "--size", "8", "--size", "1024"]);
    let rows = rows(&output);
    let ours = of(&rows, "twinring");
    let cells: BTreeSet<(&str, u64)> =
        ours.iter().map(|row| (text(row, "mode"), row["payload_bytes"].as_u64().unwrap())).collect();
    assert_eq!(cells.len(), ours.len());
    for mode in ["adaptive", "park"] {
        assert!(cells.contains(&(mode, 8)) && cells.contains(&(mode, 1_024)), "{cells:?}");
    }
    for row in ours {
        assert!(number(row, "p50_ns") > 0.0 && number(row, "p50_ns") <= number(row, "p99_ns"), "{row:?}");
        let bytes = number(row, "messages_per_s") * number(row, "payload_bytes");
        assert!((number(row, "bytes_per_s") / bytes - 1.0).abs() < 0.01, "{row:?}");
    }
    let futex = of(&rows, "futex");
    assert_eq!(futex.len(), 1);
    assert!(futex[0]["messages_per_s"].is_null() && futex[0]["bytes_per_s"].is_null());
}

#[test]
fn csv_has_the_keys_of_json_as_columns_and_nothing_else_on_standard_output() {
    let arguments = ["bench", "--csv", "--rounds", "1", "--time", "1", "--size", "8", "--mode", "park"];
    let output = Place::new().run(&[&arguments[..], &["--mechanism", "twinring", "--mechanism", "futex"]].concat());
    let printed = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Vec<&str>> = printed.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 3, "{printed}");
    assert!(lines.iter().all(|cells| cells.len() == KEYS.len()), "{printed}");
    assert_eq!(BTreeSet::from_iter(lines[0].iter().copied()), BTreeSet::from(KEYS));
    let cell = |line: usize, key: &str| lines[line][lines[0].iter().position(|&name| name == key).unwrap()];
    assert_eq!((cell(1, "mechanism"), cell(2, "mechanism"), cell(1, "payload_bytes")), ("twinring", "futex", "8"));
    assert!(cell(1, "messages_per_s").parse::<f64>().unwrap() > 1.0 && cell(2, "messages_per_s").is_empty());
    assert!(String::from_utf8_lossy(&output.stderr).contains("Linux"), "notes belong on standard error");
}

#[test]
fn the_ratio_is_the_median_by_the_floor() {
    if thread::available_parallelism().unwrap().get() < 2 {
        return;
    }
    let output =
        Place::new().run(&["bench", "--json", "--rounds", "2", "--time", "1", "--size", "64", "--mode", "spin"]);
    let rows = rows(&output);
    let (floor, ours, calls) = (of(&rows, "floor"), of(&rows, "twinring"), of(&rows, "twinring-call"));
    assert_eq!((floor.len(), ours.len(), calls.len(), rows.len()), (1, 1, 1, 3));
    for row in ours.into_iter().chain(calls) {
        let ratio = number(row, "p50_ns") / number(row, "floor_p50_ns");
        assert!((number(row, "ratio") / ratio - 1.0).abs() < 0.01, "{row:?}");
    }
}

#[test]
fn baselines_have_rows_of_their_own() {
    if thread::available_parallelism().unwrap().get() < 2 {
        return;
    }
    let arguments = ["bench", "--json", "--rounds", "1", "--time", "1", "--baselines", "--mode", "spin"];
    let rows = rows(&Place::new().run(&arguments));
    let rtrb = of(&rows, "rtrb-threads");
    assert_eq!(rtrb.len(), 7);
    assert!(rtrb.iter().all(|row| number(row, "p50_ns") > 0.0 && number(row, "messages_per_s") > 0.0));
    let copy = of(&rows, "memcpy");
    assert_eq!(copy.len(), 1);
    assert!(copy[0]["ratio"].is_null() && number(copy[0], "bytes_per_s") > 0.0);
    assert_eq!((of(&rows, "floor").len(), of(&rows, "futex").len(), of(&rows, "twinring").len()), (1, 1, 7));
}

fn payloads(rows: &[&Row], mode: &str) -> Vec<u64> {
    rows.iter().filter(|row| text(row, "mode") == mode).map(|row| row["payload_bytes"].as_u64().unwrap()).collect()
}

#[test]
fn calls_are_measured_at_a_few_sizes_in_every_mode() {
    let rows = rows(&Place::new().run(&["bench", "--json", "--rounds", "1", "--time", "1"]));
    let calls = of(&rows, "twinring-call");
    for mode in ["adaptive", "park"] {
        assert_eq!(payloads(&calls, mode), [8, 40, 1_024, 65_536]);
    }
    for row in calls {
        assert!(number(row, "p50_ns") > 0.0 && number(row, "p50_ns") <= number(row, "p99_ns"), "{row:?}");
        // One after the other: about as many as fit a second, but for the slow ones.
        let one_by_one = 1e9 / number(row, "messages_per_s");
        assert!(one_by_one > number(row, "p50_ns") / 4.0 && one_by_one < 1e9, "{row:?}");
    }
    assert_eq!(of(&rows, "twinring-call-shared").len(), 0);
}

#[test]
fn both_forms_of_calls_are_measured_if_asked_for() {
    let arguments = ["bench", "--json", "--rounds", "1", "--time", "1", "--mode", "adaptive", "--calls"];
    let rows = rows(&Place::new().run(&arguments));
    for form in ["twinring-call", "twinring-call-shared"] {
        assert_eq!(payloads(&of(&rows, form), "adaptive"), [8, 40, 56, 64, 256, 1_024, 4_096, 65_536]);
    }
    assert_eq!(payloads(&of(&rows, "twinring"), "adaptive"), [8, 56, 64, 256, 1_024, 4_096, 65_536]);
}

#[test]
fn a_mechanism_can_be_measured_alone_and_calls_beyond_a_frame() {
    for form in ["twinring-call", "twinring-call-shared"] {
        let size = ["--size", "1048577", "--size", "8"];
        let arguments = [&["bench", "--json", "--rounds", "1", "--time", "1", "--mechanism", form], &size[..]].concat();
        let rows = rows(&Place::new().run(&arguments));
        assert!(rows.iter().all(|row| text(row, "mechanism") == form), "{rows:?}");
        for mode in ["adaptive", "park"] {
            assert_eq!(payloads(&of(&rows, form), mode), [8, 1_048_577]);
        }
    }
}

#[test]
fn the_main_job_shows_a_table_that_fits_and_says_where_it_was_measured() {
    let output = Place::new().run(&["--rounds", "1", "--time", "1"]);
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for words in
        ["adaptive", "parked", "bare futex", "64 KiB", "× floor", "calls, adaptive", "measured on", "Linux", "next "]
    {
        assert!(table.contains(words), "{words} in\n{table}");
    }
    let widest = table.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(110), "{widest:?} columns in\n{table}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "progress belongs on a terminal");
}

#[test]
fn one_usable_core_is_said_and_spinning_left_out() {
    // A thread's affinity is what the processes that it starts begin with.
    let pinned = thread::spawn(|| {
        let allowed = sched_getaffinity(None).unwrap();
        let first = (0..CpuSet::MAX_CPU).find(|&core| allowed.is_set(core)).unwrap();
        let mut one = CpuSet::new();
        one.set(first);
        sched_setaffinity(None, &one).unwrap();
        Place::new().run(&["bench", "--json", "--rounds", "1", "--time", "1", "--size", "8"])
    });
    let output = pinned.join().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("one usable core"), "{said}");
    let rows = rows(&output);
    let modes: BTreeSet<&str> = rows.iter().map(|row| text(row, "mode")).collect();
    assert_eq!(modes, BTreeSet::from(["adaptive", "park"]));
    assert!(rows.iter().all(|row| row["floor_p50_ns"].is_null() && row["ratio"].is_null()));
}

#[test]
fn a_core_that_may_not_be_used_is_refused() {
    let output = Place::new().run(&["--cores", "0,1023"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("twinring: core 1023 may not be used here, only "), "{said}");
}

#[test]
fn at_a_pace_latency_counts_from_when_a_message_was_due() {
    let paces = ["--mode", "park", "--rate", "200", "--rate", "2000", "--load", "20000"];
    let subjects =
        ["--mechanism", "twinring", "--mechanism", "twinring-call", "--mechanism", "futex", "--mechanism", "pipe"];
    let output = Place::new().run(&[&SHORT[..], &paces, &subjects].concat());
    let rows = rows(&output);
    let paced = |mechanism| -> Vec<(u64, bool)> {
        let rows = of(&rows, mechanism).into_iter().filter(|row| !row["offered_per_s"].is_null());
        rows.map(|row| (row["offered_per_s"].as_u64().unwrap(), row["p50_ns"].is_null())).collect()
    };
    assert_eq!(paced("twinring"), [(200, false), (2_000, false), (20_000, true)]);
    assert_eq!(paced("pipe"), [(200, false), (2_000, false), (20_000, true)]);
    // What answers every message, or overwrites it by the next, has no one-way load.
    assert_eq!(
        [paced("twinring-call"), paced("futex")],
        [[(200, false), (2_000, false)], [(200, false), (2_000, false)]]
    );
    for row in rows.iter().filter(|row| !row["offered_per_s"].is_null()) {
        assert!(number(row, "one_way_p50_ns") > 0.0 && number(row, "one_way_p50_ns") <= number(row, "one_way_p99_ns"));
        if row["p50_ns"].is_null() {
            assert!(number(row, "messages_per_s") <= 20_500.0, "{row:?}");
        } else {
            assert!(number(row, "p50_ns") >= number(row, "one_way_p50_ns") && number(row, "cpu_ns") > 0.0, "{row:?}");
        }
    }
}

#[test]
fn a_mechanism_that_cannot_keep_the_pace_is_late_from_the_first_message_on() {
    // A pipe moves fewer than that, so what is sent last is later than anything that it could be by itself.
    let load = ["--load", "20000000", "--mechanism", "pipe", "--size", "64", "--time", "50"];
    let output = Place::new().run(&[&["bench", "--json", "--mode", "park", "--rounds", "1"], &load[..]].concat());
    let rows = rows(&output);
    let row = rows.iter().find(|row| !row["offered_per_s"].is_null()).unwrap();
    assert!(number(row, "messages_per_s") < 20_000_000.0 && number(row, "one_way_p50_ns") > 1_000_000.0, "{row:?}");
}

#[test]
fn system_calls_are_counted_for_both_sides() {
    let output = Place::new().run(
        &[&SHORT[..], &["--system-calls", "--mechanism", "twinring", "--mechanism", "pipe", "--size", "8"]].concat(),
    );
    let rows = rows(&output);
    // A write and a read on each side; what both do to begin and to end may differ by a few of five hundred trips.
    let pipe = number(of(&rows, "pipe")[0], "system_calls");
    assert!((3.9..4.1).contains(&pipe), "{pipe}");
    let ours = of(&rows, "twinring");
    let counted = |mode| ours.iter().find(|row| text(row, "mode") == mode).map(|row| number(row, "system_calls"));
    if let Some(spinning) = counted("spin") {
        assert!(spinning < 0.1, "{spinning}");
    }
    assert!(counted("park") > Some(0.5), "{ours:?}");
}

#[test]
fn what_it_costs_to_be_open_is_told() {
    let output =
        Place::new().run(&[&SHORT[..], &["--mode", "park", "--size", "8", "--mechanism", "twinring"]].concat());
    let row = &rows(&output)[0];
    assert!(number(row, "set_up_ns") > 1_000.0 && number(row, "cpu_ns") > 0.0, "{row:?}");
    // Both rings of 1 MiB, each counted once.
    assert!((2_000_000.0..4_000_000.0).contains(&number(row, "memory_bytes")), "{row:?}");
}

#[test]
fn messages_of_a_mebibyte_are_measured_too() {
    let subjects =
        ["--mechanism", "twinring", "--mechanism", "rtrb-threads", "--mechanism", "pipe", "--mechanism", "tcp"];
    let output = Place::new().run(&[&SHORT[..], &["--size", "1048576"], &subjects].concat());
    let rows = rows(&output);
    assert!(of(&rows, "twinring").len() >= 2 && of(&rows, "pipe").len() == 1, "{rows:?}");
    for row in &rows {
        assert!(number(row, "p50_ns") > 1_000.0 && number(row, "bytes_per_s") > 1e6, "{row:?}");
    }
}

#[test]
fn messages_that_are_too_large_are_left_out_and_told_of() {
    let alone = Place::new().run(&["bench", "--size", "1048577", "--mechanism", "twinring"]);
    assert_eq!(alone.status.code(), Some(1));
    let said = String::from_utf8_lossy(&alone.stderr);
    assert_eq!(said, "twinring: messages are measured up to 1048576 bytes, calls up to 67108864\n");
    let subjects = ["--size", "1048577", "--mode", "park", "--mechanism", "twinring", "--mechanism", "twinring-call"];
    let beside = Place::new().run(&[&SHORT[..], &subjects].concat());
    assert_eq!(rows(&beside).len(), 1);
    let said = String::from_utf8_lossy(&beside.stderr);
    assert!(said.contains("1048577 B: messages are measured up to 1048576 bytes"), "{said}");
}
