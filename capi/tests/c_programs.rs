//! Programs in C and C++ that use `twinring.h`: every function, every kind of failure, between processes and with peers in Rust.

#[path = "support/programs.rs"]
mod programs;

use std::time::Duration;

use programs::{How, Programs};
use twinring::{Call, Listener, Options, Session, SessionOptions};

const PATIENCE: Duration = Duration::from_secs(20);

/// The sum of the bytes, as `peer.c` answers.
fn sum(call: &mut Call<'_>) -> Result<(), twinring::Failure> {
    let sum = call.payload().iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte));
    call.reply().push(sum);
    Ok(())
}

fn everything(how: How) {
    let Some(programs) = Programs::new(how) else { return };
    for source in ["messages.c", "calls.c", "classes.cpp"] {
        assert_eq!(programs.run(source, &[]), "all of it\n", "{source}");
    }
}

#[test]
fn every_function_does_what_the_header_says() {
    everything(How::Shared);
}

#[test]
fn the_static_library_has_the_same() {
    everything(How::Static);
}

#[test]
fn the_address_sanitizer_finds_nothing() {
    everything(How::Sanitized);
}

#[test]
fn valgrind_finds_nothing() {
    everything(How::Valgrind);
}

/// Two processes, in C, with the path at which they meet.
fn meet(programs: &Programs, first: &str, second: &str) {
    let path = programs.directory().join("meeting.sock");
    let path = path.to_str().expect("a plain path");
    programs.compile("peer.c");
    let mut listening = programs.start("peer.c", &[first, path]);
    assert_eq!(listening.line(), "listens");
    assert_eq!(programs.start("peer.c", &[second, path]).finish(), "all of it\n");
    assert_eq!(listening.finish(), "all of it\n");
}

#[test]
fn two_processes_in_c_exchange_messages_and_calls() {
    for how in [How::Shared, How::Sanitized, How::Valgrind] {
        let Some(programs) = Programs::new(how) else { continue };
        meet(&programs, "listen", "connect");
        meet(&programs, "serve", "ask");
    }
}

#[test]
fn a_client_in_c_talks_to_rust() {
    let Some(programs) = Programs::new(How::Shared) else { return };
    programs.compile("peer.c");
    let path = programs.directory().join("rust.sock");
    let mut listener = Listener::bind(path.as_path()).expect("a listener");
    let client = programs.start("peer.c", &["connect", path.to_str().expect("a plain path")]);
    let connection = listener.accept_timeout(PATIENCE).expect("a client");
    assert_eq!(connection.peer().pid, Some(client.id()));
    let (mut sender, mut receiver) = connection.split();
    while let Ok(message) = receiver.recv_timeout(PATIENCE) {
        sender.send(&message.to_vec()).expect("a client that reads");
    }
    client.finish();

    let client = programs.start("peer.c", &["ask", path.to_str().expect("a plain path")]);
    let connection = listener.accept_timeout(PATIENCE).expect("a client");
    let session = Session::new(connection, &SessionOptions::new(), sum).expect("a session");
    session.serve().expect("an end in order");
    client.finish();
}

#[test]
fn a_server_in_c_talks_to_rust() {
    let Some(programs) = Programs::new(How::Shared) else { return };
    programs.compile("peer.c");
    let path = programs.directory().join("c.sock");
    let mut server = programs.start("peer.c", &["serve", path.to_str().expect("a plain path")]);
    assert_eq!(server.line(), "listens");
    let connection = twinring::connect(path.as_path(), PATIENCE).expect("a server");
    let session = Session::new(connection, &SessionOptions::new(), ()).expect("a session");
    assert_eq!(session.call_timeout(1, &[1, 2, 3, 250], PATIENCE), Ok(vec![0]));
    assert_eq!(session.call_timeout(1, &vec![1; 300_000], PATIENCE), Ok(vec![(300_000 % 256) as u8]));
    drop(session);
    server.finish();
}

#[test]
fn a_refusal_says_why() {
    let Some(programs) = Programs::new(How::Shared) else { return };
    programs.compile("peer.c");
    let path = programs.directory().join("refuses.sock");
    let path = path.to_str().expect("a plain path");
    let mut listening = programs.start_with("peer.c", &["listen", path], &[("REFUSE", "1")]);
    assert_eq!(listening.line(), "listens");
    let (code, printed, _) = programs.start("peer.c", &["connect", path]).end();
    assert_eq!((code, printed.as_str()), (Some(3), "14 the peer refused: not today\n"));
    listening.finish();
}

#[test]
fn a_death_is_told() {
    let Some(programs) = Programs::new(How::Shared) else { return };
    programs.compile("peer.c");
    let path = programs.directory().join("dies.sock");
    let mut listener = Options::new().bind(path.as_path()).expect("a listener");
    let client = programs.start("peer.c", &["connect", path.to_str().expect("a plain path")]);
    // It waits for the reply to its first message, and says what came instead.
    drop(listener.accept_timeout(PATIENCE).expect("a client"));
    let (code, _, errors) = client.end();
    assert!(code == Some(1) && errors.contains("the peer has closed its end"), "{code:?}: {errors}");
}

/// The program of the README, by this package's directory.
fn readme_program() -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("a README");
    let (_, program) = readme.split_once("```c\n").expect("a program in C");
    program.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn the_program_of_the_readme_echoes() {
    let Some(programs) = Programs::new(How::Shared) else { return };
    programs.compile_text(&readme_program(), "readme.c");
    let server = programs.start("readme.c", &[]);
    // It meets under a name, in the directory that it was told of.
    let place = programs.runtime().join("twinring/echo.sock");
    let (mut sender, mut receiver) = twinring::connect(place.as_path(), PATIENCE).expect("a server").split();
    sender.send(b"from Rust").expect("a server that reads");
    assert_eq!(receiver.recv_timeout(PATIENCE).expect("an echo").to_vec(), b"from Rust");
    drop((sender, receiver));
    assert_eq!(server.finish(), "");
}
