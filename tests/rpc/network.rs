//! Between processes: over TCP on loopback, between two network namespaces, and over a child's standard input and output.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use twinring::rpc::{CallError, Server, StreamSession, serve_stream};

use crate::carriers::stream_options;
use crate::office::{DivideError, OfficeClient, Point, Shape, office};
use crate::process::{self, Child};

/// What a client sees of an office that another process serves.
fn check(mut office: OfficeClient<StreamSession>) {
    assert_eq!(office.add(40, 2), Ok(42));
    assert_eq!(office.divide(1, 0), Err(CallError::Procedure(DivideError::ByZero)));
    let circle = |x| Shape::Circle(Point { x, y: 0.0 }, 1.0);
    assert_eq!(office.moved(circle(0.0), Point { x: 3.0, y: 0.0 }), Ok(circle(3.0)));
    assert_eq!(office.bytes(900_000).map(|bytes| bytes.len()), Ok(900_000));
    for number in 0..100 {
        office.note(&number.to_string()).unwrap();
    }
    assert_eq!(office.bounce(4), Ok(4));
    office.stub().set_timeout(Some(Duration::from_millis(30)));
    assert!(office.wait_to_be_let_go().unwrap_err().timed_out());
}

/// The part of a second process: serves one connection at the address that it is told.
pub fn serves() {
    enter_namespace();
    let listener = TcpListener::bind(process::argument("ADDRESS").to_str().unwrap()).unwrap();
    process::say(&listener.local_addr().unwrap().to_string());
    let (stream, _) = listener.accept().unwrap();
    let desk = Arc::default();
    let session = StreamSession::over(stream, &stream_options(), office(&desk)).unwrap();
    process::await_word();
    desk.gate.open();
    assert_eq!(session.wait(), Ok(()));
}

/// The part of a second process: calls the one at the address that it is told.
pub fn calls() {
    enter_namespace();
    let stream = TcpStream::connect(process::argument("ADDRESS").to_str().unwrap()).unwrap();
    let session = StreamSession::over(stream, &stream_options(), office(&Arc::default())).unwrap();
    check(OfficeClient::bind(session).unwrap());
    process::say("well");
}

/// The part of a second process: serves its standard input and output, the latter as a descriptor that nobody else writes to.
pub fn serves_its_standard_input() {
    let replies = process::argument("REPLIES").into_string().unwrap();
    let output = File::options().write(true).open(replies).unwrap();
    serve_stream(io::stdin(), output, &stream_options(), office(&Arc::default())).unwrap();
}

fn client(address: &str) -> StreamSession {
    let stream = TcpStream::connect(address).unwrap();
    StreamSession::over(stream, &stream_options(), office(&Arc::default())).unwrap()
}

#[test]
fn another_process_is_called_over_tcp_on_loopback() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        if TcpListener::bind(local).is_err() {
            eprintln!("left out: nothing can be bound to {local} here");
            continue;
        }
        let mut server = Child::start("serves over tcp", &[("ADDRESS", OsStr::new(local))]);
        let address = server.hear();
        check(OfficeClient::bind(client(&address)).unwrap());
        server.go_on();
        server.finish();
    }
}

#[test]
fn a_process_that_is_killed_is_gone() {
    let mut server = Child::start("serves over tcp", &[("ADDRESS", OsStr::new("127.0.0.1:0"))]);
    let address = server.hear();
    let session = client(&address);
    let mut office = OfficeClient::bind(session.clone()).unwrap();
    let calling = std::thread::spawn(move || office.wait_to_be_let_go());
    let mut other = OfficeClient::bind(session.clone()).unwrap();
    assert_eq!(other.add(1, 2), Ok(3));
    server.kill();
    let error = calling.join().unwrap().unwrap_err();
    assert!(error.is_gone(), "{error:?}");
    assert!(other.add(1, 2).unwrap_err().is_gone());
    assert!(session.ended().is_some());
}

#[test]
fn a_child_is_called_over_its_standard_input_and_output() {
    let mut command = Command::new(std::env::current_exe().unwrap());
    // The test harness writes to standard output itself, so the replies take standard error's way.
    command.args(["second_process", "--exact", "--nocapture", "--test-threads=1"]);
    command.env("TWINRING_TEST_PART", "serves its standard input").env("REPLIES", "/dev/fd/2");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a child");
    let (reader, writer) = (child.stderr.take().unwrap(), child.stdin.take().unwrap());
    let session = StreamSession::new(reader, writer, &stream_options(), Server::new()).unwrap();
    let mut office = OfficeClient::bind(session).unwrap();
    assert_eq!(office.add(40, 2), Ok(42));
    drop(office);
    assert!(child.wait().unwrap().success());
}

/// Two network namespaces with a pair of virtual cards between them; gone when dropped.
struct Namespaces([String; 2]);

impl Namespaces {
    /// `None` where this user may not make them.
    fn new() -> Option<Self> {
        let names = ["a", "b"].map(|end| format!("twr{}{end}", std::process::id()));
        let namespaces = Self(names);
        let [a, b] = &namespaces.0;
        let made = ip(&["netns", "add", a])
            && ip(&["netns", "add", b])
            && ip(&["-n", a, "link", "add", "tw0", "type", "veth", "peer", "name", "tw0", "netns", b])
            && namespaces.bring_up(a, "10.213.7.1/24")
            && namespaces.bring_up(b, "10.213.7.2/24");
        made.then_some(namespaces)
    }

    fn bring_up(&self, name: &str, address: &str) -> bool {
        ip(&["-n", name, "addr", "add", address, "dev", "tw0"]) && ip(&["-n", name, "link", "set", "tw0", "up"])
    }
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in &self.0 {
            ip(&["netns", "delete", name]);
        }
    }
}

#[test]
fn another_process_is_called_between_two_network_namespaces() {
    let Some(namespaces) = Namespaces::new() else {
        let _ = writeln!(io::stderr(), "left out: network namespaces and virtual cards cannot be made here");
        return;
    };
    let [a, b] = &namespaces.0;
    let mut server = start_in(a, "serves over tcp", "10.213.7.1:7007");
    let address = server.hear();
    assert_eq!(address, "10.213.7.1:7007");
    let mut client = start_in(b, "calls over tcp", &address);
    assert_eq!(client.hear(), "well");
    client.finish();
    server.go_on();
    server.finish();
}

/// A second process in a network namespace.
fn start_in(namespace: &str, part: &str, address: &str) -> Child {
    let inside = format!("/run/netns/{namespace}");
    Child::start(part, &[("ADDRESS", OsStr::new(address)), ("NAMESPACE", OsStr::new(&inside))])
}

/// Enters the network namespace that this process is told, if it is.
pub fn enter_namespace() {
    if let Some(path) = std::env::var_os("NAMESPACE") {
        let namespace = File::open(path).unwrap();
        let kind = rustix::thread::LinkNameSpaceType::Network;
        rustix::thread::move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(kind)).unwrap();
    }
}
