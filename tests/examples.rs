//! The examples as a reader runs them: real processes, which must end well and print what they are there to show.

#[path = "support/program.rs"]
mod program;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tempfile::TempDir;

use program::program;

/// Longer than any of them takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every example, and what it prints among other things, in this order.
const EXAMPLES: [(&str, &[&str]); 7] = [
    (
        "appview",
        &[
            "status 200, 29 bytes in one frame\n",
            " bytes in several frames\n",
            "status 200, 14 bytes in one frame\n",
            "status 200, 28 bytes in one frame\n",
            "status 501, 14 bytes in one frame\n",
            "viewed: it went on meanwhile: true, the viewer ended with exit status: 0\n",
        ],
    ),
    (
        "add",
        &[
            " wants 40 + 2\n",
            "client: 40 + 2 = 42\n",
            " wants 9223372036854775807 + 1\n",
            "client: 9223372036854775807 + 1: the sum is too large\n",
            "the client has left, with exit status: 0\n",
        ],
    ),
    (
        "async_echo",
        &[
            "visitor: one after a while\n",
            "visitor: another\n",
            "visitor: waited for, in time: false\n",
            "service: the visitor ended with exit status: 0\n",
            "service: 0 cut off\n",
        ],
    ),
    (
        "inherited",
        &[
            "talks to its child, process ",
            "the square of 2 is 4\n",
            "the square of 3 is 9\n",
            "the square of 1000003 is 1000006000009\n",
            "the child has left in order, with exit status: 0\n",
        ],
    ),
    ("poll", &["received [1, 0, 0, 0]\n", "received [5, 0, 0, 0]\n", "the sender has closed its end\n"]),
    (
        "quickstart",
        &[
            "two processes -> TWO PROCESSES\n",
            "two rings -> TWO RINGS\n",
            "no lock and no system call -> NO LOCK AND NO SYSTEM CALL\n",
            "the other side has closed its end, with exit status: 0\n",
        ],
    ),
    (
        "selector_service",
        &[
            "service: client 1 is process ",
            "visitor: the total is 42\n",
            "visitor: ran, and failed: expected 8 bytes, came 5\n",
            "visitor: strap ni retal\n",
            "visitor: news: you are subscribed\n",
            "visitor: not run: the peer has no handler for this selector\n",
            "service: the visitor ended with exit status: 0\n",
            "service: 0 cut off\n",
        ],
    ),
];

/// These two run together: `tests/generic_ipc.rs` has them do so.
const TOGETHER: [&str; 2] = ["generic_ipc_client", "generic_ipc_server"];

/// Runs it to its end; what it printed.
fn run(name: &str) -> String {
    let names = TempDir::new().expect("a directory for the names of endpoints");
    let mut command = Command::new(program(name));
    command.env("XDG_RUNTIME_DIR", names.path()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("an example that starts");
    if !ends(&child) {
        child.kill().expect("a process to kill");
        panic!("example {name} is not done after {PATIENCE:?}");
    }
    let output = child.wait_with_output().expect("what it printed");
    let (printed, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.is_empty(), "example {name}: {}\n{printed}{said}", output.status);
    printed.into_owned()
}

fn ends(child: &Child) -> bool {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty()).expect("a process");
    let timeout = PATIENCE.try_into().expect("a time that the kernel takes");
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&timeout)).expect("a poll") > 0
}

/// # Panics
///
/// If `printed` does not hold these, one after the other.
fn assert_prints(name: &str, printed: &str, expected: &[&str]) {
    let mut rest = printed;
    for words in expected {
        match rest.split_once(words) {
            Some((_, after)) => rest = after,
            None => panic!("example {name} does not print {words:?} in its turn:\n{printed}"),
        }
    }
}

#[test]
fn every_example_ends_well_and_prints_what_it_shows() {
    for (name, expected) in EXAMPLES {
        assert_prints(name, &run(name), expected);
    }
}

#[test]
fn every_example_is_run_and_told_of() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).expect("the front page");
    let files = fs::read_dir(root.join("examples")).expect("the examples");
    let stem = |path: PathBuf| path.file_stem().expect("a name").to_str().expect("a plain name").to_owned();
    let found: BTreeSet<_> = files.map(|file| stem(file.expect("an example").path())).collect();
    let run: BTreeSet<_> = EXAMPLES.iter().map(|&(name, _)| name).chain(TOGETHER).map(str::to_owned).collect();
    assert_eq!(found, run, "every example stands in EXAMPLES, with what it prints");
    for name in found {
        assert!(readme.contains(&format!("`examples/{name}.rs`")), "README.md does not tell of examples/{name}.rs");
    }
}
