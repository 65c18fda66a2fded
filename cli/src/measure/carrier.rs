//! One side of anything that carries messages both ways: what every mechanism is measured through.

use crate::failure::Failure;

/// A side that sends and receives whole messages, blocking as its mechanism and mode have it.
pub trait Carrier {
    /// Sends one message.
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure>;

    /// Receives the next message into `buffer` and tells its length.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure>;
}
