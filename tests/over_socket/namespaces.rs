//! Peers of other namespaces: what the kernel cannot name is unknown, and not let in unless that is allowed.
//!
//! Real namespaces, by `unshare(1)`. Where they cannot be made (no root, a sandbox), the tests say so and check nothing.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use twinring::{Credentials, Decision, End, RecvTimeoutError, Transport};

use crate::process::{self, Child};
use crate::waits::LONG;

/// A program that starts this test binary in new namespaces.
fn in_namespaces(directory: &TempDir, kinds: &str) -> Option<PathBuf> {
    let possible = Command::new("unshare").args(kinds.split(' ')).arg("true").output();
    if !possible.as_ref().is_ok_and(|output| output.status.success()) {
        println!("NOT TESTED: `unshare {kinds}` does not work here: {possible:?}");
        return None;
    }
    let program = directory.path().join("in-namespaces");
    let test = std::env::current_exe().expect("the path of the test");
    let script = format!("#!/bin/sh\nexec unshare {kinds} {} \"$@\"\n", test.display());
    let mut file = std::fs::File::create(&program).expect("a program");
    file.write_all(script.as_bytes()).expect("its text");
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    file.set_permissions(permissions).expect("its mode");
    Some(program)
}

/// Connects from other namespaces and echoes; says whom it saw, or why not.
pub fn of_another_namespace() {
    let accept_all = process::number("ACCEPTS") == 1;
    let options = crate::options();
    let options = if accept_all { options.authorise(|_| Decision::Accept) } else { options };
    match options.connect(PathBuf::from(process::argument("SOCKET")), LONG) {
        Ok(connection) => {
            process::say(&format!("{:?}", connection.peer()));
            let (mut sender, mut receiver) = connection.split();
            while let Ok(message) = receiver.recv() {
                sender.send(&message.to_vec()).expect("room");
            }
        }
        Err(error) => process::say(&error.to_string()),
    }
}

/// What such a process says, and our end of the connection to it if there is one.
fn meet(kinds: &str, accepts: bool) -> Option<(String, Option<twinring::Connection>, Child)> {
    let directory = TempDir::new().expect("a directory");
    let program = in_namespaces(&directory, kinds)?;
    let mut listener = crate::options().bind(directory.path().join("socket")).expect("a listener");
    let accepts = OsStr::new(if accepts { "1" } else { "0" });
    let arguments = [("SOCKET", listener.path().as_os_str()), ("ACCEPTS", accepts)];
    let mut child = Child::start_as(&program, "of another namespace", &arguments);
    let connection = loop {
        match listener.accept_timeout(std::time::Duration::from_millis(50)) {
            Ok(connection) => break Some(connection),
            Err(_) if listener.counters().declined + listener.counters().failed > 0 => break None,
            Err(_) => {}
        }
    };
    Some((child.hear(), connection, child))
}

#[test]
fn a_process_of_another_pid_namespace_is_served_and_its_death_noticed() {
    let Some((said, connection, child)) = meet("--pid --fork --kill-child", false) else { return };
    assert_eq!(said, format!("{:?}", Credentials { pid: None, ..Credentials::own() }), "whom it sees");
    let connection = connection.expect("a connection");
    // We see into a namespace below ours.
    assert!(connection.peer().pid.is_some());
    assert_eq!(connection.transport(), Transport::Socket);
    let (mut sender, mut receiver) = connection.split();
    sender.send(b"hello").expect("room");
    assert_eq!(receiver.recv_timeout(LONG).expect("an echo").to_vec(), b"hello");
    drop(child);
    assert_eq!(receiver.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Disconnected)));
}

#[test]
fn whoever_has_no_number_here_is_unknown_and_refused_unless_allowed() {
    let Some((said, connection, _child)) = meet("--user", false) else { return };
    assert!(connection.is_none(), "it refused us");
    assert!(said.contains("the user is unknown here"), "{said}");
    let (said, connection, child) = meet("--user", true).expect("namespaces, as before");
    let nobody = Credentials { pid: Some(std::process::id()), uid: None, gid: None };
    assert_eq!(said, format!("{nobody:?}"), "whom it sees");
    // From above, it is who it was.
    let connection = connection.expect("a connection");
    assert_eq!(connection.peer().uid, Credentials::own().uid);
    drop(connection);
    child.finish();
}
