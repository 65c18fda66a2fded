//! What comes where nothing is due: descriptors, packets before their turn, and ends with something unread.

use std::os::fd::OwnedFd;
use std::thread;

use rustix::io::Errno;
use twinring::connection::wire::Message;
use twinring::{Connection, HandshakeError, Options};

use crate::alone;
use crate::raw::{self, SHAPE};
use crate::waits::{LONG, own_number, until, until_asleep};

/// Accepts over `socket` in a thread of its own.
fn accepting(socket: OwnedFd) -> thread::JoinHandle<Result<Connection, HandshakeError>> {
    let (tell, told) = std::sync::mpsc::channel();
    let accepting = thread::spawn(move || {
        tell.send(own_number()).expect("a listener");
        Options::new().accept_over(socket, LONG)
    });
    until_asleep(told.recv().expect("its number"));
    accepting
}

#[test]
fn the_kernel_keeps_descriptors_away_until_one_is_due_and_after_it() {
    let _alone = alone();
    if !raw::keeps_descriptors_away() {
        return println!("NOT TESTED: this kernel lets descriptors come always");
    }
    let (ours, theirs) = raw::introduced_pair();
    let (accepting, file) = (accepting(theirs), raw::honest_half());
    assert_eq!(raw::try_send(&ours, &raw::hello(), &raw::with(&file)), Err(Errno::PERM));
    raw::greet(&ours);
    raw::send(&ours, &Message::Half(SHAPE).encode(), &raw::with(&file));
    assert!(matches!(raw::receive_message(&ours), Some((Message::Ready, None))), "no READY");
    assert_eq!(raw::try_send(&ours, b"poke", &raw::with(&file)), Err(Errno::PERM));
    accepting.join().expect("a thread").expect("a connection");
}

#[test]
fn a_packet_behind_the_welcome_is_before_its_turn() {
    let _alone = alone();
    let (ours, theirs) = raw::introduced_pair();
    raw::send(&ours, &raw::welcome(SHAPE), &raw::with(&raw::honest_half()));
    raw::send(&ours, &Message::Ready.encode(), &[]);
    let error = twinring::connect_over(theirs, LONG).map(drop).expect_err("it was READY too soon");
    assert!(matches!(&error, HandshakeError::Protocol(text) if text.contains("before its turn")), "{error:?}");
}

#[test]
fn who_leaves_with_something_unread_has_hung_up() {
    let _alone = alone();
    let (ours, theirs) = raw::introduced_pair();
    let connecting = thread::spawn(move || twinring::connect_over(theirs, LONG));
    until("HELLO", || raw::has_come(&ours));
    drop(ours);
    let error = connecting.join().expect("a thread").map(drop).expect_err("nobody is there");
    assert!(matches!(error, HandshakeError::HungUp), "{error:?}");
}
