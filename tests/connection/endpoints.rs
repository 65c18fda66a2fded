//! Where listeners are found, and what may lie there instead.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt::socket_passcred;
use tempfile::TempDir;
use twinring::{BindError, ConnectError, Endpoint, Listener, Options};

use crate::process::{self, Child};
use crate::waits::LONG;

const SHORT: Duration = Duration::from_millis(30);

fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    (directory, socket)
}

#[test]
fn a_listener_may_come_after_its_client() {
    let (_directory, path) = place();
    let there = path.clone();
    let client = thread::spawn(move || twinring::connect(there, LONG));
    // Long enough for the client to have met nobody; if it is slower, it still connects.
    thread::sleep(SHORT);
    let mut listener = Listener::bind(&*path).expect("a listener");
    listener.accept_timeout(LONG).expect("a client");
    client.join().expect("the client").expect("a listener in time");
}

/// Who is at the other end is asked once; to be told with each packet costs each packet.
#[test]
fn nobody_is_named_with_each_packet_who_is_known_by_the_socket() {
    let (_directory, path) = place();
    let mut listener = Listener::bind(&*path).expect("a listener");
    let client = thread::spawn(move || twinring::connect(path, LONG));
    let (_sender, accepted) = listener.accept_timeout(LONG).expect("a client").split();
    let (_sender, connected) = client.join().expect("the client").expect("a listener").split();
    assert_eq!([&accepted, &connected].map(|end| socket_passcred(end).expect("a Unix socket")), [false; 2]);
}

#[test]
fn an_absent_listener_is_waited_for_and_then_an_error() {
    let (_directory, path) = place();
    let started = Instant::now();
    let error = twinring::connect(&*path, SHORT).expect_err("nobody listens");
    assert!(started.elapsed() >= SHORT);
    assert!(matches!(error, ConnectError::Absent { .. }), "{error:?}");
    assert!(error.to_string().contains(path.to_str().expect("a plain path")), "{error}");
    // A socket without a listener is as absent.
    drop(crate::raw::server(&path));
    let error = twinring::connect(&*path, SHORT).expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Absent { .. }), "{error:?}");
}

#[test]
fn what_waiting_does_not_change_is_an_error_at_once() {
    let (_directory, path) = place();
    fs::write(&path, "no directory").expect("a file");
    let error = twinring::connect(path.join("below"), LONG).expect_err("there can be no socket");
    assert!(matches!(error, ConnectError::Socket { .. }), "{error:?}");
}

#[test]
fn a_live_listener_is_in_use() {
    let (_directory, path) = place();
    let mut first = Listener::bind(&*path).expect("a listener");
    let error = Listener::bind(&*path).expect_err("the place is taken");
    assert!(matches!(error, BindError::InUse { .. }), "{error:?}");
    // And it is none the worse for it.
    let there = path.clone();
    let client = thread::spawn(move || twinring::connect(there, LONG));
    first.accept_timeout(LONG).expect("a client");
    client.join().expect("the client").expect("the first listener");
    drop(first);
    Listener::bind(&*path).expect("the place is free again");
}

#[test]
fn a_listener_of_another_process_is_in_use() {
    let (_directory, path) = place();
    let mut child = Child::start("holds", &[("SOCKET", path.as_os_str())]);
    child.hear();
    let error = Listener::bind(&*path).expect_err("the place is taken");
    assert!(matches!(error, BindError::InUse { .. }), "{error:?}");
    child.kill();
    child.wait();
    assert!(fs::metadata(&path).expect("what it left").file_type().is_socket());
    Listener::bind(&*path).expect("a stale socket is replaced");
}

#[test]
fn a_dropped_listener_leaves_nothing() {
    let (directory, path) = place();
    drop(Listener::bind(&*path).expect("a listener"));
    assert_eq!(fs::read_dir(&directory).expect("the directory").count(), 0);
}

#[test]
fn what_is_no_socket_is_left_alone() {
    let (directory, path) = place();
    fs::write(&path, "precious").expect("a file");
    let error = Listener::bind(&*path).expect_err("a file is in the way");
    assert!(matches!(error, BindError::Socket { .. }), "{error:?}");
    assert_eq!(fs::read(&path).expect("the file"), b"precious");
    let link = directory.path().join("link");
    symlink(&path, &link).expect("a link");
    Listener::bind(&*link).expect_err("a link is in the way");
    assert_eq!(fs::read_link(&link).expect("the link"), path);
    let folder = directory.path().join("folder");
    fs::create_dir(&folder).expect("a directory");
    Listener::bind(&*folder).expect_err("a directory is in the way");
    assert!(folder.is_dir());
}

#[test]
fn the_socket_has_the_mode_that_was_chosen() {
    for mode in [0o600, 0o660, 0o666] {
        let (_directory, path) = place();
        let _listener = Options::new().socket_mode(mode).bind(&*path).expect("a listener");
        let found = fs::metadata(&path).expect("the socket").mode() & 0o777;
        // The umask of the process may take bits away, and never adds any.
        assert_eq!((found & !mode, found & 0o600), (0, 0o600), "{found:o}, chosen {mode:o}");
    }
}

#[test]
fn the_longest_path_is_taken_and_a_longer_one_refused() {
    let directory = TempDir::new().expect("a directory");
    let length = directory.path().as_os_str().len();
    let path = |total: usize| directory.path().join("x".repeat(total - length - 1));
    drop(Listener::bind(path(107)).expect("as long as can be"));
    let error = Listener::bind(path(108)).expect_err("too long");
    assert!(matches!(error, BindError::Endpoint(_)), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("108") && text.contains("107"), "{text}");
    let error = twinring::connect(path(300), LONG).expect_err("too long");
    assert!(matches!(error, ConnectError::Endpoint(_)), "{error:?}");
}

#[test]
fn bad_names_are_refused() {
    for name in ["", ".", "..", ".hidden", "a b", "a\nb", "a\0b", "star*", "$HOME"] {
        let error = Listener::bind(name).expect_err("a bad name");
        assert!(matches!(error, BindError::Endpoint(_)), "{name:?}: {error:?}");
        let error = twinring::connect(name, LONG).expect_err("a bad name");
        assert!(matches!(error, ConnectError::Endpoint(_)), "{name:?}: {error:?}");
    }
    let error = Listener::bind("/tmp/a\0b").expect_err("a bad path");
    assert!(matches!(error, BindError::Endpoint(_)), "{error:?}");
}

/// What a process says that binds the name `prices` with this environment.
fn bound(variable: &str, directory: &Path) -> String {
    let mut child = Child::start("binds a name", &[(variable, directory.as_os_str())]);
    let said = child.hear();
    child.finish();
    said
}

/// Binds a name, connects to it, and says where.
pub fn binds_a_name() {
    let mut listener = match Listener::bind("prices") {
        Ok(listener) => listener,
        Err(error) => return process::say(&error.to_string()),
    };
    let client = thread::spawn(|| twinring::connect(Endpoint::from("prices"), LONG));
    listener.accept_timeout(LONG).expect("a client");
    client.join().expect("the client").expect("a listener");
    process::say(&listener.path().display().to_string());
}

#[test]
fn a_name_is_a_socket_in_the_runtime_directory() {
    let runtime = TempDir::new().expect("a directory");
    let own = runtime.path().join("twinring");
    for _ in 0..2 {
        assert_eq!(bound("XDG_RUNTIME_DIR", runtime.path()), own.join("prices.sock").display().to_string());
        assert_eq!(fs::metadata(&own).expect("the directory").mode() & 0o777, 0o700);
    }
}

#[test]
fn a_name_is_a_socket_in_the_temporary_directory_where_there_is_no_other() {
    let temporary = TempDir::new().expect("a directory");
    let arguments: [(&str, &OsStr); 2] =
        [("XDG_RUNTIME_DIR", "/nowhere".as_ref()), ("TMPDIR", temporary.path().as_os_str())];
    let mut child = Child::start("binds a name", &arguments);
    let own = temporary.path().join(format!("twinring-{}", rustix::process::geteuid().as_raw()));
    assert_eq!(child.hear(), own.join("prices.sock").display().to_string());
    child.finish();
    assert_eq!(fs::metadata(&own).expect("the directory").mode() & 0o777, 0o700);
}

#[test]
fn a_runtime_directory_open_to_others_is_refused() {
    for mode in [0o755, 0o770, 0o701] {
        let runtime = TempDir::new().expect("a directory");
        let own = runtime.path().join("twinring");
        fs::create_dir(&own).expect("a directory");
        fs::set_permissions(&own, fs::Permissions::from_mode(mode)).expect("a mode");
        let said = bound("XDG_RUNTIME_DIR", runtime.path());
        assert!(said.contains(&format!("mode {mode:o}")) && said.contains("mode 700"), "{said}");
        assert_eq!(fs::read_dir(&own).expect("the directory").count(), 0);
    }
}

#[test]
fn a_runtime_directory_that_is_a_link_is_refused() {
    let (runtime, elsewhere) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o700)).expect("a mode");
    symlink(elsewhere.path(), runtime.path().join("twinring")).expect("a link");
    let said = bound("XDG_RUNTIME_DIR", runtime.path());
    assert!(said.contains("could not open the directory"), "{said}");
    assert_eq!(fs::read_dir(&elsewhere).expect("the directory").count(), 0);
}

#[test]
fn processes_have_endpoints_of_their_own() {
    assert_eq!(Endpoint::of_pid("prices", 17).to_string(), "prices.17");
}
