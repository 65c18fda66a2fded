//! The main job: measure this machine and show the table.

use crate::args::Effort;
use crate::bench::{self, MODES};
use crate::failure::Failure;
use crate::show;

/// Measures ours in all three modes at all sizes, calls at some, and says what it saw and what to try next.
///
/// # Errors
///
/// What could not be measured.
pub fn run(effort: &Effort) -> Result<(), Failure> {
    let report = bench::measure(bench::plan(effort, MODES.to_vec()), effort)?;
    show::print(&format!("{}\n{NEXT}\n", show::table::page(&report)))
}

const NEXT: &str = "\
next      twinring bench --baselines            rtrb and memcpy beside it
          twinring bench --calls                calls at all sizes, and by a session of many threads
          twinring listen NAME > copy           and in another terminal: twinring connect NAME < file
          twinring --help                       the rest";
