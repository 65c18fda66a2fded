//! The tests of the mutated tree: built once, run one at a time in processes of their own.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::scope::{MODELS, TRACING};

/// What a model says that gave up: it shows nothing.
const GAVE_UP: &str = "exceeded maximum number of branches";

/// The most memory of a process, in KiB: a mutant may want all there is.
const MEMORY: &str = "16000000";

/// A program of tests.
#[derive(Clone, Debug)]
pub struct Program {
    /// What cargo calls it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// When it was built.
    pub built: SystemTime,
}

/// A test function, or a model.
#[derive(Clone, Debug)]
pub struct Test {
    /// Its program.
    pub program: Program,
    /// What its program calls it.
    pub name: String,
}

/// Which mutant a process is.
#[derive(Clone, Copy, Debug)]
pub enum Choice<'a> {
    /// The library as it is.
    None,
    /// This one.
    Mutant(usize),
    /// As it is, and what is come by is noted in this file.
    Trace(&'a Path),
}

/// Builds the programs with these names.
///
/// # Errors
///
/// If one does not build.
pub fn build(tree: &Path, target: &Path, names: &[&str]) -> io::Result<Vec<Program>> {
    let plain = names.iter().filter(|&&name| name != MODELS && name != TRACING);
    let tests: Vec<_> = plain.flat_map(|name| ["--test", name]).collect();
    let mut programs = compile(tree, target, &[&["test", "--no-run", "-p", "twinring"], &tests[..]].concat())?;
    if names.contains(&TRACING) {
        let feature = ["test", "--no-run", "-p", "twinring", "--features", "tracing", "--test", TRACING];
        programs.extend(compile(tree, target, &feature)?);
    }
    if names.contains(&MODELS) {
        programs.extend(compile(tree, target, &["test", "--no-run", "--profile", "loom", "-p", "loom_tests"])?);
    }
    Ok(programs)
}

fn compile(tree: &Path, target: &Path, arguments: &[&str]) -> io::Result<Vec<Program>> {
    let mut command = Command::new("cargo");
    command.args(arguments).args(["--quiet", "--message-format=json-render-diagnostics"]);
    command.current_dir(tree).env("CARGO_TARGET_DIR", target).stderr(Stdio::inherit());
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("the mutated tree does not build: cargo {}", arguments.join(" "))));
    }
    let messages = String::from_utf8_lossy(&output.stdout).into_owned();
    messages.lines().filter_map(|line| executable(line).transpose()).collect()
}

/// What a message of cargo's says was built, if that is a program.
fn executable(message: &str) -> io::Result<Option<Program>> {
    let message: serde_json::Value = serde_json::from_str(message)?;
    let (Some(path), Some(name)) = (message["executable"].as_str(), message["target"]["name"].as_str()) else {
        return Ok(None);
    };
    let built = std::fs::metadata(path)?.modified()?;
    Ok((message["profile"]["test"] == true).then(|| Program { name: name.to_owned(), path: path.into(), built }))
}

impl Program {
    /// Its tests.
    ///
    /// # Errors
    ///
    /// If it cannot be run.
    pub fn tests(&self) -> io::Result<Vec<Test>> {
        let output = Command::new(&self.path).args(["--list", "--format", "terse"]).output()?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let names = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        Ok(names.map(|name| Test { program: self.clone(), name: name.to_owned() }).collect())
    }
}

impl Test {
    /// Runs it in `tree`, for `limit` at most: whether it passed, and how long it took. What it starts ends with it. A model
    /// that gave up has shown nothing, and passes.
    ///
    /// # Errors
    ///
    /// If it cannot be run.
    pub fn run(&self, tree: &Path, choice: Choice<'_>, limit: Duration) -> io::Result<(bool, Duration)> {
        let log = scratch_file(tree, "said")?;
        let mut command = self.command(limit);
        match choice {
            Choice::None => &mut command,
            Choice::Mutant(number) => command.env("TWINRING_MUTANT", number.to_string()),
            Choice::Trace(file) => command.env("TWINRING_MUTANT_REACHED", file),
        };
        // To say where a panic came from takes longer than most tests.
        command.env("RUST_BACKTRACE", "0");
        command.current_dir(tree).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(File::create(&log)?);
        let started = Instant::now();
        let mut child = command.process_group(0).spawn()?;
        // A model ends when this is closed.
        let input = child.stdin.take();
        let status = child.wait()?;
        let took = started.elapsed();
        drop(input);
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // An error says that nothing of it is left.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let said = std::fs::read(&log).unwrap_or_default();
        Ok((status.success() || String::from_utf8_lossy(&said).contains(GAVE_UP), took))
    }

    fn command(&self, limit: Duration) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--signal=KILL", &format!("{:.1}", limit.as_secs_f64())]);
        command.args(["nice", "-n", "10", "sh", "-c", &format!("ulimit -v {MEMORY} -c 0; exec \"$@\""), "sh"]);
        command.arg(&self.program.path);
        if self.program.name == MODELS {
            command.args(["--case", &self.name]);
        } else {
            command.args([&self.name, "--exact", "--nocapture"]);
        }
        command
    }
}

/// A file of this thread's beside the tree.
///
/// # Errors
///
/// If its directory cannot be made.
pub fn scratch_file(tree: &Path, name: &str) -> io::Result<PathBuf> {
    let directory = tree.with_file_name("scratch");
    std::fs::create_dir_all(&directory)?;
    Ok(directory.join(format!("{name}-{}-{:?}", std::process::id(), std::thread::current().id())))
}

/// Says something that will soon be out of date.
pub fn say(text: std::fmt::Arguments<'_>) {
    let mut error = io::stderr().lock();
    // Without a terminal there is nobody to tell.
    let _ = writeln!(error, "{text}");
}
