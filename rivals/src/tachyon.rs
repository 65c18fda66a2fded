//! Tachyon, in its two ways.
//!
//! Its own benchmark of round trips is the recommendation: a bus each way, and `acquire_rx` with the largest spin threshold for who
//! polls; with `set_polling_mode` the sender then spares the fence and the look at the sleeper. A threshold of zero sleeps at once.

pub mod bus;
pub mod call;

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use tachyon_ipc::TachyonError;
use twinring_cli::failure::{Context, Failure};
use twinring_cli::measure::plan::Mode;

use crate::name::{CAPACITY, Name};

/// How long one side waits for the other to listen.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is sent, if it says so at all.
const TYPE: u32 = 1;

/// How often to look before sleeping.
fn spins(mode: Mode) -> u32 {
    if mode == Mode::Park { 0 } else { u32::MAX }
}

/// Bytes in a ring: as many as in one of ours, and enough for 64 messages: a reader that is behind gives room back for 32 at a time.
fn capacity(size: usize) -> usize {
    CAPACITY.max((64 * (size + 64)).next_power_of_two())
}

/// The path of a socket, which is removed when both sides have met.
struct Socket(PathBuf);

impl Socket {
    fn of(name: Name, way: &str) -> Self {
        Self(name.socket(way))
    }

    fn path(&self) -> Result<&str, Failure> {
        self.0.to_str().ok_or_else(|| Failure::new("the path of a socket is no text"))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Tries to connect until somebody listens.
fn connected<T>(connect: impl Fn(&str) -> Result<T, TachyonError>, path: &str) -> Result<T, Failure> {
    let started = Instant::now();
    loop {
        match connect(path) {
            Err(_) if started.elapsed() < PATIENCE => thread::yield_now(),
            done => return done.while_doing(|| "Tachyon could not connect".to_owned()),
        }
    }
}
