//! Tries mutants: the tests of its module that come by it, until one fails. Quick ones first, those that come by little else,
//! and those that often kill.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::ledger::{Ledger, Verdict};
use crate::mutant::Mutant;
use crate::reach::Reached;
use crate::scope::{MODELS, MODULES};
use crate::suite::{Choice, Test, say};
use crate::threads::in_parallel;

/// What mutants are tried with.
#[derive(Debug)]
pub struct Bench<'a> {
    tree: &'a Path,
    tests: &'a [Reached],
    /// How many mutants each test has killed.
    kills: Vec<AtomicU32>,
    /// What the tests of one mutant may take.
    patience: Duration,
}

/// Tries the mutants at these places of `mutants`, on `jobs` threads.
///
/// # Errors
///
/// If a test cannot be run, or a verdict not be written.
pub fn try_all(
    bench: &Bench<'_>,
    mutants: &[Mutant],
    places: &[usize],
    ledger: &Ledger,
    jobs: usize,
) -> io::Result<()> {
    in_parallel(places, jobs, |&place| {
        let verdict = bench.attempt(&mutants[place], place + 1)?;
        say(format_args!("{} (line {}) {verdict:?}", mutants[place].name, mutants[place].line));
        ledger.note(&mutants[place].name, verdict)
    })
}

impl<'a> Bench<'a> {
    /// These tests, in this tree, of which those of one mutant may take so long.
    pub fn new(tree: &'a Path, tests: &'a [Reached], patience: Duration) -> Self {
        Self { tree, tests, kills: tests.iter().map(|_| AtomicU32::new(0)).collect(), patience }
    }

    fn attempt(&self, mutant: &Mutant, number: usize) -> io::Result<Verdict> {
        let tests = self.tests_of(mutant, number);
        let (mut tried, mut spent) = (0, Duration::ZERO);
        for &test in &tests {
            let Reached { test: killer, took, .. } = &self.tests[test];
            spent += *took;
            if spent > self.patience && tried > 0 {
                break;
            }
            if kills(self.tree, killer, number, *took)? {
                self.kills[test].fetch_add(1, Ordering::Relaxed);
                return Ok(Verdict::Killed(format!("{} {}", killer.program.name, killer.name)));
            }
            tried += 1;
        }
        Ok(Verdict::Survived { tried, of: tests.len() })
    }

    /// The places of the tests of its module that come by a mutant, in the order in which they are to be tried.
    fn tests_of(&self, mutant: &Mutant, number: usize) -> Vec<usize> {
        let module = MODULES.iter().find(|module| module.name == mutant.module);
        let programs = module.map_or(&[][..], |module| module.programs);
        let fits = |&test: &usize| {
            let reached = &self.tests[test];
            programs.contains(&&*reached.test.program.name) && reached.mutants.binary_search(&number).is_ok()
        };
        let mut tests: Vec<_> = (0..self.tests.len()).filter(fits).collect();
        // What is weaker than this processor is, only a model can tell.
        let ordering = mutant.is_ordering();
        tests.sort_by_key(|&test| {
            let Reached { test: of, took, mutants } = &self.tests[test];
            let kills = 1 + self.kills[test].load(Ordering::Relaxed);
            (ordering && of.program.name != MODELS, took.as_millis() as usize * mutants.len() / kills as usize)
        });
        tests
    }
}

/// Whether a test tells the mutant from the library: with it, it fails or does not end, twice, and in between passes without.
/// The second time it has twice the time, because whatever else this machine does may be in its way.
///
/// # Errors
///
/// If it cannot be run.
pub fn kills(tree: &Path, test: &Test, number: usize, usual: Duration) -> io::Result<bool> {
    let limit = Duration::from_secs(4) + usual * 6;
    let passes = |choice, limit| Ok::<_, io::Error>(test.run(tree, choice, limit)?.0);
    Ok(!passes(Choice::Mutant(number), limit)?
        && passes(Choice::None, limit)?
        && !passes(Choice::Mutant(number), limit * 2)?)
}
