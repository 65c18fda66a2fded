//! A few mutants of the core, each with a test that must kill it, within seconds: this program works, and so do those tests.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::mutant::Mutant;
use crate::suite::{self, Test};
use crate::trial;

/// The program of the tests.
const PROGRAM: &str = "ring_properties";

/// What must be killed, and by which test.
const MUTANTS: &[(&str, &str)] = &[
    ("ring/consumer.rs:Consumer::copy_out:false:1", "bounds::what_is_copied_out_ends_with_the_payload"),
    ("wait/sleeper.rs:Sleeper::say:no-store:1", "doorbell::a_sleeper_is_roused_once_and_not_rung_again"),
    ("channel/outgoing.rs:Outgoing::rest:true:4", "resting::a_sender_rests_only_while_there_is_no_room"),
];

/// Tries them; what was not as it must be.
///
/// # Errors
///
/// If the tree does not build, or a test cannot be run.
pub fn run(tree: &Path, target: &Path, mutants: &[Mutant]) -> io::Result<Vec<String>> {
    let programs = suite::build(tree, target, &[PROGRAM])?;
    let tests = programs.iter().map(suite::Program::tests).collect::<io::Result<Vec<_>>>()?.concat();
    let faults = MUTANTS.iter().map(|(mutant, test)| fault(tree, mutants, &tests, mutant, test));
    Ok(faults.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect())
}

fn fault(tree: &Path, mutants: &[Mutant], tests: &[Test], mutant: &str, test: &str) -> io::Result<Option<String>> {
    let Some(place) = mutants.iter().position(|known| known.name == mutant) else {
        return Ok(Some(format!("there is no mutant {mutant}")));
    };
    let Some(test) = tests.iter().find(|known| known.name == test) else {
        return Ok(Some(format!("there is no test {test}")));
    };
    if trial::kills(tree, test, place + 1, Duration::ZERO)? {
        println!("{mutant} is killed by {}", test.name);
        return Ok(None);
    }
    Ok(Some(format!("{mutant} is not killed by {}", test.name)))
}
