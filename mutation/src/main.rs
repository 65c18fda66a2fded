//! The command: what was asked for, and where everything is. The manual is with the library.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use twinring_mutation::explained::{self, Explanation};
use twinring_mutation::ledger::{Ledger, Verdict};
use twinring_mutation::mutant::Mutant;
use twinring_mutation::reach::Reach;
use twinring_mutation::scope::MODULES;
use twinring_mutation::tree::Library;
use twinring_mutation::trial::{self, Bench};
use twinring_mutation::{sample, suite, summary};

/// What the tests of one mutant may take, in seconds, unless told.
const PATIENCE: u64 = 10;

/// Where everything is.
struct Places {
    root: PathBuf,
    target: PathBuf,
    /// What this program writes.
    own: PathBuf,
}

impl Places {
    fn find() -> io::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        let own = target.join("mutation");
        std::fs::create_dir_all(&own)?;
        Ok(Self { root, target, own })
    }

    fn tree(&self) -> PathBuf {
        self.own.join("tree")
    }
}

/// What was asked for.
#[derive(Default)]
struct Wish {
    list: bool,
    check: bool,
    sample: bool,
    again: bool,
    patience: Option<u64>,
    jobs: Option<usize>,
    filters: Vec<String>,
}

impl Wish {
    fn read(mut arguments: impl Iterator<Item = String>) -> io::Result<Self> {
        let mut wish = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--list" => wish.list = true,
                "--check" => wish.check = true,
                "--sample" => wish.sample = true,
                "--again" => wish.again = true,
                "--patience" => wish.patience = arguments.next().and_then(|number| number.parse().ok()),
                "--jobs" => wish.jobs = arguments.next().and_then(|number| number.parse().ok()),
                unknown if unknown.starts_with('-') => {
                    return Err(io::Error::other(format!("unknown option {unknown}")));
                }
                filter => wish.filters.push(filter.to_owned()),
            }
        }
        Ok(wish)
    }

    fn wants(&self, mutant: &Mutant) -> bool {
        self.filters.is_empty() || self.filters.iter().any(|filter| mutant.name.contains(filter.as_str()))
    }
}

fn main() -> ExitCode {
    let faults = Wish::read(env::args().skip(1)).and_then(|wish| run(&wish));
    match faults {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => {
            println!("\n{}", faults.join("\n"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked for; what was found wrong.
fn run(wish: &Wish) -> io::Result<Vec<String>> {
    let places = Places::find()?;
    let library = Library::read(&places.root)?;
    let explanations = explained::read(&places.root.join("mutation/explained.txt"))?;
    if wish.list {
        library.mutants.iter().filter(|mutant| wish.wants(mutant)).for_each(|mutant| list(mutant, &explanations));
        return Ok(Vec::new());
    }
    let faults = explained::faults(&explanations, &library.mutants);
    println!("{} mutants, {} explanations", library.mutants.len(), explanations.len());
    if wish.check || !faults.is_empty() {
        return Ok(faults);
    }
    library.plant(&places.root, &places.tree())?;
    if wish.sample {
        sample::run(&places.tree(), &places.target, &library.mutants)
    } else {
        all(wish, &places, &library, &explanations)
    }
}

fn list(mutant: &Mutant, explanations: &[Explanation]) {
    let reason = explanations.iter().find(|explanation| explanation.fits(&mutant.name));
    let reason = reason.map(|explanation| format!(": {}", explanation.reason)).unwrap_or_default();
    println!("{} (line {}){reason}", mutant.name, mutant.line);
}

/// Tries what is wanted and not yet known.
fn all(wish: &Wish, places: &Places, library: &Library, explanations: &[Explanation]) -> io::Result<Vec<String>> {
    let fingerprint = library.fingerprint();
    let ledger = Ledger::open(&places.own, &fingerprint);
    let explained = |mutant: &Mutant| explanations.iter().any(|explanation| explanation.fits(&mutant.name));
    let known = |mutant: &Mutant| match ledger.verdict(&mutant.name) {
        Some(Verdict::Killed(_)) => !wish.again,
        Some(Verdict::Survived { .. }) => explained(mutant) && !wish.again,
        None => false,
    };
    let wanted: Vec<_> = library.mutants.iter().filter(|mutant| wish.wants(mutant)).collect();
    let open = |place: &usize| wish.wants(&library.mutants[*place]) && !known(&library.mutants[*place]);
    let mut untried: Vec<_> = (0..library.mutants.len()).filter(open).collect();
    let rank = |place: &usize| MODULES.iter().position(|module| module.name == library.mutants[*place].module);
    untried.sort_by_key(rank);

    let mut names: Vec<_> = MODULES
        .iter()
        .filter(|module| untried.iter().any(|place| library.mutants[*place].module == module.name))
        .flat_map(|module| module.programs.iter().copied())
        .collect();
    names.sort_unstable();
    names.dedup();
    if !names.is_empty() {
        let (tree, jobs) = (places.tree(), wish.jobs.unwrap_or(1));
        let programs = suite::build(&tree, &places.target, &names)?;
        let tests = Reach::open(&places.own, &fingerprint).of(&tree, &programs, library.mutants.len(), jobs)?;
        let patience = Duration::from_secs(wish.patience.unwrap_or(PATIENCE));
        let bench = Bench::new(&tree, &tests, patience);
        trial::try_all(&bench, &library.mutants, &untried, &ledger, jobs)?;
    }
    Ok(summary::report(&wanted, &ledger, explanations))
}
