//! Programs that find each other because they lie in one directory.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;
use twinring::{ConnectError, Endpoint, Listener, connect};

use crate::process::{self, Child};
use crate::waits::LONG;

const SHORT: Duration = Duration::from_millis(30);

/// A directory with two programs in it, on the file system of this one.
fn installed() -> TempDir {
    let here = env::current_exe().expect("the path of the test");
    let directory = TempDir::new_in(here.parent().expect("its directory")).expect("a directory");
    for name in ["listener", "client"] {
        // No copy: a file that was open for writing a moment ago may still be so in a child that another test starts.
        fs::hard_link(&here, directory.path().join(name)).expect("a second name of this program");
    }
    directory
}

/// Starts one of the programs of a directory.
fn start(program: PathBuf, runtime: &TempDir, patience: Duration) -> Child {
    let part = if program.ends_with("listener") { "listens beside" } else { "connects beside" };
    let patience = patience.as_millis().to_string();
    let arguments = [("XDG_RUNTIME_DIR", runtime.path().as_os_str()), ("PATIENCE", OsStr::new(&patience))];
    let mut child = Child::start_as(&program, part, &arguments);
    assert_eq!(child.hear(), "here");
    child
}

/// Listens, and says who came.
pub fn listens() {
    let mut listener = Listener::bind(Endpoint::beside_exe().expect("a name")).expect("a listener");
    process::say("here");
    let connection = listener.accept().expect("a client");
    process::say(&format!("met {}", connection.peer().pid.expect("a process")));
    process::await_word();
}

/// Connects, and says to whom.
pub fn connects() {
    let endpoint = Endpoint::beside_exe().expect("a name");
    process::say("here");
    match connect(endpoint, Duration::from_millis(process::number("PATIENCE"))) {
        Ok(connection) => process::say(&format!("met {}", connection.peer().pid.expect("a process"))),
        Err(ConnectError::Absent { .. }) => process::say("met nobody"),
        Err(error) => process::say(&error.to_string()),
    }
}

/// Both say that they met each other, and end well.
fn assert_met(mut listener: Child, mut client: Child) {
    let (listening, connecting) = (listener.id(), client.id());
    assert_eq!(listener.hear(), format!("met {connecting}"));
    assert_eq!(client.hear(), format!("met {listening}"));
    listener.go_on();
    listener.finish();
    client.finish();
}

#[test]
fn programs_of_one_directory_find_each_other_whichever_starts_first() {
    let (runtime, directory) = (TempDir::new().expect("a directory"), installed());
    let start = |name| start(directory.path().join(name), &runtime, LONG);
    for listener_first in [true, false] {
        let (listener, client) = if listener_first {
            let listener = start("listener");
            (listener, start("client"))
        } else {
            let client = start("client");
            (start("listener"), client)
        };
        assert_met(listener, client);
    }
}

#[test]
fn programs_of_different_directories_do_not_find_each_other() {
    let runtime = TempDir::new().expect("a directory");
    let (one, other) = (installed(), installed());
    let listener = start(one.path().join("listener"), &runtime, LONG);
    let mut stranger = start(other.path().join("client"), &runtime, SHORT);
    assert_eq!(stranger.hear(), "met nobody");
    stranger.finish();
    assert_met(listener, start(one.path().join("client"), &runtime, LONG));
}

#[test]
fn a_directory_that_is_moved_or_reached_through_a_link_is_the_same() {
    let (runtime, directory) = (TempDir::new().expect("a directory"), installed());
    let listener = start(directory.path().join("listener"), &runtime, LONG);
    let moved = directory.path().with_extension("moved");
    fs::rename(directory.path(), &moved).expect("another name");
    let link = runtime.path().join("link");
    symlink(&moved, &link).expect("a link");
    let client = start(link.join("client"), &runtime, LONG);
    assert_met(listener, client);
    fs::rename(moved, directory.path()).expect("its own name");
}

#[test]
fn the_name_is_made_from_device_and_inode() {
    let here = env::current_exe().expect("the path of the test");
    let found = fs::metadata(here.parent().unwrap_or(Path::new("/"))).expect("its directory");
    let expected = format!("beside-{:x}-{:x}", found.dev(), found.ino());
    assert_eq!(Endpoint::beside_exe().expect("a name").to_string(), expected);
}
