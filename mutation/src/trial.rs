//! Tries mutants: the tests of its module that come by it, the quickest first, until one fails.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::ledger::{Ledger, Verdict};
use crate::mutant::Mutant;
use crate::reach::Reached;
use crate::scope::MODULES;
use crate::suite::{Choice, Outcome, Test, say};

/// Tries the mutants at these places of `mutants`, on `jobs` threads.
///
/// # Errors
///
/// If a test cannot be run, or a verdict not be written.
pub fn try_all(
    tree: &Path,
    mutants: &[Mutant],
    places: &[usize],
    tests: &[Reached],
    ledger: &Ledger,
    jobs: usize,
) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> io::Result<()> {
        while let Some(&place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            let verdict = attempt(tree, &mutants[place], place + 1, tests)?;
            say(format_args!("{}:{} {verdict:?}", mutants[place].name, mutants[place].line));
            ledger.note(&mutants[place].name, verdict)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))))
    })
}

fn attempt(tree: &Path, mutant: &Mutant, number: usize, tests: &[Reached]) -> io::Result<Verdict> {
    let programs = MODULES.iter().find(|module| module.name == mutant.module).map_or(&[][..], |module| module.programs);
    let fits = |reached: &&Reached| {
        programs.contains(&&*reached.test.program.name) && reached.mutants.binary_search(&number).is_ok()
    };
    let mut tests: Vec<_> = tests.iter().filter(fits).collect();
    tests.sort_by_key(|reached| reached.took);
    for reached in &tests {
        if kills(tree, &reached.test, number, reached.took)? {
            return Ok(Verdict::Killed(format!("{} {}", reached.test.program.name, reached.test.name)));
        }
    }
    Ok(Verdict::Survived(tests.len()))
}

/// Whether a test tells the mutant from the library: it does not end in time, or it fails twice, because one that fails
/// once may have had bad luck.
///
/// # Errors
///
/// If it cannot be run.
pub fn kills(tree: &Path, test: &Test, number: usize, usual: Duration) -> io::Result<bool> {
    let limit = Duration::from_secs(10) + usual * 5;
    let once = || Ok::<_, io::Error>(test.run(tree, Choice::Mutant(number), limit)?.0);
    Ok(match once()? {
        Outcome::Passed => false,
        Outcome::TimedOut => true,
        Outcome::Failed => once()? != Outcome::Passed,
    })
}
