//! Which test comes by which mutant: a test that does not cannot tell it from the library.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use crate::suite::{Choice, Program, Test, say, scratch_file};
use crate::threads::in_parallel;

/// What no test may take when nothing is wrong.
const LIMIT: Duration = Duration::from_secs(120);

/// A test, how long it takes, and the numbers of what it comes by.
#[derive(Clone, Debug)]
pub struct Reached {
    /// The test.
    pub test: Test,
    /// How long it took.
    pub took: Duration,
    /// In order. Empty for one that fails without a mutant: it can tell nothing.
    pub mutants: Vec<usize>,
}

/// What is known of each test, kept from one run to the next.
#[derive(Debug)]
pub struct Reach {
    path: PathBuf,
    known: HashMap<String, (Duration, Vec<usize>)>,
}

impl Reach {
    /// What is known of the library with this fingerprint.
    pub fn open(directory: &Path, fingerprint: &str) -> Self {
        let path = directory.join(format!("reach-{fingerprint}"));
        let known = fs::read_to_string(&path).unwrap_or_default().lines().filter_map(parse).collect();
        Self { path, known }
    }

    /// All tests of these programs, with what they come by; those that are not known are run, on `jobs` threads.
    ///
    /// # Errors
    ///
    /// If a test cannot be run, or the record cannot be written.
    pub fn of(&mut self, tree: &Path, programs: &[Program], mutants: usize, jobs: usize) -> io::Result<Vec<Reached>> {
        let tests = programs.iter().map(Program::tests).collect::<io::Result<Vec<_>>>()?.concat();
        let unknown: Vec<_> = tests.iter().filter(|test| !self.known.contains_key(&key(test))).collect();
        let found = Mutex::new(Vec::new());
        in_parallel(&unknown, jobs, |test| {
            let new = trace(test, tree, mutants)?;
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            // One that failed is run again the next time.
            if !new.1.is_empty() {
                self.note(&key(test), &new)?;
            }
            found.push((key(test), new));
            Ok(())
        })?;
        self.known.extend(found.into_inner().unwrap_or_else(PoisonError::into_inner));
        let reached = |test: Test| {
            let (took, mutants) = self.known.get(&key(&test)).cloned().unwrap_or_default();
            Reached { test, took, mutants }
        };
        Ok(tests.into_iter().map(reached).collect())
    }

    fn note(&self, key: &str, (took, mutants): &(Duration, Vec<usize>)) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.path)?;
        let numbers: Vec<_> = mutants.iter().map(usize::to_string).collect();
        writeln!(file, "{key}\t{}\t{}", took.as_millis(), numbers.join(" "))
    }
}

/// A test of a program that was built at that time.
fn key(test: &Test) -> String {
    let built = test.program.built.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("{} {} {built}", test.program.name, test.name)
}

fn parse(line: &str) -> Option<(String, (Duration, Vec<usize>))> {
    let mut fields = line.split('\t');
    let (key, took, numbers) = (fields.next()?, fields.next()?.parse().ok()?, fields.next()?);
    let numbers = numbers.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    Some((key.to_owned(), (Duration::from_millis(took), numbers)))
}

fn trace(test: &Test, tree: &Path, mutants: usize) -> io::Result<(Duration, Vec<usize>)> {
    let file = scratch_file(tree, "reached")?;
    fs::write(&file, vec![0; mutants + 1])?;
    let (passed, took) = test.run(tree, Choice::Trace(&file), LIMIT)?;
    if !passed {
        say(format_args!("{} {} fails without a mutant: left out", test.program.name, test.name));
        return Ok((took, Vec::new()));
    }
    let bytes = fs::read(&file)?;
    Ok((took, bytes.iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(number, _)| number).collect()))
}
