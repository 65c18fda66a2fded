//! The control socket: packets with descriptors and credentials, pokes, and poll.
//!
//! `recvmsg` goes through `libc`, because `rustix` cannot hold the pid 0 of a sender in another PID namespace.
#![allow(unsafe_code)]

use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;
use std::ptr;
use std::time::Duration;

use rustix::fs::{Mode, fchmod, unlink};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    Shutdown, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, recv, recvmsg, send,
    sendmsg, shutdown, socket_with, socketpair, sockopt,
};

use super::clock::{Deadline, SLICE, nap};
use super::credentials::{self, Credentials};
use super::passing::{self, Passed};
use super::poll;

const FLAGS: SocketFlags = SocketFlags::CLOEXEC.union(SocketFlags::NONBLOCK);

/// Connections that wait to be accepted, at most.
const BACKLOG: i32 = 128;

/// Descriptors that one packet may carry.
const MOST_DESCRIPTORS: usize = 4;

/// What brings a descriptor of the sender's process; `libc` does not know it.
const SCM_PIDFD: libc::c_int = 4;

fn new() -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)?)
}

/// Listens at `path`, whose inode is made with `mode`.
pub(crate) fn listen_at(path: &Path, mode: u32) -> io::Result<OwnedFd> {
    let socket = new()?;
    // Before anybody is known.
    passing::allow(socket.as_fd(), false);
    // Before `bind`, so that there is no moment at which the inode has wider permissions.
    fchmod(&socket, Mode::from_raw_mode(mode))?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, BACKLOG).inspect_err(|_| {
        // Whoever cannot listen leaves no socket there.
        let _ = unlink(path);
    })?;
    Ok(socket)
}

/// Accepts a connection; `None` if there is none.
pub(crate) fn accept(listener: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    match accept_with(listener, FLAGS) {
        Ok(socket) => Ok(Some(socket)),
        // A client that left before it was accepted is no error of ours.
        Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Connects to `path`.
pub(crate) fn connect_to(path: &Path) -> io::Result<OwnedFd> {
    let socket = new()?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

/// Two sockets connected to each other.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, FLAGS, None)?)
}

/// Makes an inherited socket usable here, or says why it is not.
pub(crate) fn adopt(socket: BorrowedFd<'_>) -> io::Result<()> {
    let kind = sockopt::socket_type(socket)?;
    let domain = sockopt::socket_domain(socket)?;
    if kind != SocketType::SEQPACKET || domain != AddressFamily::UNIX {
        let expected = "expected a connected Unix socket of type SOCK_SEQPACKET";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, expected));
    }
    rustix::io::ioctl_fionbio(socket, true)?;
    Ok(rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::CLOEXEC)?)
}

/// Has the kernel attach the sender's credentials to every packet that is sent or received here from now on, and if it can
/// (Linux 6.5) a descriptor of the sender's process.
pub(crate) fn show_credentials(socket: BorrowedFd<'_>) -> io::Result<()> {
    credentials::show_process(socket);
    Ok(sockopt::set_socket_passcred(socket, true)?)
}

/// Sends one packet, with a descriptor if one is given. Does not block.
pub(crate) fn send_packet(socket: BorrowedFd<'_>, bytes: &[u8], descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let descriptors = descriptor.as_slice();
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    let iov = [io::IoSlice::new(bytes)];
    sendmsg(socket, &iov, &mut control, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    Ok(())
}

/// A packet as it was received.
pub(crate) struct Packet {
    /// How many bytes it has; 0 if the other side hung up.
    pub(crate) length: usize,
    /// Whether it was longer than the buffer, or carried more descriptors than can be.
    pub(crate) truncated: bool,
    /// What it carried; closed when dropped.
    pub(crate) descriptors: Vec<Passed>,
    /// Who sent it, if the kernel said so.
    pub(crate) sender: Option<Credentials>,
    /// That process, if the kernel brought it, or why it could not.
    pub(crate) process: Option<io::Result<OwnedFd>>,
}

/// What comes with a packet.
#[derive(Default)]
struct Control {
    descriptors: Vec<Passed>,
    sender: Option<Credentials>,
    process: Option<io::Result<OwnedFd>>,
}

/// Receives one packet; `None` if there is none yet.
pub(crate) fn receive_packet(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Option<Packet>> {
    // Aligned as `cmsghdr` wants it, and large enough for credentials and all descriptors that a packet can have: what found no
    // room would be closed here and now, however long that takes.
    let mut control = [0_u64; 144];
    let mut iov = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all-zero bytes are a valid `msghdr`.
    let mut header: libc::msghdr = unsafe { mem::zeroed() };
    header.msg_iov = &raw mut iov;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    header.msg_controllen = mem::size_of_val(&control);
    let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
    // SAFETY: the header points to one buffer and one control area, both writable for the lengths it states.
    let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut header, flags) };
    let Ok(length) = usize::try_from(received) else {
        return match io::Error::last_os_error() {
            error if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            error => Err(error),
        };
    };
    let Control { descriptors, sender, process } = control_messages(&header);
    let (cut, many) = (header.msg_flags & libc::MSG_TRUNC != 0, descriptors.len() > MOST_DESCRIPTORS);
    if header.msg_flags & libc::MSG_CTRUNC != 0 && !many {
        // There was room for more than that: it is this process that can have no more.
        return Err(io::Error::new(
            io::Error::from(Errno::MFILE).kind(),
            "the descriptor that came could not be had: too many open files",
        ));
    }
    Ok(Some(Packet { length, truncated: cut || many, descriptors, sender, process }))
}

/// Takes the descriptors and credentials out of a header that `recvmsg` has just filled.
fn control_messages(header: &libc::msghdr) -> Control {
    let mut control = Control::default();
    // SAFETY: the kernel filled the control area and its length.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(header) };
    // SAFETY: null, or a whole header inside the control area, as the macros guarantee.
    while let Some(message) = unsafe { next.as_ref() } {
        // SAFETY: `next` is a header in the control area; its data follow it.
        let data = unsafe { libc::CMSG_DATA(next) };
        // SAFETY: only computes the size of a header.
        let length = message.cmsg_len.saturating_sub(unsafe { libc::CMSG_LEN(0) } as usize);
        match (message.cmsg_level, message.cmsg_type) {
            (libc::SOL_SOCKET, libc::SCM_RIGHTS) => {
                for at in (0..length - length % size_of::<libc::c_int>()).step_by(size_of::<libc::c_int>()) {
                    // What the kernel installed is a descriptor.
                    control.descriptors.extend(descriptor(data, at).map(Passed::new));
                }
            }
            (libc::SOL_SOCKET, SCM_PIDFD) if length >= size_of::<libc::c_int>() => {
                control.process = Some(descriptor(data, 0));
            }
            (libc::SOL_SOCKET, libc::SCM_CREDENTIALS) if length >= size_of::<libc::ucred>() => {
                // SAFETY: that many bytes follow, and any bytes are a valid `ucred`.
                control.sender = Some(Credentials::from_kernel(unsafe { ptr::read_unaligned(data.cast()) }));
            }
            _ => {}
        }
        // SAFETY: `next` is a header in the control area of `header`.
        next = unsafe { libc::CMSG_NXTHDR(header, next) };
    }
    control
}

/// The descriptor that the kernel installed for the bytes at `at` of a message of descriptors, or why it could not.
fn descriptor(data: *const u8, at: usize) -> io::Result<OwnedFd> {
    // SAFETY: `at` is inside the message's data.
    let place = unsafe { data.add(at) };
    // SAFETY: a whole, perhaps unaligned, descriptor number stands there.
    let raw = unsafe { ptr::read_unaligned(place.cast::<libc::c_int>()) };
    if raw < 0 {
        return Err(io::Error::from_raw_os_error(-raw));
    }
    // SAFETY: the kernel has just installed it for us; nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

/// Hangs up: both ends become readable.
pub(crate) fn shut_down(socket: BorrowedFd<'_>) {
    // It fails if the other end is closed already.
    let _ = rustix::net::shutdown(socket, rustix::net::Shutdown::Both);
}

/// Makes the other side's end of the socket readable. A full socket is readable already, a closed one needs nothing. Where
/// the call is refused, the socket is hung up, which it is readable by too: a peer that is never told would sleep for ever.
pub(crate) fn poke(socket: BorrowedFd<'_>) {
    match send(socket, &[0], SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
        Ok(_) | Err(Errno::AGAIN | Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => {}
        Err(_) => shut_down(socket),
    }
}

/// Pokes that are taken off at a time: a peer that goes on poking gets no more of our time than that.
const MOST_POKES: usize = 64;

/// Takes the pokes off the socket; `false` if the other side hung up.
pub(crate) fn take_pokes(socket: BorrowedFd<'_>) -> bool {
    let mut byte = [0_u8; 1];
    for _ in 0..MOST_POKES {
        // A packet longer than this is cut to it: nothing but pokes is said here any more.
        match recv(socket, &mut byte, RecvFlags::DONTWAIT) {
            Ok((0, 0)) => return false,
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return true,
            Err(_) => return false,
        }
    }
    true
}

/// What a socket that carries messages gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// So many bytes of the buffer, at least one.
    Bytes(usize),
    /// A packet that is longer than the buffer: its end is lost.
    Truncated,
    /// Nothing yet.
    Nothing,
    /// Nothing will come any more.
    End,
}

/// Receives bytes, of one packet if the socket knows packets. Does not block.
pub(crate) fn receive_bytes(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> Carried {
    // No room for descriptors: the kernel closes those that a peer may send along.
    let mut control = RecvAncillaryBuffer::default();
    let mut retried = false;
    loop {
        let mut iov = [io::IoSliceMut::new(buffer)];
        return match recvmsg(socket, &mut iov, &mut control, RecvFlags::DONTWAIT) {
            Ok(received) if received.flags.contains(ReturnFlags::TRUNC) => Carried::Truncated,
            Ok(received) if received.bytes == 0 => Carried::End,
            Ok(received) => Carried::Bytes(received.bytes),
            Err(Errno::AGAIN | Errno::INTR) => Carried::Nothing,
            // Said once by a Unix socket whose peer hung up with something unread; what it had sent comes after that.
            Err(Errno::CONNRESET) if !retried => {
                retried = true;
                continue;
            }
            Err(_) => Carried::End,
        };
    }
}

/// Sends the beginning of `bytes`, or one packet of all of them; how many were sent, `None` if there is no room now. Does not
/// block.
pub(crate) fn send_bytes(socket: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<Option<usize>> {
    match send(socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
        Ok(sent) => Ok(Some(sent)),
        Err(Errno::AGAIN | Errno::INTR | Errno::NOBUFS) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// Whether an error in sending says that the other side has gone, and not that this one may not send.
pub(crate) fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, TimedOut};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | TimedOut)
}

/// About how many bytes the socket holds that were sent and not received, at most.
pub(crate) fn send_room(socket: BorrowedFd<'_>) -> usize {
    sockopt::socket_send_buffer_size(socket).unwrap_or(0)
}

/// Says that nothing will be sent any more.
pub(crate) fn end_sending(socket: BorrowedFd<'_>) {
    // It fails if the other side has hung up: then nobody need be told.
    let _ = shutdown(socket, Shutdown::Write);
}

/// Whether the socket is one of this machine, which keeps what was sent when its sender closes it.
pub(crate) fn is_local(socket: BorrowedFd<'_>) -> bool {
    sockopt::socket_domain(socket) == Ok(AddressFamily::UNIX)
}

/// Makes a connected stream usable here, or says why it is not.
pub(crate) fn adopt_stream(socket: BorrowedFd<'_>) -> io::Result<()> {
    if sockopt::socket_type(socket)? != SocketType::STREAM {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected a connected socket of type SOCK_STREAM"));
    }
    rustix::net::getpeername(socket)?;
    // Small messages are not held back for larger segments; a Unix socket does not know the option, nor do so.
    let _ = sockopt::set_tcp_nodelay(socket, true);
    rustix::io::ioctl_fionbio(socket, true)?;
    Ok(rustix::io::fcntl_setfd(socket, rustix::io::FdFlags::CLOEXEC)?)
}

/// Waits until the socket can do what is asked (or has hung up), `event` is raised, or the deadline passes.
pub(crate) fn wait_traffic(socket: BorrowedFd<'_>, both_ways: bool, event: BorrowedFd<'_>, deadline: Deadline) {
    let flags = if both_ways { libc::POLLIN | libc::POLLOUT } else { libc::POLLIN };
    let mut entries = [entry(socket, flags), entry(event, libc::POLLIN)];
    // Whatever it says means "look again"; if it is refused, not at once.
    if poll::wait(&mut entries, deadline).is_err() {
        nap(deadline.remaining().map_or(SLICE, |left| left.min(SLICE)));
    }
}

/// Waits until one of `sockets` is readable or hung up, or the deadline passes; may return early.
pub(crate) fn wait_readable<'a>(sockets: impl Iterator<Item = BorrowedFd<'a>>, deadline: Deadline) -> io::Result<()> {
    let mut entries: Vec<_> = sockets.map(|socket| entry(socket, libc::POLLIN)).collect();
    poll::wait(&mut entries, deadline)
}

/// Whether `socket` is readable or hung up now.
pub(crate) fn is_readable(socket: BorrowedFd<'_>) -> bool {
    let mut entries = [entry(socket, libc::POLLIN)];
    poll::wait(&mut entries, Deadline::after(Duration::ZERO)).is_ok() && entries[0].revents != 0
}

fn entry(descriptor: BorrowedFd<'_>, events: libc::c_short) -> libc::pollfd {
    libc::pollfd { fd: descriptor.as_raw_fd(), events, revents: 0 }
}

/// Waits until `socket` is readable or hung up, or the deadline passes.
pub(crate) fn wait_one(socket: impl AsFd, deadline: Deadline) -> io::Result<()> {
    wait_readable(std::iter::once(socket.as_fd()), deadline)
}
