//! Two processes that are connected: this one, and this binary started again.

use std::ffi::OsStr;
use std::path::Path;

use tempfile::TempDir;
use twinring::{Connection, Options, Transport, WaitStrategy};

use crate::process::{self, Child};
use crate::waits::{LONG, strategy};

const RING: usize = 64 << 10;

/// How the two are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    pub wait: WaitStrategy,
    pub transport: Transport,
}

/// All of them, and how many times less is asked of the slower ones.
pub const KINDS: [(Kind, u64); 5] = [
    (Kind { wait: WaitStrategy::Spin, transport: Transport::SharedMemory }, 1),
    (Kind { wait: WaitStrategy::SpinThenPark, transport: Transport::SharedMemory }, 1),
    (Kind { wait: WaitStrategy::Park, transport: Transport::SharedMemory }, 1),
    (Kind { wait: WaitStrategy::SpinThenPark, transport: Transport::Socket }, 10),
    (Kind { wait: WaitStrategy::Park, transport: Transport::Socket }, 10),
];

/// A second process that plays `part`, with numbers for it.
pub fn connected(part: &str, kind: Kind, numbers: &[(&str, u64)]) -> (TempDir, Child, Connection) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("socket");
    let mut listener = options(kind).bind(path.as_path()).expect("a listener");
    let (wait, transport) = (format!("{:?}", kind.wait), format!("{:?}", kind.transport));
    let numbers: Vec<_> = numbers.iter().map(|(name, number)| (*name, number.to_string())).collect();
    let mut arguments = vec![
        ("TWINRING_PATH", path.as_os_str()),
        ("TWINRING_WAIT", OsStr::new(&wait)),
        ("TWINRING_TRANSPORT", OsStr::new(&transport)),
    ];
    arguments.extend(numbers.iter().map(|(name, number)| (*name, OsStr::new(number))));
    let child = Child::start(part, &arguments);
    let connection = listener.accept_timeout(LONG).expect("a connection");
    (directory, child, connection)
}

/// The second process's side of it.
pub fn connect() -> (Connection, Kind) {
    let word = |name| process::argument(name).into_string().expect("a word");
    let transports = [Transport::SharedMemory, Transport::Socket];
    let transport = transports.into_iter().find(|one| format!("{one:?}") == word("TWINRING_TRANSPORT"));
    let kind = Kind { wait: strategy(&word("TWINRING_WAIT")), transport: transport.expect("a transport") };
    let path = process::argument("TWINRING_PATH");
    (options(kind).connect(Path::new(&path), LONG).expect("a connection"), kind)
}

fn options(kind: Kind) -> Options {
    Options::new().ring_capacity(RING).wait(kind.wait).transport(kind.transport)
}
