//! A pair of Unix sockets that keep messages apart.

use std::os::fd::OwnedFd;

use rustix::io::retry_on_intr;
use rustix::net::sockopt::{set_socket_send_buffer_size, socket_send_buffer_size};
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::{CAPACITY, check_length};
use crate::failure::Failure;
use crate::measure::carrier::Carrier;
use crate::measure::control::seqpacket_pair;
use crate::measure::passed::Passed;

/// What the kernel keeps of a send buffer for itself.
const KEPT: usize = 32;

/// A side.
pub struct Ends(OwnedFd);

/// Makes both sockets.
///
/// # Errors
///
/// If the system gives none, or none with room for a message.
pub fn open(size: usize) -> Result<(Ends, Passed), Failure> {
    let (ours, theirs) = seqpacket_pair()?;
    for socket in [&ours, &theirs] {
        set_socket_send_buffer_size(socket, CAPACITY)?;
    }
    let longest = socket_send_buffer_size(&ours)?.saturating_sub(KEPT);
    check_length(size, longest, "the send buffer, which /proc/sys/net/core/wmem_max limits")?;
    Ok((Ends(ours), Passed::these([theirs])))
}

/// Takes what the leader has made.
///
/// # Errors
///
/// If it has passed something else.
pub fn join(passed: Passed) -> Result<Ends, Failure> {
    let [socket] = passed.descriptors()?;
    Ok(Ends(socket))
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        // A message goes whole or not at all.
        retry_on_intr(|| send(&self.0, payload, SendFlags::NOSIGNAL))?;
        Ok(())
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        match retry_on_intr(|| recv(&self.0, &mut *buffer, RecvFlags::empty()))?.0 {
            0 => Err(Failure::new("the other side has gone")),
            length => Ok(length),
        }
    }
}
