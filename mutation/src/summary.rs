//! The score: by module, and what is still to be done.

use crate::explained::Explanation;
use crate::ledger::{Ledger, Verdict};
use crate::mutant::Mutant;
use crate::scope::MODULES;

/// What became of the mutants of a module.
#[derive(Debug, Default, PartialEq, Eq)]
struct Score {
    all: usize,
    killed: usize,
    explained: usize,
    survived: usize,
}

/// Prints the score; what is wrong with it: survivors without a reason, and reasons for mutants that were killed.
#[must_use]
pub fn report(mutants: &[&Mutant], ledger: &Ledger, explanations: &[Explanation]) -> Vec<String> {
    let mut faults = Vec::new();
    println!("| module | mutants | tried | killed | explained | survived |\n|---|---|---|---|---|---|");
    let mut total = Score::default();
    for module in MODULES {
        let mut score = Score::default();
        for mutant in mutants.iter().filter(|mutant| mutant.module == module.name) {
            score.all += 1;
            let explained = explanations.iter().any(|explanation| explanation.fits(&mutant.name));
            match ledger.verdict(&mutant.name) {
                Some(Verdict::Killed(_)) => score.killed += 1,
                Some(Verdict::Survived { .. }) if explained => score.explained += 1,
                Some(Verdict::Survived { tried, of }) => {
                    score.survived += 1;
                    faults.push(format!("{} (line {}) survives {tried} of {of} tests", mutant.name, mutant.line));
                }
                None => {}
            }
        }
        print(module.name, &score);
        total.add(&score);
    }
    print("all", &total);
    faults.extend(refuted(mutants, ledger, explanations));
    faults
}

/// Explanations of which every mutant was killed.
fn refuted(mutants: &[&Mutant], ledger: &Ledger, explanations: &[Explanation]) -> Vec<String> {
    let killed = |mutant: &&&Mutant| matches!(ledger.verdict(&mutant.name), Some(Verdict::Killed(_)));
    let wrong = explanations.iter().filter(|explanation| {
        let mut of: Vec<_> = mutants.iter().filter(|mutant| explanation.fits(&mutant.name)).collect();
        let all = of.len();
        of.retain(killed);
        all > 0 && of.len() == all
    });
    wrong.map(|explanation| format!("{} is explained, and was killed", explanation.pattern)).collect()
}

impl Score {
    fn add(&mut self, other: &Self) {
        self.all += other.all;
        self.killed += other.killed;
        self.explained += other.explained;
        self.survived += other.survived;
    }
}

fn print(name: &str, score: &Score) {
    let Score { all, killed, explained, survived } = score;
    println!("| {name} | {all} | {} | {killed} | {explained} | {survived} |", killed + explained + survived);
}
