//! Who may ask, and what asking does to who is asked: nothing.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::unistd::{Uid, setuid};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::counted::busy_owner;
use crate::handed::socket_of;
use crate::process::{self, Child, say};
use crate::waits::until;
use crate::{opened, raw};

/// Becomes another user, asks, and tells what came.
pub fn stranger() {
    let path = process::argument("path");
    setuid(Uid::from_raw(12_345)).expect("root may become anybody");
    let socket = raw::client(Path::new(&path));
    let came = raw::receive(&socket);
    say(if came.is_none() { "turned away" } else { "let in" });
}

#[test]
fn another_user_is_turned_away() {
    if !Uid::effective().is_root() {
        eprintln!("left out: only root can become another user");
        return;
    }
    let directory = TempDir::new().expect("a directory");
    let (socket, runtime) = (directory.path().join("socket"), directory.path().as_os_str());
    let mut owner = Child::start("owner", &[("path", socket.as_os_str()), ("XDG_RUNTIME_DIR", runtime)]);
    assert_eq!(owner.hear(), "listening");
    let monitor = directory.path().join(format!("twinring/monitor/{}.sock", owner.id()));
    // The directory alone would keep others out: with that out of the way, the process itself does.
    for open in [monitor.ancestors().nth(3), monitor.ancestors().nth(2), monitor.parent(), Some(&*monitor)] {
        fs::set_permissions(open.expect("a path"), Permissions::from_mode(0o777)).expect("our own files");
    }
    // A copy that others may run.
    let program = directory.path().join("stranger");
    fs::copy(std::env::current_exe().expect("the path of the test"), &program).expect("a copy");
    let mut stranger = Child::start_as(&program, "stranger", &[("path", monitor.as_os_str())]);
    assert_eq!(stranger.hear(), "turned away");
    stranger.finish();
    let own = raw::client(&monitor);
    assert_eq!(raw::receive(&own).expect("a packet").1.len(), 1, "the same user is let in");
}

/// Whether every thread of a process is stopped.
fn has_stopped(pid: u32) -> bool {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("its threads");
    let state = |path: std::path::PathBuf| fs::read_to_string(path.join("stat")).expect("a thread's state");
    tasks.map(|task| state(task.expect("a thread").path())).all(|stat| stat.contains(") T "))
}

#[test]
fn a_process_that_is_stopped_can_be_read() {
    let (child, _connection, _directory) = busy_owner();
    let mut monitored = opened(child.id());
    let pid = Pid::from_raw(child.id() as i32);
    kill_process(pid.expect("a process"), Signal::STOP).expect("our own child");
    until("all its threads to stop", || has_stopped(child.id()));
    let started = Instant::now();
    assert!(!monitored.open().expect("it has not gone"), "it answered");
    assert!(started.elapsed() < Duration::from_secs(10));
    assert_eq!(monitored.connections()[0].sender.messages, 100);
}

#[test]
fn those_who_ask_and_never_read_hold_up_nobody() {
    let (mut child, mut connection, _directory) = busy_owner();
    let path = socket_of(child.id());
    let silent: Vec<_> = (0..10).map(|_| raw::client(&path)).collect();
    for socket in &silent {
        // More than the socket holds.
        rustix::io::ioctl_fionbio(socket, true).expect("a socket");
        while rustix::net::send(socket, &[0], rustix::net::SendFlags::NOSIGNAL).is_ok() {}
    }
    let mut monitored = opened(child.id());
    monitored.open().expect("a look");
    assert_eq!(monitored.connections()[0].sender.messages, 100);
    assert_eq!(connection.ends().1.recv().expect("a message").len(), 1);
    child.go_on();
    child.finish();
}

#[test]
fn more_than_may_ask_are_turned_away() {
    let (child, _connection, _directory) = busy_owner();
    let path = socket_of(child.id());
    let asking: Vec<_> = (0..16).map(|_| raw::client(&path)).collect();
    assert!(asking.iter().all(|socket| raw::receive(socket).is_some()), "too few were let in");
    assert!(raw::receive(&raw::client(&path)).is_none(), "too many were let in");
    drop(asking);
    until("room again", || raw::receive(&raw::client(&path)).is_some());
}

#[test]
fn what_a_dead_process_left_is_removed_and_not_listed() {
    let (mut child, _connection, _directory) = busy_owner();
    let mut monitored = opened(child.id());
    let (pid, path) = (child.id(), socket_of(child.id()));
    assert!(path.exists());
    child.kill();
    let _ = child.wait();
    assert!(matches!(monitored.open(), Err(twinring::AskError::HungUp)));
    assert!(path.exists(), "somebody else removed it");
    assert!(crate::listed(pid).is_none());
    assert!(!path.exists() && !path.with_extension("sock.lock").exists(), "something is left");
}

#[test]
fn what_is_no_monitor_is_told_apart() {
    // Where a process of a number would answer that no process has.
    assert!(crate::listed(4_194_305).is_none());
    let path = socket_of(4_194_305);
    let _ = fs::remove_file(&path);
    let server = raw::server(&path);
    let lock = fs::File::create(path.with_extension("sock.lock")).expect("a lock file");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("a lock");
    let asking = std::thread::spawn(|| crate::listed(4_194_305).expect("it is listed").open());
    let client = raw::accept(&server);
    raw::send(&client, b"twinledg and what is no size", &[]);
    let error = asking.join().expect("no panic").expect_err("that is no ledger");
    fs::remove_file(&path).expect("our own socket");
    fs::remove_file(path.with_extension("sock.lock")).expect("our own file");
    assert!(error.to_string().contains("the length of a monitor's packet"), "{error}");
}
