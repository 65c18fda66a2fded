//! Standard input to the peer.

use std::fs::File;
use std::io::{ErrorKind, Read};

use twinring::{SendError, Sender};

use super::{CHUNK, Event, Stop};
use crate::failure::{Context, Failure};

/// Sends until standard input ends; says so to the peer.
pub fn run(mut sender: Sender) -> Event {
    let mut sent = 0;
    let stop = match pour(&mut sender, &mut sent) {
        // FIN: the peer receives what was sent, and then the end. It is over once the peer has written all of it out.
        Ok(()) => sender.finish().err().map(Stop::Ended),
        Err(stop) => {
            // No FIN for an input that broke off: the peer must not take it for a whole one.
            std::mem::forget(sender);
            Some(stop)
        }
    };
    Event::Outward(sent, stop)
}

fn pour(sender: &mut Sender, sent: &mut u64) -> Result<(), Stop> {
    let mut input = rustix::stdio::stdin().try_clone_to_owned().map(File::from).map_err(broken)?;
    loop {
        // Read into the ring itself: the kernel's copy is the only one on this side.
        let mut room = sender.reserve(CHUNK)?;
        match input.read(room.as_mut_slice()) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                room.commit_first(length);
                *sent += length as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(error)),
        }
    }
}

fn broken(error: impl Into<std::io::Error>) -> Stop {
    let failed: Result<(), Failure> = Err(error.into()).while_doing(|| "could not read standard input".to_owned());
    Stop::Failed(failed.err().unwrap_or_else(|| Failure::new("")))
}

impl From<SendError> for Stop {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Ended(end) => Self::Ended(end),
            other => Self::Failed(other.into()),
        }
    }
}
