//! Where sockets lie: a directory that is full, read-only, missing, or not named.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use twinring::{Listener, connect};

use crate::process::{self, Child};
use crate::scenario::chain;

/// A file system in memory at a directory, until it is dropped.
struct Mounted(TempDir);

impl Mounted {
    /// With these options of `mount`; `None` where nothing can be mounted.
    fn new(options: &str) -> Option<Self> {
        let directory = TempDir::new().expect("a directory");
        let arguments = ["-t", "tmpfs", "-o", options, "none"];
        let output = Command::new("mount").args(arguments).arg(directory.path()).output();
        if !output.as_ref().is_ok_and(|output| output.status.success()) {
            println!("NOT TESTED: nothing can be mounted here: {output:?}");
            return None;
        }
        Some(Self(directory))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // Lazily: whoever still looks into it holds nothing up.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// What a listener says whose runtime directory is that one (or not named), with `TMPDIR` beside it; and the place of its socket.
fn bind(runtime: Option<&OsStr>, temporary: &OsStr) -> String {
    let mut arguments = vec![("TMPDIR", temporary), ("NAMED", OsStr::new(if runtime.is_some() { "1" } else { "0" }))];
    arguments.extend(runtime.map(|runtime| ("XDG_RUNTIME_DIR", runtime)));
    let mut child = Child::start("placed", &arguments);
    let said = child.hear();
    child.finish();
    said
}

/// The part: listens by a name, and connects to another one that nobody has.
pub fn placed() {
    if process::number("NAMED") == 0 {
        // SAFETY: no other thread of this process looks at its environment.
        unsafe { std::env::remove_var("XDG_RUNTIME_DIR") };
    }
    let outcome = match Listener::bind("placed") {
        Ok(listener) => listener.path().display().to_string(),
        Err(error) => chain(error),
    };
    assert!(connect("nobody", std::time::Duration::ZERO).is_err());
    process::say(&outcome);
}

fn entries(directory: &PathBuf) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn a_runtime_directory_that_is_read_only_is_an_error() {
    let Some(place) = Mounted::new("ro,mode=700") else { return };
    let said = bind(Some(place.0.path().as_os_str()), OsStr::new("/tmp"));
    let expected = format!(
        "could not make the directory {}/twinring: Read-only file system (os error 30)",
        place.0.path().display()
    );
    assert_eq!(said, expected);
}

#[test]
fn a_runtime_directory_that_is_full_is_an_error_and_nothing_is_left() {
    // Inodes for the root and a directory; then for a lock as well, but no page for what it says; then for all.
    for (limits, least) in [("nr_inodes=2", 0), ("nr_inodes=3", 0), ("nr_inodes=4,size=4k", 1)] {
        let Some(place) = Mounted::new(&format!("{limits},mode=700")) else { return };
        let filling = place.0.path().join("filling");
        if least > 0 {
            // The page is taken.
            fs::write(&filling, [1; 4096]).expect("room for one page");
        }
        let said = bind(Some(place.0.path().as_os_str()), OsStr::new("/tmp"));
        assert!(said.contains("could not") && said.contains("No space left on device"), "{limits}: {said}");
        let directory = place.0.path().join("twinring");
        assert!(!directory.exists() || entries(&directory).is_empty(), "{limits}: left {:?}", entries(&directory));
    }
}

#[test]
fn without_a_runtime_directory_names_live_in_the_temporary_one() {
    let temporary = TempDir::new().expect("a directory");
    let missing = temporary.path().join("missing");
    let user = rustix::process::geteuid().as_raw();
    let expected = temporary.path().join(format!("twinring-{user}/placed.sock"));
    for runtime in [None, Some(missing.as_os_str()), Some(OsStr::new("relative"))] {
        assert_eq!(bind(runtime, temporary.path().as_os_str()), expected.display().to_string(), "{runtime:?}");
    }
    let directory = temporary.path().join(format!("twinring-{user}"));
    assert_eq!(fs::metadata(&directory).expect("it was made").permissions().mode() & 0o777, 0o700);
    assert_eq!(entries(&directory), Vec::<PathBuf>::new());
}

#[test]
fn without_a_temporary_directory_either_it_is_an_error() {
    let said = bind(None, OsStr::new("/missing-temporary"));
    assert!(said.starts_with("could not make the directory /missing-temporary/twinring-"), "{said}");
    assert!(said.contains("No such file or directory"), "{said}");
}
