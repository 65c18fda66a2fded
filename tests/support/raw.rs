//! The other side of a handshake by hand: plain sockets, plain descriptors.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_add_seals, ftruncate, memfd_create};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, recvmsg, sendmsg,
    socket_with, socketpair, sockopt,
};
use twinring::connection::wire::{Features, Message};
use twinring::region::{Half, MAGIC, VERSION};

/// More descriptors go with no packet.
const MOST: usize = 253;

fn socket() -> OwnedFd {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a socket")
}

/// Two sockets connected to each other.
pub fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).expect("a pair of sockets")
}

/// The same, of which each end knows who sends, from the first packet on.
pub fn introduced_pair() -> (OwnedFd, OwnedFd) {
    let (one, other) = pair();
    for end in [&one, &other] {
        sockopt::set_socket_passcred(end, true).expect("a Unix socket");
    }
    (one, other)
}

/// A socket connected to a listener.
pub fn client(path: &Path) -> OwnedFd {
    let socket = socket();
    connect(&socket, &SocketAddrUnix::new(path).expect("an address")).expect("a listener");
    socket
}

/// A socket that listens.
pub fn server(path: &Path) -> OwnedFd {
    let socket = socket();
    bind(&socket, &SocketAddrUnix::new(path).expect("an address")).expect("a place for a socket");
    listen(&socket, 8).expect("a listening socket");
    socket
}

/// The next client.
pub fn accept(server: &OwnedFd) -> OwnedFd {
    accept_with(server, SocketFlags::CLOEXEC).expect("a client")
}

/// Sends a packet.
pub fn send(socket: &OwnedFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
    try_send(socket, bytes, descriptors).expect("a packet sent");
}

/// The same, where the kernel may refuse: descriptors, to who will not have any.
pub fn try_send(socket: &OwnedFd, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> rustix::io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)), "too many descriptors");
    }
    sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL).map(drop)
}

/// Whether something lies in the socket.
pub fn has_come(socket: &OwnedFd) -> bool {
    poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&Timespec::default())) == Ok(1)
}

/// Whether the kernel refuses descriptors for who will not have any: from Linux 6.16 on.
pub fn keeps_descriptors_away() -> bool {
    is_linux(6, 16)
}

/// Whether the kernel is this one, or a younger one.
pub fn is_linux(major: u32, minor: u32) -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").expect("the version of the kernel");
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}

/// Receives a packet; `None` if the other side has hung up. Waits at most half a minute.
pub fn receive(socket: &OwnedFd) -> Option<(Vec<u8>, Vec<OwnedFd>)> {
    let mut ready = [PollFd::new(socket, PollFlags::IN)];
    let timeout = Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(poll(&mut ready, Some(&timeout)), Ok(1), "nothing came");
    let mut bytes = vec![0; 1024];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let result = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC);
    let length = match result {
        Ok(received) => received.bytes,
        // It hung up on something unread, which is told once, before what it had said.
        Err(rustix::io::Errno::CONNRESET) => return receive(socket),
        Err(errno) => panic!("could not receive: {errno}"),
    };
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    bytes.truncate(length);
    (length > 0).then_some((bytes, descriptors))
}

/// Receives a packet of up to `most` bytes; empty if the other side has hung up. Waits at most half a minute.
pub fn receive_bytes(socket: &OwnedFd, most: usize) -> Vec<u8> {
    let timeout = Timespec { tv_sec: 30, tv_nsec: 0 };
    assert_eq!(poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&timeout)), Ok(1), "nothing came");
    let mut bytes = vec![0; most];
    let (_, length) = rustix::net::recv(socket, &mut bytes[..], RecvFlags::TRUNC).expect("a packet");
    assert!(length <= most, "a packet of {length} bytes");
    bytes.truncate(length);
    bytes
}

/// Receives a message of the handshake and the descriptor with it.
pub fn receive_message(socket: &OwnedFd) -> Option<(Message, Option<OwnedFd>)> {
    let (bytes, mut descriptors) = receive(socket)?;
    assert!(descriptors.len() <= 1, "{} descriptors", descriptors.len());
    Some((Message::parse(&bytes).expect("a message of the handshake"), descriptors.pop()))
}

/// HELLO as an honest connector says it.
pub fn hello() -> Vec<u8> {
    Message::Hello { oldest: VERSION, newest: VERSION, features: Features(0) }.encode()
}

/// WELCOME as an honest listener says it.
pub fn welcome(half: Half) -> Vec<u8> {
    Message::Welcome { version: VERSION, features: Features(0), half }.encode()
}

/// Greets as an honest connector does; returns the listener's half.
pub fn greet(socket: &OwnedFd) -> (Half, OwnedFd) {
    send(socket, &hello(), &[]);
    match receive_message(socket) {
        Some((Message::Welcome { half, .. }, Some(file))) => (half, file),
        other => panic!("expected WELCOME and a half, got {other:?}"),
    }
}

/// Greets as a connector that shares no memory; returns what the listener announces, and what it can do.
pub fn greet_carried(socket: &OwnedFd) -> (Half, Features) {
    let features = Features(Features::CARRIES | Features::UNSHARED);
    send(socket, &Message::Hello { oldest: VERSION, newest: VERSION, features }.encode(), &[]);
    match receive_message(socket) {
        Some((Message::Welcome { half, features, .. }, None)) => (half, features),
        other => panic!("expected WELCOME and no descriptor, got {other:?}"),
    }
}

/// What such a connector announces of its ring.
pub const CARRIED: Half = Half { bytes: 0, ring: 65536 };

/// The socket of such a connector once it is connected, and the other side of the connection.
pub fn carried() -> (OwnedFd, twinring::Connection) {
    carried_over(introduced_pair())
}

/// The same over sockets that are there already.
pub fn carried_over((ours, theirs): (OwnedFd, OwnedFd)) -> (OwnedFd, twinring::Connection) {
    let options = twinring::Options::new().transport(twinring::Transport::Socket).wait(twinring::WaitStrategy::Park);
    let accepting = std::thread::spawn(move || options.accept_over(theirs, std::time::Duration::from_secs(20)));
    greet_carried(&ours);
    send(&ours, &Message::Half(CARRIED).encode(), &[]);
    assert!(matches!(receive_message(&ours), Some((Message::Ready, None))), "no READY");
    (ours, accepting.join().expect("a thread").expect("a connection"))
}

/// A shape that an honest side may announce.
pub const SHAPE: Half = Half { bytes: 4096 + 65536, ring: 65536 };

/// The seals that an honest half has.
pub const SEALS: SealFlags =
    SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::FUTURE_WRITE).union(SealFlags::SEAL);

/// The header that belongs to [`SHAPE`], written out from the protocol.
pub const HEADER: [u64; 8] = [MAGIC, 0x0102_0304_0000_0001, 4096 + 65536, 4096, 65536, 65536 / 8, 0, 0];

/// A memory file of `bytes` bytes with a header and seals.
pub fn half(bytes: u64, header: [u64; 8], seals: SealFlags) -> OwnedFd {
    let file = memfd_create("twinring-test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a memory file");
    ftruncate(&file, bytes).expect("its size");
    if bytes < 1 << 30 {
        fallocate(&file, FallocateFlags::empty(), 0, bytes).expect("its pages");
    }
    let words: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(rustix::io::pwrite(&file, &words, 0), Ok(words.len()));
    fcntl_add_seals(&file, seals).expect("its seals");
    file
}

/// A half as an honest side makes it.
pub fn honest_half() -> OwnedFd {
    half(SHAPE.bytes, HEADER, SEALS)
}

/// Borrows a descriptor for [`send`].
pub fn with(file: &OwnedFd) -> [BorrowedFd<'_>; 1] {
    [file.as_fd()]
}
