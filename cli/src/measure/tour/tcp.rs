//! A TCP connection over loopback, each message sent at once (`TCP_NODELAY`). The system sizes its buffers by itself.

use std::net::{Ipv4Addr, TcpListener, TcpStream};

use super::bytes::Bytes;
use crate::failure::{Context, Failure};
use crate::measure::passed::Passed;

type Ends = Bytes<TcpStream, TcpStream>;

/// Makes both ends.
///
/// # Errors
///
/// If there is no loopback.
pub fn open() -> Result<(Ends, Passed), Failure> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).while_doing(|| "could not listen on loopback".to_owned())?;
    let address = listener.local_addr()?;
    let ours = TcpStream::connect(address).while_doing(|| format!("could not connect to {address}"))?;
    let own = ours.local_addr()?;
    // Somebody else may have been quicker.
    let theirs = loop {
        let (socket, from) = listener.accept()?;
        if from == own {
            break socket;
        }
    };
    for socket in [&ours, &theirs] {
        socket.set_nodelay(true)?;
    }
    Ok((ends(ours)?, Passed::these([theirs.into()])))
}

/// Takes the end that the leader has made.
///
/// # Errors
///
/// If it has passed something else.
pub fn join(passed: Passed) -> Result<Ends, Failure> {
    let [socket] = passed.descriptors()?;
    ends(socket.into())
}

fn ends(socket: TcpStream) -> Result<Ends, Failure> {
    Ok(Bytes { from: socket.try_clone()?, into: socket })
}
