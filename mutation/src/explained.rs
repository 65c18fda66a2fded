//! Mutants that no test can tell from the library, each with the reason.

use std::fs;
use std::io;
use std::path::Path;

use crate::mutant::Mutant;

/// A mutant, or several whose names begin alike, and why no test can tell.
#[derive(Debug)]
pub struct Explanation {
    /// A name; with `*` at its end, the beginning of names.
    pub pattern: String,
    /// Why.
    pub reason: String,
}

impl Explanation {
    /// Whether it is of this mutant.
    #[must_use]
    pub fn fits(&self, mutant: &str) -> bool {
        match self.pattern.strip_suffix('*') {
            Some(start) => mutant.starts_with(start),
            None => mutant == self.pattern,
        }
    }
}

/// Reads `mutation/explained.txt`: lines of `name = reason`.
///
/// # Errors
///
/// If it cannot be read, or a line has no reason.
pub fn read(path: &Path) -> io::Result<Vec<Explanation>> {
    let text = fs::read_to_string(path)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(" = ") {
            Some((pattern, reason)) if !reason.trim().is_empty() => {
                Ok(Explanation { pattern: pattern.to_owned(), reason: reason.to_owned() })
            }
            _ => Err(io::Error::other(format!("wanted `name = reason`, found: {line}"))),
        })
        .collect()
}

/// Explanations of mutants that there are not, and of one mutant twice.
#[must_use]
pub fn faults(explanations: &[Explanation], mutants: &[Mutant]) -> Vec<String> {
    let fits = |explanation: &Explanation| mutants.iter().filter(|mutant| explanation.fits(&mutant.name)).count();
    let idle = explanations.iter().filter(|explanation| fits(explanation) == 0);
    let idle = idle.map(|explanation| format!("there is no mutant {}", explanation.pattern));
    let twice = mutants
        .iter()
        .filter(|mutant| explanations.iter().filter(|explanation| explanation.fits(&mutant.name)).count() > 1);
    idle.chain(twice.map(|mutant| format!("{} is explained twice", mutant.name))).collect()
}
