//! Connections over streams that somebody else has connected.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_send_buffer_size;
use twinring::carrier::stream;
use twinring::connection::wire::Opening;
use twinring::region::VERSION;
use twinring::{Connection, Decision, End, HandshakeError, Session, SessionOptions, Terms, Transport};

use crate::content;
use crate::waits::LONG;

fn tcp() -> (OwnedFd, OwnedFd) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let here = TcpStream::connect(listener.local_addr().expect("its number")).expect("a listener");
    (here.into(), listener.accept().expect("a client").0.into())
}

fn unix() -> (OwnedFd, OwnedFd) {
    let (here, there) = UnixStream::pair().expect("a pair");
    (here.into(), there.into())
}

fn connected((here, there): (OwnedFd, OwnedFd)) -> (Connection, Connection) {
    let options = crate::options().ring_capacity(1 << 16).authorise(|_| Decision::Accept);
    let theirs = options.clone();
    let second = thread::spawn(move || theirs.over_stream(there, LONG));
    let here = options.over_stream(here, LONG).expect("a connection");
    (here, second.join().expect("a thread").expect("a connection"))
}

#[test]
fn messages_cross_streams_of_every_kind() {
    for sockets in [unix(), tcp()] {
        let (mut here, there) = connected(sockets);
        assert_eq!(here.transport(), Transport::Socket);
        let echoing = thread::spawn(move || {
            let (mut sender, mut receiver) = there.split();
            while let Ok(message) = receiver.recv() {
                sender.send(&message.to_vec()).expect("room");
            }
        });
        let (mut message, mut scratch) = (Vec::new(), Vec::new());
        for number in 0..2000 {
            content::fill(number, &mut message);
            here.ends().0.send(&message).expect("room");
            let echo = here.ends().1.recv_timeout(LONG).expect("an echo").to_vec();
            assert!(content::is(number, &echo, &mut scratch));
        }
        drop(here);
        echoing.join().expect("the echo");
    }
}

/// Over the network, hanging up with something unread would throw away what was sent.
#[test]
fn what_was_sent_before_leaving_is_received() {
    for sockets in [unix(), tcp()] {
        let (mut here, mut there) = connected(sockets);
        there.ends().0.send(b"never received").expect("room");
        let mut sent = 0_u32;
        while here.ends().0.send_timeout(&[5; 1000], Duration::from_millis(100)).is_ok() {
            sent += 1;
        }
        drop(here);
        for number in 0..sent {
            assert!(there.ends().1.recv_timeout(LONG).is_ok(), "message {number} of {sent}");
        }
        assert_eq!(there.ends().1.recv().err(), Some(End::Closed));
    }
}

#[test]
fn a_session_goes_over_tcp() {
    let (here, there) = connected(tcp());
    let double = |call: &mut twinring::Call<'_>| {
        let twice = call.payload().repeat(2);
        call.reply().extend(twice);
        Ok(())
    };
    let _server = Session::new(there, &SessionOptions::new(), double).expect("a session");
    let client = Session::new(here, &SessionOptions::new().call_timeout(LONG), ()).expect("a session");
    assert_eq!(client.call(1, &[3; 100_000]), Ok(vec![3; 200_000]));
}

#[test]
fn whom_the_kernel_does_not_name_is_refused_unless_allowed() {
    let (here, _there) = tcp();
    let error = crate::options().over_stream(here, LONG).map(drop).expect_err("nobody known");
    assert!(matches!(&error, HandshakeError::Unauthorised { reason } if reason.contains("unknown")), "{error:?}");
    // Of a pair, who made it.
    let (here, there) = unix();
    let second = thread::spawn(move || crate::options().over_stream(there, LONG));
    let here = crate::options().over_stream(here, LONG).expect("this very user");
    assert_eq!(here.peer().pid, Some(std::process::id()));
    second.join().expect("a thread").expect("this very user");
}

#[test]
fn a_ring_is_as_large_as_was_granted() {
    let largest = |options: &twinring::Options| {
        let (here, there) = unix();
        let (mine, theirs) = (options.clone(), options.clone());
        let second = thread::spawn(move || theirs.over_stream(there, LONG));
        let mut here = mine.over_stream(here, LONG).expect("a connection");
        second.join().expect("a thread").expect("a connection");
        here.ends().0.largest()
    };
    let granted = crate::options().authorise(|_| Decision::AcceptWith(Terms::new().ring_capacity(4096)));
    assert_eq!(largest(&granted), largest(&crate::options().ring_capacity(4096)));
}

/// One that is full before anything was said: nobody reads it.
#[test]
fn a_stream_without_room_for_an_opening_is_an_error_at_once() {
    let (mut here, _there) = UnixStream::pair().expect("a pair");
    here.set_nonblocking(true).expect("a socket");
    while here.write(&[0; 4096]).is_ok() {}
    while here.write(&[0]).is_ok() {}
    let error = crate::options().over_stream(here.into(), LONG).map(drop).expect_err("nobody reads");
    assert!(matches!(error, HandshakeError::HungUp), "{error:?}");
}

/// A socket, and the other side of it by hand, which has said its opening.
fn tcp_by_hand() -> (OwnedFd, TcpStream) {
    let (here, there) = tcp();
    let mut there = TcpStream::from(there);
    there.set_read_timeout(Some(LONG)).expect("a socket");
    there.write_all(&Opening { version: VERSION, ring: 65536 }.encode()).expect("room");
    (here, there)
}

/// A connection that was left, over the network, and what was its other end.
pub fn left() -> TcpStream {
    let (here, there) = tcp_by_hand();
    let options = crate::options().authorise(|_| Decision::Accept);
    drop(options.over_stream(here, LONG).expect("a connection"));
    there
}

/// Who leaves can say no more than that, and hangs up when the other does.
#[test]
fn who_leaves_over_the_network_ends_its_side_of_the_stream() {
    let mut there = left();
    let mut said = Vec::new();
    there.read_to_end(&mut said).expect("the end of the stream");
    let mut goodbye: Vec<_> = said[Opening::LENGTH..].chunks(stream::HEADER).collect();
    goodbye.sort_unstable();
    assert_eq!(goodbye, [stream::fin(), stream::gone()]);
}

/// What is still on its way is thrown away by a kernel that has to refuse something: so nothing is refused.
#[test]
fn what_comes_after_leaving_over_the_network_does_no_harm() {
    let (here, mut there) = tcp_by_hand();
    set_socket_send_buffer_size(&here, 1 << 17).expect("a socket");
    let options = crate::options().ring_capacity(1 << 18).authorise(|_| Decision::Accept);
    let mut here = options.over_stream(here, LONG).expect("a connection");
    // More than the other side takes before it reads.
    (0..140).for_each(|_| here.ends().0.send(&[5; 1000]).expect("room"));
    drop(here);
    there.write_all(&stream::data(0)).expect("room");
    let mut said = Vec::new();
    there.read_to_end(&mut said).expect("the end of the stream");
    assert_eq!(said.len(), Opening::LENGTH + 140 * (stream::HEADER + 1000) + 2 * stream::HEADER);
}

#[test]
fn what_is_no_opening_is_an_error() {
    let opening = |version, ring| Opening { version, ring }.encode().to_vec();
    let mut reserved = opening(VERSION, 65536);
    reserved[12] = 1;
    let lies: [(Vec<u8>, &str); 6] = [
        (b"GET / HTTP/1.1\r\nHost: nowhere\r\n".to_vec(), "expected to begin with"),
        (opening(7, 65536), "speaks versions 7 to 7"),
        (reserved, "expected 0 in a reserved field"),
        (opening(VERSION, 12345), "the size of a ring"),
        (opening(VERSION, 1 << 50), "the size of a ring"),
        (opening(VERSION, 65536)[..20].to_vec(), "hung up"),
    ];
    for (bytes, expected) in lies {
        let (here, mut there) = UnixStream::pair().expect("a pair");
        there.write_all(&bytes).expect("room");
        there.shutdown(std::net::Shutdown::Write).expect("a stream");
        let error = crate::options().over_stream(here.into(), LONG).map(drop).expect_err("a lie");
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn silence_is_a_timeout_and_other_sockets_are_refused() {
    let (here, _there) = unix();
    let error = crate::options().over_stream(here, Duration::from_millis(20)).map(drop).expect_err("silence");
    assert!(matches!(error, HandshakeError::Timeout { due: "its opening" }), "{error:?}");
    let (packets, _other) = crate::raw::pair();
    let error = crate::options().over_stream(packets, LONG).map(drop).expect_err("no stream");
    assert!(error.to_string().contains("SOCK_STREAM"), "{error}");
}
