//! Ours, as a carrier.

use std::os::fd::OwnedFd;
use std::time::Duration;

use twinring::{Connection, Options, Receiver, Sender};

use super::carrier::Carrier;
use super::plan::Mode;
use crate::failure::{Context, Failure};

/// How long the two processes have to find each other over a socket that both hold.
const PATIENCE: Duration = Duration::from_secs(10);

/// The two ends of a side of a connection.
pub struct Ends {
    sender: Sender,
    receiver: Receiver,
}

impl Ends {
    /// The ends of `connection`.
    pub fn new(connection: Connection) -> Self {
        let (sender, receiver) = connection.split();
        Self { sender, receiver }
    }
}

/// Bytes in a ring of ours, if nothing else is needed.
const CAPACITY: usize = 1 << 20;

/// The capacity of a ring that takes messages of `largest` bytes, two of them at the same time.
pub fn capacity(largest: usize) -> usize {
    CAPACITY.max((largest * 3).next_power_of_two())
}

/// The leader's side, over its end of a pair of sockets.
///
/// # Errors
///
/// If there is no connection in time.
pub fn connect(socket: OwnedFd, mode: Mode, ring: usize, huge_pages: bool) -> Result<Connection, Failure> {
    options(mode, ring, huge_pages)
        .connect_over(socket, PATIENCE)
        .while_doing(|| "could not set up a connection".to_owned())
}

/// The second process's side.
///
/// # Errors
///
/// If there is no connection in time.
pub fn accept(socket: OwnedFd, mode: Mode, ring: usize, huge_pages: bool) -> Result<Connection, Failure> {
    options(mode, ring, huge_pages)
        .accept_over(socket, PATIENCE)
        .while_doing(|| "could not set up a connection".to_owned())
}

fn options(mode: Mode, ring: usize, huge_pages: bool) -> Options {
    Options::new().wait(mode.strategy()).ring_capacity(ring).huge_pages(huge_pages)
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        Ok(self.sender.send(payload)?)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        Ok(self.receiver.recv_into(buffer)?)
    }
}
