//! Runtimes of both kinds, and what runs on them.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use twinring::asynchronous::{Handler, Receiver, Request, Sender, Session, split};
use twinring::{Failure, Options, SessionOptions, WaitStrategy};

/// A bug fails after this, and does not hang.
pub const LATE: Duration = Duration::from_secs(20);

/// Answers with the request.
pub const ECHO: u32 = 1;

/// A runtime of one thread, and one of two.
pub fn runtimes() -> [Runtime; 2] {
    let one = Builder::new_current_thread().enable_all().build();
    let two = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    [one.expect("a runtime"), two.expect("a runtime")]
}

/// Runs what `make` makes as a task on both kinds.
pub fn on_both<F: Future<Output = ()> + Send + 'static>(make: impl Fn() -> F) {
    for runtime in runtimes() {
        let made = make();
        let task = runtime.spawn(async { tokio::time::timeout(LATE, made).await });
        let done = runtime.block_on(task).expect("a task that does not panic");
        done.expect("it hangs");
    }
}

/// Small rings, so that they are full at times. Sides that are no tasks sleep, because they have few processors.
pub fn small() -> Options {
    crate::options().ring_capacity(4096).wait(WaitStrategy::Park)
}

/// Ends of two sides.
pub fn ends() -> ((Sender, Receiver), (Sender, Receiver)) {
    let (here, there) = small().pair().expect("a pair");
    (split(here).expect("ends"), split(there).expect("ends"))
}

/// Sessions of two sides.
pub fn sessions(options: &SessionOptions, ours: impl Handler, theirs: impl Handler) -> (Session, Session) {
    let (here, there) = small().pair().expect("a pair");
    let here = Session::new(here, options, ours).expect("a session");
    (here, Session::new(there, options, theirs).expect("a session"))
}

/// Answers with the request.
pub async fn echo(request: Request) -> Result<Vec<u8>, Failure> {
    Ok(request.into_payload())
}

/// A directory, and the path of a socket in it.
pub fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("socket");
    (directory, path)
}

/// Message number `number`, of a length that depends on it.
pub fn message(number: u64) -> Vec<u8> {
    let length = 8 + (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % 700;
    let mut bytes = vec![number as u8; length];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    bytes
}
