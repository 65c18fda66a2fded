//! A peer that writes to the socket what no honest one would.

use std::os::fd::OwnedFd;

use twinring::carrier::stream::{self, LONGEST_PACKET};
use twinring::{Connection, Corrupt, End, RecvTimeoutError, SendError, TryRecvError};

use crate::raw;
use crate::waits::{LONG, until};

/// The largest message of the raw side's ring of 64 KiB.
const LARGEST: u64 = (8192 - 1023) / 2 * 8 - 8;

fn header(kind: u64, length: u64) -> Vec<u8> {
    (kind << 32 | length).to_le_bytes().to_vec()
}

/// What a connection comes to whose peer writes these packets and stays.
fn told(packets: &[Vec<u8>]) -> (Vec<Vec<u8>>, End, SendError) {
    let (liar, connection) = raw::carried();
    packets.iter().for_each(|packet| raw::send(&liar, packet, &[]));
    ended(liar, connection)
}

fn ended(liar: OwnedFd, connection: Connection) -> (Vec<Vec<u8>>, End, SendError) {
    let (mut sender, mut receiver) = connection.split();
    let mut messages = Vec::new();
    let end = loop {
        match receiver.recv_timeout(LONG) {
            Ok(message) => messages.push(message.to_vec()),
            Err(RecvTimeoutError::Ended(end)) => break end,
            Err(error) => panic!("{error}"),
        }
    };
    let mut error = None;
    until("the end of sending", || {
        error = sender.send(b"anybody?").err();
        error.is_some()
    });
    drop(liar);
    assert_eq!(receiver.try_recv().err(), Some(TryRecvError::Ended(end)), "the end is final");
    (messages, end, error.expect("an error"))
}

#[test]
fn each_lie_is_found_out_and_what_came_before_it_is_received() {
    let corrupt = |what, seen, least, most| Corrupt { what, seen, least, most };
    let (kind, length) = ("the kind of a frame", "the length of a frame");
    let lies: [(Vec<Vec<u8>>, Corrupt); 9] = [
        (vec![header(0, 0)], corrupt(kind, 0, 1, 3)),
        (vec![header(4, 0)], corrupt(kind, 4, 1, 3)),
        (vec![header(1 | 1 << 8, 5)], corrupt(kind, 1 | 1 << 8, 1, 3)),
        (vec![header(1, LARGEST + 1)], corrupt(length, LARGEST + 1, 0, LARGEST)),
        (vec![header(1, u64::from(u32::MAX))], corrupt(length, u64::from(u32::MAX), 0, LARGEST)),
        (vec![header(2, 1)], corrupt(length, 1, 0, 0)),
        (vec![header(3, 8)], corrupt(length, 8, 0, 0)),
        (vec![b"garbage!".to_vec()], corrupt(kind, u64::from_le_bytes(*b"garbage!") >> 32, 1, 3)),
        (vec![vec![0; LONGEST_PACKET + 1]], corrupt("the length of a packet", 32769, 1, 32768)),
    ];
    for (lie, expected) in lies {
        let honest = [&stream::data(5)[..], b"hello"].concat();
        let packets: Vec<_> = std::iter::once(honest).chain(lie).collect();
        let (messages, end, error) = told(&packets);
        assert_eq!(messages, [b"hello"]);
        assert_eq!(end, End::Corrupt(expected));
        assert_eq!(error, SendError::Ended(End::Corrupt(expected)));
    }
}

/// Though the user still holds its ends.
#[test]
fn a_liar_is_hung_up_on() {
    let (liar, connection) = raw::carried();
    raw::send(&liar, &header(0, 0), &[]);
    assert_eq!(raw::receive_bytes(&liar, 64), []);
    drop(connection);
}

#[test]
fn what_follows_the_last_message_is_a_lie() {
    // The last message was the last: that end is known before the lie is.
    let after = |more: Vec<u8>| told(&[stream::fin().to_vec(), more]);
    for more in [stream::data(3).to_vec(), stream::fin().to_vec()] {
        let (messages, end, error) = after(more.clone());
        assert_eq!((messages, end), (vec![], End::Closed));
        let kind = u64::from_le_bytes(more.try_into().expect("a header")) >> 32;
        let expected = Corrupt { what: "the kind of a frame", seen: kind, least: 3, most: 3 };
        assert_eq!(error, SendError::Ended(End::Corrupt(expected)));
    }
    let (_, end, error) = told(&[stream::gone().to_vec(), stream::gone().to_vec()]);
    let expected = End::Corrupt(Corrupt { what: "the kind of a frame", seen: 3, least: 1, most: 2 });
    // It had left before it lied, and that is what its sender knows.
    assert_eq!(end, expected);
    assert!([SendError::Ended(End::Closed), SendError::Ended(expected)].contains(&error), "{error:?}");
}

#[test]
fn a_frame_in_any_pieces_is_a_frame() {
    let (peer, connection) = raw::carried();
    let (_sender, mut receiver) = connection.split();
    let frames = [&stream::data(3)[..], b"one", &stream::data(0), &stream::data(6), b"second", &stream::fin()].concat();
    frames.iter().for_each(|byte| raw::send(&peer, &[*byte], &[]));
    for expected in [&b"one"[..], b"", b"second"] {
        assert_eq!(receiver.recv_timeout(LONG).expect("a message").to_vec(), expected);
    }
    assert_eq!(receiver.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Closed)));
}

#[test]
fn a_peer_that_dies_in_the_middle_of_a_frame_has_sent_what_was_whole() {
    for part in [0, 3, 8, 11] {
        let (peer, connection) = raw::carried();
        let (mut sender, mut receiver) = connection.split();
        raw::send(&peer, &[&stream::data(5)[..], b"whole"].concat(), &[]);
        let next = [&stream::data(5)[..], b"parts"].concat();
        if part > 0 {
            raw::send(&peer, &next[..part], &[]);
        }
        drop(peer);
        assert_eq!(receiver.recv_timeout(LONG).expect("a message").to_vec(), b"whole");
        assert_eq!(receiver.recv_timeout(LONG).err(), Some(RecvTimeoutError::Ended(End::Disconnected)), "{part}");
        assert_eq!(sender.send(b"anybody?"), Err(SendError::Ended(End::Disconnected)));
    }
}

#[test]
fn descriptors_that_come_along_are_closed() {
    let (peer, connection) = raw::carried();
    let (_sender, mut receiver) = connection.split();
    let file = tempfile::tempfile().expect("a file");
    let (passed, held) = (OwnedFd::from(file.try_clone().expect("a descriptor")), file);
    let count = || std::fs::read_dir("/proc/self/fd").expect("descriptors").filter(|entry| same(entry, &held)).count();
    let before = count();
    for _ in 0..10 {
        let frame = [&stream::data(2)[..], b"fd"].concat();
        if let Err(refused) = raw::try_send(&peer, &frame, &raw::with(&passed)) {
            // The kernel keeps them away, if it is new enough.
            assert_eq!(refused, rustix::io::Errno::PERM);
            raw::send(&peer, &frame, &[]);
        }
        assert_eq!(receiver.recv_timeout(LONG).expect("a message").to_vec(), b"fd");
    }
    assert_eq!(count(), before);
}

/// Whether a descriptor is of this file.
fn same(entry: &std::io::Result<std::fs::DirEntry>, file: &std::fs::File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let inode = file.metadata().expect("a file").ino();
    entry.as_ref().is_ok_and(|entry| std::fs::metadata(entry.path()).is_ok_and(|found| found.ino() == inode))
}
