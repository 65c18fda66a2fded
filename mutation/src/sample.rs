//! A few mutants of the core that must be killed, within seconds: this program works, and so do the tests that it relies on.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::mutant::Mutant;
use crate::suite::{self, Choice};
use crate::trial;

/// The programs that must kill them.
const PROGRAMS: &[&str] = &["ring_properties"];

/// What must be killed.
const MUTANTS: &[&str] = &[
    "ring/producer.rs:Producer::claim_known:boundary:2",
    "ring/producer.rs:Producer::commit:no-store:1",
    "ring/consumer.rs:Consumer::publish:no-store:1",
];

/// Tries them; what was not as it must be.
///
/// # Errors
///
/// If the tree does not build, or a test cannot be run.
pub fn run(tree: &Path, target: &Path, mutants: &[Mutant]) -> io::Result<Vec<String>> {
    let mut tests = Vec::new();
    for program in suite::build(tree, target, PROGRAMS)? {
        tests.extend(program.tests()?);
    }
    let mut faults = Vec::new();
    for test in &tests {
        if !test.run(tree, Choice::None, Duration::from_secs(60))?.0 {
            faults.push(format!("{} fails without a mutant", test.name));
        }
    }
    for name in MUTANTS {
        let Some(place) = mutants.iter().position(|mutant| mutant.name == *name) else {
            faults.push(format!("there is no mutant {name}"));
            continue;
        };
        let mut killer = None;
        for test in &tests {
            if trial::kills(tree, test, place + 1, Duration::ZERO)? {
                killer = Some(&test.name);
                break;
            }
        }
        match killer {
            Some(test) => println!("{name}: killed by {test}"),
            None => faults.push(format!("{name} survives")),
        }
    }
    Ok(faults)
}
