//! A pair of Unix stream sockets.

use std::os::unix::net::UnixStream;

use rustix::net::sockopt::set_socket_send_buffer_size;

use super::CAPACITY;
use super::bytes::Bytes;
use crate::failure::Failure;
use crate::measure::passed::Passed;

type Ends = Bytes<UnixStream, UnixStream>;

/// Makes both.
///
/// # Errors
///
/// If the system gives none.
pub fn open() -> Result<(Ends, Passed), Failure> {
    let (ours, theirs) = UnixStream::pair()?;
    for socket in [&ours, &theirs] {
        set_socket_send_buffer_size(socket, CAPACITY)?;
    }
    Ok((ends(ours)?, Passed::these([theirs.into()])))
}

/// Takes what the leader has made.
///
/// # Errors
///
/// If it has passed something else.
pub fn join(passed: Passed) -> Result<Ends, Failure> {
    let [socket] = passed.descriptors()?;
    ends(socket.into())
}

fn ends(socket: UnixStream) -> Result<Ends, Failure> {
    Ok(Bytes { from: socket.try_clone()?, into: socket })
}
