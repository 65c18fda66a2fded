//! `twinring bench`: measure what was asked for, and print it as a table or as rows of JSON or CSV; draw it on a page.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use crate::args::{Bench, Effort};
use crate::cores::{self, Placement};
use crate::failure::Failure;
use crate::machine;
use crate::measure::plan::{CALL_SIZES, LARGEST, Mode, PACED_SIZE, Plan, SIZES};
use crate::measure::rivals::Brought;
use crate::measure::rounds::{self, Measured};
use crate::measure::summary::{self, Row};
use crate::show;
use crate::show::file::Reserved;

/// A run and where it was made.
pub struct Report {
    /// What was asked for.
    pub plan: Plan,
    /// Where the two sides ran.
    pub placement: Placement,
    /// All rounds.
    pub measured: Measured,
    /// What remains of them.
    pub rows: Vec<Row>,
}

/// Every way of waiting.
pub const MODES: [Mode; 3] = [Mode::Spin, Mode::Adaptive, Mode::Park];

/// Less memory than this is not worth trying with, in KiB.
const LEAST_MEMORY_KIB: u64 = 32 * 1024;

/// Measures and prints.
///
/// # Errors
///
/// What could not be measured, or not written.
pub fn run(bench: &Bench, brought: Brought) -> Result<(), Failure> {
    let modes = if bench.mode.is_empty() { MODES.to_vec() } else { bench.mode.clone() };
    let mut plan = plan(&bench.effort, modes);
    if !bench.size.is_empty() {
        plan.call_sizes = sorted(bench.size.iter().map(|size| size.0));
        plan.sizes = plan.call_sizes.iter().copied().filter(|&size| size <= LARGEST).collect();
        plan.paced_sizes.clone_from(&plan.sizes);
    } else if bench.calls || bench.all {
        plan.call_sizes = sorted(SIZES.into_iter().chain(CALL_SIZES));
    }
    plan.baselines = bench.baselines || bench.all;
    plan.shared_calls = bench.calls || bench.all;
    plan.tour = bench.tour || bench.all;
    plan.rates = paces(&bench.rate, bench.all, &RATES);
    plan.loads = paces(&bench.load, bench.all, &LOADS);
    plan.system_calls = bench.system_calls || bench.all;
    plan.rivals = bench.rivals || bench.all;
    plan.brought = brought;
    plan.only = bench.mechanism.clone();
    let left_out = plan.left_out()?;
    // Before anything is measured: a page that cannot be written is no reason to wait for minutes.
    let file = bench.html.as_deref().map(Reserved::at).transpose()?;
    let mut report = measure(plan, &bench.effort)?;
    report.measured.refusals.extend(left_out);
    let printed = print(bench, &report);
    // A reader of standard output who has left takes nothing away from the page.
    file.map_or(Ok(()), |file| file.write(&show::html::page(&report, SystemTime::now())))?;
    printed
}

fn print(bench: &Bench, report: &Report) -> Result<(), Failure> {
    if !bench.json && !bench.csv {
        return show::print(&show::table::page(report));
    }
    for note in show::notes::of(report) {
        eprintln!("twinring: {note}");
    }
    if bench.json { show::json::print(&report.rows) } else { show::csv::print(&report.rows) }
}

/// Round trips a second, if everything is measured: a core that has slept for long answers later.
const RATES: [u32; 4] = [1, 100, 1_000, 10_000];

/// Messages a second one way, if everything is measured.
const LOADS: [u32; 2] = [100_000, 1_000_000];

/// The paces that were asked for, or all of them if everything was.
fn paces(wanted: &[u32], everything: bool, all: &[u32]) -> Vec<u32> {
    let chosen = if wanted.is_empty() && everything { all } else { wanted };
    chosen.iter().copied().collect::<BTreeSet<_>>().into_iter().collect()
}

/// A plan of these modes, each once, and of what is measured if nothing else is asked for.
pub fn plan(effort: &Effort, mut modes: Vec<Mode>) -> Plan {
    modes.sort_by_key(|&mode| MODES.iter().position(|&known| known == mode));
    modes.dedup();
    Plan {
        rounds: effort.rounds.into(),
        cell: Duration::from_millis(effort.time.into()),
        sizes: SIZES.to_vec(),
        call_sizes: CALL_SIZES.to_vec(),
        paced_sizes: vec![PACED_SIZE],
        rates: Vec::new(),
        loads: Vec::new(),
        modes,
        baselines: false,
        shared_calls: false,
        tour: false,
        rivals: false,
        brought: Brought::default(),
        only: Vec::new(),
        system_calls: false,
        huge_pages: effort.huge_pages,
    }
}

/// Each once, from the smallest.
fn sorted(sizes: impl Iterator<Item = usize>) -> Vec<usize> {
    sizes.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Runs a plan, with progress on a terminal.
///
/// # Errors
///
/// What could not be measured.
pub fn measure(plan: Plan, effort: &Effort) -> Result<Report, Failure> {
    check_memory()?;
    let placement = cores::place(effort.cores.map(|cores| (cores.0, cores.1)))?;
    let progress = show::progress::Progress::begun();
    let measured = rounds::run(&plan, &placement, &mut |step| progress.show(step));
    progress.clear();
    let measured = measured?;
    let rows = summary::rows(&measured);
    Ok(Report { plan, placement, measured, rows })
}

fn check_memory() -> Result<(), Failure> {
    match machine::available_kib() {
        Some(kib) if kib < LEAST_MEMORY_KIB => Err(Failure::new(format!(
            "too little memory: {kib} KiB are available, measuring needs {LEAST_MEMORY_KIB} KiB"
        ))),
        _ => Ok(()),
    }
}
