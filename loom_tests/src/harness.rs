//! Runs the models and the mutants, each in a process of its own, and counts them.

use std::fmt;
use std::io::{self, Read};
use std::panic;
use std::process::{self, Command, ExitCode, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use loom::model::Builder;

use crate::models::{MODELS, Model};
use crate::mutants::{Caught, MUTANTS};
use crate::mutation::Mutation;

/// The first argument of a process that runs a single case.
const CHILD: &str = "--case";

/// Asks for the names of the models, in the manner of the usual test program.
const LIST: &str = "--list";

/// Set to run the long models too.
const DEEP: &str = "LOOM_TESTS_DEEP";

/// Switches of threads at will in one interleaving, unless `LOOM_MAX_PREEMPTIONS` says otherwise.
const PREEMPTIONS: usize = 3;

/// More than any model takes: what exceeds it spins for ever.
const BRANCHES: usize = 10_000;

/// What no case may take, unless more was asked for than usual.
const LIMIT: Duration = Duration::from_secs(100);

/// A model that must hold, or one that must fail, saying this.
#[derive(Clone, Copy, Debug)]
struct Case {
    model: &'static Model,
    mutant: Option<&'static Caught>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutant {
            None => f.write_str(self.model.name),
            Some(mutant) => write!(f, "{}::{:?}", self.model.name, mutant.mutation),
        }
    }
}

/// What became of a case.
struct Outcome {
    case: Case,
    /// What went wrong, if anything did.
    fault: Option<String>,
    interleavings: String,
    took: Duration,
}

/// The program: with a case it runs that, otherwise all whose names contain one of the arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, name] = &arguments[..]
        && flag == CHILD
    {
        run(&cases().into_iter().find(|case| case.to_string() == *name).expect("a case that exists"));
        return ExitCode::SUCCESS;
    }
    if arguments.iter().any(|argument| argument == LIST) {
        list();
        return ExitCode::SUCCESS;
    }
    // Other options of the usual test program are of no use here.
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |case: &Case| filters.is_empty() || filters.iter().any(|&filter| case.to_string().contains(filter));
    report(&run_all(cases().into_iter().filter(wanted).collect()))
}

fn list() {
    for case in cases().iter().filter(|case| case.mutant.is_none()) {
        println!("{case}: test");
    }
}

fn cases() -> Vec<Case> {
    let deep = std::env::var_os(DEEP).is_some();
    let models = MODELS.iter().filter(|model| deep || !model.deep).map(|model| Case { model, mutant: None });
    let mutants = MUTANTS.iter().map(|mutant| {
        let model = MODELS.iter().find(|model| model.name == mutant.model).expect("a model that exists");
        Case { model, mutant: Some(mutant) }
    });
    models.chain(mutants).collect()
}

/// Runs one case in this process: returns if the model holds, panics if it does not.
fn run(case: &Case) {
    say_first_panic();
    thread::spawn(end_with_parent);
    thread::spawn(end_in_time);
    let mut builder = Builder::new();
    builder.max_branches = BRANCHES;
    builder.preemption_bound.get_or_insert(PREEMPTIONS);
    let interleavings = Arc::new(AtomicU64::new(0));
    let (model, mutation) = (case.model.run, case.mutant.map_or(Mutation::None, |mutant| mutant.mutation));
    builder.check({
        let interleavings = Arc::clone(&interleavings);
        move || {
            interleavings.fetch_add(1, Ordering::Relaxed);
            model(mutation);
        }
    });
    println!("{}", interleavings.load(Ordering::Relaxed));
}

/// Ends this process when the one that started it has ended, whatever became of that.
fn end_with_parent() {
    // An error says the same as the end of the file.
    let _ = io::stdin().read(&mut [0]);
    process::exit(1);
}

/// Ends this process when its time is up.
fn end_in_time() {
    if std::env::var_os(DEEP).is_none() && std::env::var_os("LOOM_MAX_PREEMPTIONS").is_none() {
        thread::sleep(LIMIT);
        eprintln!("not done after {} s", LIMIT.as_secs());
        process::exit(1);
    }
}

/// Prints the first panic only: those that follow come from loom taking the model down.
fn say_first_panic() {
    static SAID: AtomicBool = AtomicBool::new(false);
    panic::set_hook(Box::new(|info| {
        if !SAID.swap(true, Ordering::Relaxed) {
            eprintln!("{info}");
        }
    }));
}

/// Runs the cases, as many at a time as there are processors, and says what becomes of each.
fn run_all(cases: Vec<Case>) -> Vec<Outcome> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = try_case(case);
                    println!("{outcome}");
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push(outcome);
                }
            });
        }
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn try_case(case: Case) -> Outcome {
    let started = Instant::now();
    let output = output(case).expect("a process for a case");
    let interleavings = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Outcome { case, fault: fault(case, &output), interleavings, took: started.elapsed() }
}

fn output(case: Case) -> io::Result<Output> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args([CHILD, &case.to_string()]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    // Held until the child has ended: it ends itself when this is closed.
    let _alive = child.stdin.take();
    child.wait_with_output()
}

/// What is wrong with what a case did.
fn fault(case: Case, output: &Output) -> Option<String> {
    let said = String::from_utf8_lossy(&output.stderr);
    match (case.mutant, output.status.success()) {
        (None, true) => None,
        (None, false) => Some(said.into_owned()),
        (Some(_), true) => Some("not caught".to_owned()),
        (Some(mutant), false) if said.contains(mutant.message) => None,
        (Some(mutant), false) => Some(format!("wanted \"{}\", but it says: {said}", mutant.message)),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match (&self.fault, self.case.mutant) {
            (Some(fault), _) => &format!("FAILED\n{fault}"),
            (None, Some(_)) => "caught",
            (None, None) => &format!("holds in {} interleavings", self.interleavings),
        };
        write!(f, "{:>6.1} s  {}: {verdict}", self.took.as_secs_f64(), self.case)
    }
}

fn report(outcomes: &[Outcome]) -> ExitCode {
    let failed = outcomes.iter().filter(|outcome| outcome.fault.is_some()).count();
    let passed = outcomes.len() - failed;
    let mutants: Vec<_> = outcomes.iter().filter(|outcome| outcome.case.mutant.is_some()).collect();
    let caught = mutants.iter().filter(|outcome| outcome.fault.is_none()).count();
    println!();
    for outcome in outcomes.iter().filter(|outcome| outcome.fault.is_some()) {
        println!("FAILED: {}", outcome.case);
    }
    println!("{} models hold, {caught} mutants of {} are caught", passed - caught, mutants.len());
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
