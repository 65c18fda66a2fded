//! Programs in C, compiled by the system's compiler and run as processes.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::time::Duration;
use std::{env, thread};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tempfile::TempDir;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Werror", "-Wpedantic", "-g"];

/// How programs are built and run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum How {
    /// With the shared library.
    Shared,
    /// With the static library.
    Static,
    /// With the shared library, watched by the address sanitizer.
    Sanitized,
    /// With the shared library, watched by valgrind.
    Valgrind,
}

/// A directory with programs, and one for the names of endpoints.
pub struct Programs {
    how: How,
    directory: TempDir,
    runtime: TempDir,
}

/// Says past the test's captured output what could not be tested here.
fn skip(what: &str) {
    // Nothing can be done about standard error being gone.
    let _ = writeln!(io::stderr(), "\nNOT TESTED HERE: {what}\n");
}

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Where cargo puts the libraries: beside this test.
fn libraries() -> PathBuf {
    let test = env::current_exe().expect("the path of the test");
    test.parent().expect("a directory of tests").to_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl Programs {
    /// `None`, and said aloud, if this machine has not what is needed.
    pub fn new(how: How) -> Option<Self> {
        if !has("cc") || !has("c++") {
            skip("programs in C, for want of a compiler (cc and c++)");
            return None;
        }
        if how == How::Valgrind && !has("valgrind") {
            skip("memory errors and leaks, for want of valgrind");
            return None;
        }
        let directory = || TempDir::new().expect("a directory");
        let programs = Self { how, directory: directory(), runtime: directory() };
        if how == How::Sanitized && !programs.can_sanitize() {
            skip("memory errors and leaks, for want of the address sanitizer");
            return None;
        }
        Some(programs)
    }

    fn can_sanitize(&self) -> bool {
        let source = self.directory.path().join("empty.c");
        std::fs::write(&source, "int main(void) { return 0; }\n").expect("a file");
        let mut command = Command::new("cc");
        command.arg("-fsanitize=address").arg(&source).arg("-o").arg(self.directory.path().join("empty"));
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// The directory in which the programs lie.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The directory of the user's endpoints, as the programs are told.
    pub fn runtime(&self) -> &Path {
        self.runtime.path()
    }

    /// Compiles a program of `tests/programs`.
    pub fn compile(&self, source: &str) {
        self.compile_file(&root().join("tests/programs").join(source), source);
    }

    /// Compiles a program that is given as text, to be started by this name.
    pub fn compile_text(&self, text: &str, source: &str) {
        let path = self.directory.path().join(source);
        std::fs::write(&path, text).expect("a file");
        self.compile_file(&path, source);
    }

    fn compile_file(&self, path: &Path, source: &str) {
        let (compiler, standard) = if source.ends_with(".cpp") { ("c++", "-std=c++11") } else { ("cc", "-std=c11") };
        let mut command = Command::new(compiler);
        command.arg(standard).args(WARNINGS).arg("-D_GNU_SOURCE");
        command.arg("-I").arg(root().join("include"));
        command.arg(path).arg("-o").arg(self.program(source));
        if self.how == How::Sanitized {
            command.arg("-fsanitize=address");
        }
        let libraries = libraries();
        match self.how {
            // What the README says of each.
            How::Static => {
                command.arg(libraries.join("libtwinring_c.a")).args(["-lpthread", "-ldl", "-lm"]);
            }
            _ => {
                let mut path = std::ffi::OsString::from("-Wl,-rpath,");
                path.push(&libraries);
                command.arg("-L").arg(&libraries).arg("-ltwinring_c").arg(path).arg("-lpthread");
            }
        }
        let output = command.output().expect("a compiler that runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{source}: {said}");
    }

    fn program(&self, source: &str) -> PathBuf {
        let name = source.split_once('.').expect("a source").0;
        self.directory.path().join(name)
    }

    /// Starts a program that was compiled.
    pub fn start(&self, source: &str, arguments: &[&str]) -> Running {
        self.start_with(source, arguments, &[])
    }

    /// The same with more in its environment.
    pub fn start_with(&self, source: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Running {
        let program = self.program(source);
        let mut command = match self.how {
            How::Valgrind => {
                let mut command = Command::new("valgrind");
                command.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--num-callers=30"]);
                command.args(["--show-leak-kinds=definite,indirect", "--fair-sched=yes"]);
                command.arg("--errors-for-leak-kinds=definite,indirect").arg(program);
                command
            }
            _ => Command::new(program),
        };
        command.args(arguments).env("XDG_RUNTIME_DIR", self.runtime.path()).envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("a program that starts");
        let out = BufReader::new(process.stdout.take().expect("its output"));
        let errors = process.stderr.take().expect("its errors");
        Running { name: source.to_owned(), process, out, errors: Some(thread::spawn(|| read_all(errors))) }
    }

    /// Compiles a program, runs it to its end, which must be a good one, and returns what it printed.
    pub fn run(&self, source: &str, arguments: &[&str]) -> String {
        self.compile(source);
        self.start(source, arguments).finish()
    }
}

/// What a program says, without valgrind's notes on itself: what it found begins with `==`, and that it knows some system call not
/// with `--`. The library goes on without that call, as on an old kernel.
fn read_all(errors: ChildStderr) -> String {
    let lines = BufReader::new(errors).lines().map(|line| line.expect("its errors") + "\n");
    lines.filter(|line| !line.starts_with("--")).collect()
}

/// A program that runs. Killed when dropped.
pub struct Running {
    name: String,
    process: Child,
    out: BufReader<ChildStdout>,
    errors: Option<thread::JoinHandle<String>>,
}

impl Running {
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it with SIGKILL and reaps it.
    pub fn kill(mut self) {
        self.process.kill().expect("a process to kill");
        self.process.wait().expect("a process to wait for");
    }

    /// The next line that it prints.
    pub fn line(&mut self) -> String {
        let patience = Timespec::try_from(PATIENCE).expect("a time");
        if self.out.buffer().is_empty() {
            let mut out = [PollFd::new(self.out.get_ref(), PollFlags::IN)];
            assert!(poll(&mut out, Some(&patience)).expect("a poll") > 0, "{} says nothing", self.name);
        }
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        if line.is_empty() {
            let errors = self.errors.take().map(|errors| errors.join().expect("its errors"));
            panic!("{} has ended: {}", self.name, errors.unwrap_or_default());
        }
        line.trim_end().to_owned()
    }

    /// Lets it go on from where it waits for a line.
    pub fn go_on(&mut self) {
        let stdin = self.process.stdin.as_mut().expect("its standard input");
        stdin.write_all(b"\n").expect("a program that listens");
    }

    /// Waits for its end: its exit code, what it still printed, and its errors.
    pub fn end(mut self) -> (Option<i32>, String, String) {
        let process = pidfd_open(Pid::from_child(&self.process), PidfdFlags::empty()).expect("a process");
        let patience = Timespec::try_from(PATIENCE).expect("a time");
        let ended = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience)).expect("a poll") > 0;
        if !ended {
            self.process.kill().expect("a process to kill");
        }
        let mut printed = String::new();
        self.out.read_to_string(&mut printed).expect("what it printed");
        let errors = self.errors.take().map(|errors| errors.join().expect("its errors")).unwrap_or_default();
        let status = self.process.wait().expect("a process to wait for");
        assert!(ended, "{} has not ended after {PATIENCE:?}\n{printed}{errors}", self.name);
        (status.code(), printed, errors)
    }

    /// Waits for its end, which must be a good one; what it still printed.
    pub fn finish(self) -> String {
        let name = self.name.clone();
        let (code, printed, errors) = self.end();
        assert!(code == Some(0) && errors.is_empty(), "{name}: {code:?}\n{printed}{errors}");
        printed
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended and been waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
