//! What the leader tells the second process, and how: one message a step on a socket that the child inherits.

use std::io::IoSlice;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::passed;
use super::plan::{Mechanism, Mode};
use crate::failure::{Context, Failure};

/// What the second process is asked to do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Follow the walking floor through two memfds: the leader's, its own.
    Floor,
    /// Set up the other side of a mechanism through the socket that comes along, then obey until [`Order::Close`].
    Open {
        /// Which.
        mechanism: Mechanism,
        /// How it waits.
        mode: Mode,
        /// The capacity of its ring, in bytes.
        ring: usize,
        /// Whether to try for huge pages.
        huge_pages: bool,
    },
    /// Join a mechanism that the leader has opened, for messages of one size, then obey until [`Order::Close`].
    Join {
        /// Which.
        mechanism: Mechanism,
        /// How it waits.
        mode: Mode,
        /// The payload, in bytes.
        size: usize,
        /// What was passed besides the descriptors that come along.
        ids: [i32; 2],
    },
    /// Answer round trips.
    Trips {
        /// The payload, in bytes.
        size: usize,
    },
    /// Receive a stream.
    Stream {
        /// The payload of a message, in bytes.
        size: usize,
    },
    /// Receive a stream whose messages say when they were due.
    Load {
        /// The payload of a message, in bytes.
        size: usize,
    },
    /// Take the mechanism down.
    Close,
}

/// What the second process answers: to each order first that it is ready, then that it is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It waits for the leader to begin.
    Ready,
    /// The order was carried out, with these times recorded: nanoseconds, and how often.
    Done(Vec<(u64, u64)>),
    /// It could not be, and why.
    Failed(String),
}

/// The longest message of the control socket: recorded times.
pub const LONGEST: usize = 1 << 17;

/// The most descriptors that come with a message.
const MOST_DESCRIPTORS: usize = passed::MOST;

/// One end of the control socket.
#[derive(Debug)]
pub struct Control(OwnedFd);

impl Control {
    /// Both ends.
    ///
    /// # Errors
    ///
    /// If the system gives no sockets.
    pub fn pair() -> Result<(Self, OwnedFd), Failure> {
        let (one, other) = seqpacket_pair()?;
        Ok((Self(one), other))
    }

    /// The end that was inherited as `socket`.
    pub fn inherited(socket: OwnedFd) -> Self {
        Self(socket)
    }

    /// Sends a message, with descriptors.
    ///
    /// # Errors
    ///
    /// If the other process has gone.
    pub fn send(&self, message: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> Result<(), Failure> {
        let text = serde_json::to_vec(message)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Failure::new(format!("{} descriptors do not fit a message", descriptors.len())));
        }
        sendmsg(&self.0, &[IoSlice::new(&text)], &mut ancillary, SendFlags::NOSIGNAL)
            .while_doing(|| "the other process does not listen".to_owned())?;
        Ok(())
    }

    /// Receives a message and its descriptors; `None` once the other process has gone.
    ///
    /// # Errors
    ///
    /// If what came is no message.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<Option<(T, Vec<OwnedFd>)>, Failure> {
        let mut text = vec![0; LONGEST];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::io::retry_on_intr(|| {
            recvmsg(&self.0, &mut [IoSliceMut::new(&mut text)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)
        })?;
        if received.bytes == 0 {
            return Ok(None);
        }
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(Failure::new(format!("a message of the other process is longer than {LONGEST} bytes")));
        }
        let descriptors = ancillary.drain().filter_map(rights).flatten().collect();
        Ok(Some((serde_json::from_slice(&text[..received.bytes])?, descriptors)))
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn rights(message: RecvAncillaryMessage<'_>) -> Option<impl Iterator<Item = OwnedFd>> {
    match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    }
}

/// Two connected sockets that keep messages apart.
///
/// # Errors
///
/// If the system gives none.
pub fn seqpacket_pair() -> Result<(OwnedFd, OwnedFd), Failure> {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
        .while_doing(|| "could not get a pair of sockets".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_arrive_with_their_descriptors_and_the_end_is_seen() {
        let (leader, inherited) = Control::pair().unwrap();
        let second = Control::inherited(inherited);
        let (one, other) = seqpacket_pair().unwrap();
        leader.send(&Order::Trips { size: 64 }, &[one.as_fd(), other.as_fd()]).unwrap();
        let (order, descriptors) = second.receive::<Order>().unwrap().unwrap();
        assert!(matches!(order, Order::Trips { size: 64 }));
        assert_eq!(descriptors.len(), 2);
        drop(leader);
        assert!(second.receive::<Order>().unwrap().is_none());
    }
}
