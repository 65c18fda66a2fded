//! What a reader of the numbers should know: where they come from, and what was left out or repeated.

use clap::ValueEnum;

use crate::bench::Report;
use crate::machine;
use crate::measure::plan::{Mechanism, Mode, RIVALS, TOUR};
use crate::measure::rivals;
use crate::measure::rounds::{Refusal, TOLERANCE};
use crate::show::table::name;
use crate::show::units;

/// Every note of a run, most general first.
pub fn of(report: &Report) -> Vec<String> {
    let mut notes = vec![machine_line(report), rounds_line(report)];
    notes.extend(report.placement.notes.iter().cloned());
    notes.extend(
        [virtual_siblings_line(report), repeated_line(report), unsteady_line(report), disturbed_line(report)]
            .into_iter()
            .flatten(),
    );
    notes.extend(pages_line(report));
    notes.extend(system_line(report));
    notes.extend(refusals(report));
    notes.extend(absent(report));
    notes
}

/// The machine and where the two sides ran.
fn machine_line(report: &Report) -> String {
    let ran = match report.placement.pinned {
        Some((one, other)) if one == other => format!("pinned to core {one}"),
        Some((one, other)) => format!("pinned to cores {one} and {other}"),
        None => "not pinned".to_owned(),
    };
    format!("{}, {}, {ran}", machine::processor(), machine::kernel())
}

/// How much was measured, and against what.
fn rounds_line(report: &Report) -> String {
    let (plan, measured) = (&report.plan, &report.measured);
    let floor = measured.floor.map_or("no floor".to_owned(), |floor| format!("floor {}", units::time(floor)));
    let rounds = if plan.rounds == 1 { "1 round".to_owned() } else { format!("{} rounds", plan.rounds) };
    let (cell, clock) = (plan.cell.as_millis(), measured.clock_cost);
    format!("{rounds} of {cell} ms a size and measure; {floor}; reading the clock ({clock} ns) is taken off")
}

fn repeated_line(report: &Report) -> Option<String> {
    let (again, tolerance) = (report.measured.repeated, TOLERANCE * 100.0);
    let rounds = if again == 1 { "round was" } else { "rounds were" };
    (again > 0).then(|| format!("{again} {rounds} repeated, because the floor moved by more than {tolerance:.0} %"))
}

/// A floor that low is one core's first-level cache, whatever the system says of its cores.
const ONE_CORE_NANOS: f64 = 100.0;

fn virtual_siblings_line(report: &Report) -> Option<String> {
    let shared = report.measured.floor.is_some_and(|floor| floor < ONE_CORE_NANOS);
    let line = "a floor below 100 ns: the host seems to run both cores as hardware threads of one physical core";
    shared.then(|| line.to_owned())
}

fn disturbed_line(report: &Report) -> Option<String> {
    let taken = report.measured.preempted;
    // On a core that both sides share, they take it from each other.
    let often = report.placement.parallel() && taken > report.measured.rounds.len() as u64;
    often.then(|| format!("other processes took this core away {taken} times: a quiet machine measures better"))
}

fn unsteady_line(report: &Report) -> Option<String> {
    let left = report.measured.unsteady;
    let all = report.measured.rounds.len();
    let line = format!("the floor would not stand still in {left} of {all} rounds: they count only where no others do");
    (left > 0).then_some(line)
}

/// What the system's own mechanisms are to be compared with.
fn system_line(report: &Report) -> Option<String> {
    let toured = report.rows.iter().any(|row| TOUR.contains(&row.mechanism));
    let line = "what the system offers sleeps in the kernel: compare it with parked rows; its calls are by semaphores";
    toured.then(|| line.to_owned())
}

/// What could not be measured: a line for each mechanism and reason.
fn refusals(report: &Report) -> Vec<String> {
    let mut lines: Vec<(&Refusal, Vec<String>)> = Vec::new();
    for refusal in &report.measured.refusals {
        let size = units::size(refusal.size);
        match lines.iter_mut().find(|(known, _)| (known.mechanism, &known.why) == (refusal.mechanism, &refusal.why)) {
            Some((_, sizes)) => sizes.push(size),
            None => lines.push((refusal, vec![size])),
        }
    }
    lines.into_iter().map(|(refusal, sizes)| refusal_line(refusal, &sizes)).collect()
}

fn refusal_line(refusal: &Refusal, sizes: &[String]) -> String {
    let Refusal { mechanism, why, .. } = refusal;
    // A rival waits in two ways, and is refused in both.
    let named = if mechanism.is_rival() { word(*mechanism) } else { name(*mechanism, Mode::Park).to_owned() };
    format!("not measured: {named} with {}: {why}", sizes.join(", "))
}

/// What was asked for and is not in this program, or waits in no way that was asked for: a line for each reason.
fn absent(report: &Report) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for rival in RIVALS.into_iter().filter(|&rival| report.plan.wants(rival)) {
        let Some(why) = rivals::why_absent(&report.plan, rival) else { continue };
        match lines.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(word(rival)),
            None => lines.push((why, vec![word(rival)])),
        }
    }
    lines.into_iter().map(|(why, names)| format!("not measured: {}: {why}", names.join(", "))).collect()
}

/// What a mechanism is called on the command line.
fn word(mechanism: Mechanism) -> String {
    mechanism.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// What became of a wish for huge pages.
fn pages_line(report: &Report) -> Option<String> {
    let pages = report.measured.pages.as_ref().filter(|_| report.plan.huge_pages)?;
    let pool = machine::free_huge_pages().map_or(String::new(), |free| format!(" ({free} free in the pool)"));
    Some(format!("huge pages were asked for: {pages}{pool}"))
}
