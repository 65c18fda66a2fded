//! Instructions per operation, counted by callgrind: a regression that a noisy machine cannot blur.
//!
//! `cargo bench --bench instructions` counts every operation at every size and fails if one differs from the table in
//! `docs/PERFORMANCE.md`, upwards or downwards. `-- --write` writes the table anew; `-- send` counts only what has `send` in
//! its name. Without valgrind, or on another processor than the table's, it says so and counts nothing.
//!
//! What is counted: the operation inlined into a loop, its result looked at, with everything that it calls; of a session one
//! side at a time, whose peer has answered already (`peer.rs`). Not counted: waiting, because it takes as long as it takes;
//! the other side; and what instructions do not show, which is most of the time between two cores: cache misses. Those are
//! measured by `twinring bench`.
//!
//! How: the program runs itself under callgrind once. Callgrind counts within one function (`counted.rs`) and writes down what
//! it has counted at another. The count is the difference of two runs, one of which does everything twice as often, so what is
//! done once is not in it. Why not gungraun (formerly iai-callgrind), which does the like: it needs a runner of its very
//! version to be installed beside valgrind, starts valgrind for each operation and size, and keeps what it compares with
//! outside of the repository. This needs valgrind and a few seconds.

mod callgrind;
mod calls;
mod counted;
mod mapped_ring;
mod messages;
mod peer;
mod side;
mod table;

use std::process::{Command, ExitCode};

use counted::Run;
use side::Echo;
use table::{Count, SIZES, Table};
use twinring::{LocalSession, Session};

/// Every operation. The names are parts of what it is called in the table.
const OPERATIONS: [fn(Run<'_>, usize); 18] = [
    messages::the_loop,
    messages::ring_push,
    messages::ring_pop,
    messages::send,
    messages::recv_into,
    messages::recv,
    messages::try_send,
    messages::try_recv,
    messages::reserve,
    messages::batch,
    calls::call::<LocalSession<Echo>>,
    calls::serve::<LocalSession<Echo>>,
    calls::notify::<LocalSession<Echo>>,
    calls::take::<LocalSession<Echo>>,
    calls::call::<Session>,
    calls::serve::<Session>,
    calls::notify::<Session>,
    calls::take::<Session>,
];

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let filter = arguments.iter().find(|argument| !argument.starts_with("--")).map_or("", String::as_str);
    let result = match () {
        () if has(callgrind::COUNTED_RUN) => run(Run { counted: true, filter }),
        // By `cargo test --benches`.
        () if !has("--bench") => run(Run { counted: false, filter }),
        () => check(filter, has("--write")),
    };
    result.map_or_else(
        |fault| {
            eprintln!("{fault}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}

fn run(run: Run<'_>) -> Result<(), String> {
    for operation in OPERATIONS {
        SIZES.into_iter().for_each(|size| operation(run, size));
    }
    Ok(())
}

fn check(filter: &str, write: bool) -> Result<(), String> {
    if let Some(reason) = reason_to_skip() {
        println!("instructions are not counted: {reason}");
        return Ok(());
    }
    let (table, compiler, seen) = (Table::read()?, compiler()?, callgrind::count(filter)?);
    if seen.is_empty() {
        return Err(format!("no operation has {filter:?} in its name"));
    }
    seen.chunks(SIZES.len()).for_each(|counts| print!("{}", table::row(counts)));
    if write {
        return if filter.is_empty() { table.write(&compiler, &seen) } else { Err("--write counts everything".into()) };
    }
    compare(&table, &compiler, &seen, filter.is_empty())
}

fn reason_to_skip() -> Option<&'static str> {
    match () {
        () if !cfg!(target_arch = "x86_64") => Some("the table is of x86-64"),
        () if !callgrind::is_installed() => Some("valgrind is not installed (Debian: apt-get install valgrind)"),
        () => None,
    }
}

fn compare(table: &Table, compiler: &str, seen: &[Count], all: bool) -> Result<(), String> {
    let mut differences = table.differences(compiler, seen);
    if all {
        differences.extend(table.leftovers(seen));
    }
    if differences.is_empty() {
        println!("as in docs/PERFORMANCE.md");
        return Ok(());
    }
    Err(format!(
        "not as in docs/PERFORMANCE.md (counted of code by {}, this is {compiler}):\n{}\n\
         If this is meant, write the table anew: cargo bench --bench instructions -- --write",
        table.compiler(),
        differences.join("\n"),
    ))
}

/// Who compiled this.
fn compiler() -> Result<String, String> {
    let output = Command::new("rustc").arg("--version").output().map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().into())
}
