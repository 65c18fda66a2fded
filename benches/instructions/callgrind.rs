//! Running this program under callgrind, and reading what it has counted.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::counted::{BATCH, COUNTED, MARK, MARKS, ROUNDS};
use super::table::Count;

/// Says to this program that it is to be counted.
pub const COUNTED_RUN: &str = "--counted-run";

/// Whether it can be had here.
pub fn is_installed() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok_and(|output| output.status.success())
}

/// Counts the operations whose names contain `filter`.
pub fn count(filter: &str) -> Result<Vec<Count>, String> {
    let directory = tempfile::tempdir().map_err(|error| format!("no temporary directory: {error}"))?;
    let output = run(directory.path(), filter)?;
    let cases = String::from_utf8_lossy(&output.stdout).into_owned();
    cases.lines().enumerate().map(|(number, case)| read(directory.path(), number, case)).collect()
}

fn run(directory: &Path, filter: &str) -> Result<Output, String> {
    let own = std::env::current_exe().map_err(|error| format!("this program is not to be found: {error}"))?;
    let dumps = directory.join("dump");
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--collect-bus=yes",
            &format!("--toggle-collect={COUNTED}"),
            &format!("--dump-before={MARK}"),
        ])
        .arg(format!("--callgrind-out-file={}", dumps.display()))
        .arg(own)
        .args([COUNTED_RUN, filter])
        .output()
        .map_err(|error| format!("valgrind does not start: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    Err(format!("valgrind failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

/// What was counted for case `number`, of which the program has said `case`: a name and a size.
fn read(directory: &Path, number: usize, case: &str) -> Result<Count, String> {
    let (name, size) =
        case.split_once('\t').ok_or_else(|| format!("expected a name and a size, the program said {case:?}"))?;
    let size = size.parse().map_err(|_| format!("expected a size, the program said {size:?}"))?;
    // Dumps are numbered from 1; the first of a case is of the round that is not looked at.
    let totals = |mark: usize| totals(&directory.join(format!("dump.{}", number * MARKS + mark)));
    let (once, twice) = (totals(2)?, totals(3)?);
    let [instructions, locked] = [0, 1].map(|event| (twice[event] - once[event]) / (ROUNDS * BATCH) as f64);
    Ok(Count { name: name.into(), size, instructions, locked })
}

/// All that a dump counts: instructions, and those of them that lock a cache line.
fn totals(dump: &Path) -> Result<[f64; 2], String> {
    let text = fs::read_to_string(dump).map_err(|error| format!("{}: {error}", dump.display()))?;
    let after = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default();
    if after("events: ") != "Ir Ge" {
        return Err(format!("{}: expected the events Ir Ge, they are {:?}", dump.display(), after("events: ")));
    }
    let totals = after("totals: ");
    // What is 0 at the end is left out.
    let mut numbers = totals.split(' ').map(str::parse).chain([Ok(0.0)]);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(instructions)), Some(Ok(locked))) => Ok([instructions, locked]),
        _ => Err(format!("{}: expected totals of two events, they are {totals:?}", dump.display())),
    }
}
