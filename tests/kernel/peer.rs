//! The other process, of which the kernel refuses nothing: it echoes, late if asked to, and dies if asked to.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use twinring::{Connection, Listener, Options, Transport, WaitStrategy};

use crate::process::{self, Child};

/// A message that is echoed after this time.
pub const LATE: &[u8] = b"late";
pub const LATE_BY: Duration = Duration::from_millis(15);
/// A message that is the last.
pub const DIE: &[u8] = b"die";

/// A peer that listens at `socket`.
pub fn start(socket: &Path) -> Child {
    start_with(socket, RING)
}

/// What its ring holds otherwise.
const RING: u64 = 1 << 16;

/// The same with a ring of that many bytes.
pub fn start_with(socket: &Path, ring: u64) -> Child {
    let mut peer = Child::start("peer", &[("SOCKET", OsStr::new(socket)), ("RING", OsStr::new(&ring.to_string()))]);
    assert_eq!(peer.hear(), "listens");
    peer
}

/// The part.
pub fn play() {
    let options = Options::new()
        .transport(Transport::Any)
        .wait(WaitStrategy::Park)
        .ring_capacity(process::number("RING") as usize);
    // Not what is tried here, on however busy a machine.
    let options = options.handshake_timeout(Duration::from_secs(20));
    let mut listener: Listener = options.bind(PathBuf::from(process::argument("SOCKET"))).expect("a listener");
    process::say("listens");
    while let Ok(connection) = listener.accept() {
        thread::spawn(move || echo(connection));
    }
}

fn echo(connection: Connection) {
    let (mut sender, mut receiver) = connection.split();
    while let Ok(message) = receiver.recv().map(|message| message.to_vec()) {
        match &*message {
            DIE => nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL).expect("a signal"),
            LATE => thread::sleep(LATE_BY),
            _ => {}
        }
        if sender.send(&message).is_err() {
            return;
        }
    }
}
