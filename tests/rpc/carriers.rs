//! Everything that carries calls, behind one face: each test runs over all of it.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::pipe::pipe;
use twinring::rpc::{Carrier, Server, StreamOptions, StreamSession};
use twinring::{LocalSession, Options, Session, SessionOptions};

use crate::office::{Desk, Office, OfficeClient, office};

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The largest message of all of these.
pub const LARGEST: usize = 1 << 20;

/// What carries calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Two sessions with listeners.
    Session,
    /// The same with workers.
    Workers,
    /// Two sessions of one thread each.
    Local,
    Unix,
    Tcp,
    Pipes,
}

pub const ALL: [Over; 6] = [Over::Session, Over::Workers, Over::Local, Over::Unix, Over::Tcp, Over::Pipes];

/// Those that many threads can use.
pub const SHARED: [Over; 5] = [Over::Session, Over::Workers, Over::Unix, Over::Tcp, Over::Pipes];

pub type AnyCarrier = Box<dyn Carrier + Send>;

/// The other side, kept until the test is over.
#[derive(Default)]
pub struct Serving {
    session: Option<Session>,
    stream: Option<StreamSession>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    /// The other side leaves.
    pub fn leave(&mut self) {
        self.session = None;
        self.stream = None;
    }

    /// Waits until the side of one thread has found that this one left.
    pub fn finish(mut self) {
        self.leave();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the side that serves");
        }
    }
}

fn session_options(over: Over) -> SessionOptions {
    let options = SessionOptions::new().largest_message(LARGEST).call_timeout(PATIENCE);
    options.workers(if over == Over::Workers { 4 } else { 0 })
}

pub fn stream_options() -> StreamOptions {
    StreamOptions::new().largest_message(LARGEST).call_timeout(PATIENCE)
}

/// Two ends of a TCP connection on this machine.
pub fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a listener");
    let here = TcpStream::connect(listener.local_addr().expect("its address")).expect("a connection");
    (here, listener.accept().expect("its other end").0)
}

/// `many` handles to one connection, at whose other end `there` is served; `here` is what that end may call.
pub fn connect(over: Over, here: Server, there: Server, many: usize) -> (Vec<AnyCarrier>, Serving) {
    match over {
        Over::Session | Over::Workers => sessions(over, here, there, many),
        Over::Local => local(here, there, many),
        Over::Unix => {
            let (near, far) = UnixStream::pair().expect("sockets");
            let far = StreamSession::over(far, &stream_options(), there);
            streams(StreamSession::over(near, &stream_options(), here), far, many)
        }
        Over::Tcp => {
            let (near, far) = tcp();
            let far = StreamSession::over(far, &stream_options(), there);
            streams(StreamSession::over(near, &stream_options(), here), far, many)
        }
        Over::Pipes => {
            let ((from_there, to_here), (from_here, to_there)) = (pipe().expect("a pipe"), pipe().expect("a pipe"));
            let ends = |read, write| (File::from(read), File::from(write));
            let ((near_in, near_out), (far_in, far_out)) = (ends(from_there, to_there), ends(from_here, to_here));
            let far = StreamSession::new(far_in, far_out, &stream_options(), there);
            streams(StreamSession::new(near_in, near_out, &stream_options(), here), far, many)
        }
    }
}

fn sessions(over: Over, here: Server, there: Server, many: usize) -> (Vec<AnyCarrier>, Serving) {
    let (near, far) = Options::new().ring_capacity(1 << 16).pair().expect("a pair");
    let there = there.for_peer(far.peer());
    let far = Session::new(far, &session_options(over), there).expect("a session");
    let near = Session::new(near, &session_options(over), here).expect("a session");
    let carriers = (0..many).map(|_| Box::new(near.clone()) as AnyCarrier).collect();
    (carriers, Serving { session: Some(far), ..Serving::default() })
}

fn local(here: Server, there: Server, many: usize) -> (Vec<AnyCarrier>, Serving) {
    assert_eq!(many, 1, "one thread has it");
    let (near, far) = Options::new().ring_capacity(1 << 16).pair().expect("a pair");
    let there = there.for_peer(far.peer());
    let serve = move || LocalSession::new(far, &session_options(Over::Local), there).serve().expect("a good end");
    let thread = thread::spawn(serve);
    let near = LocalSession::new(near, &session_options(Over::Local), here);
    (vec![Box::new(near)], Serving { thread: Some(thread), ..Serving::default() })
}

fn streams(
    near: std::io::Result<StreamSession>,
    far: std::io::Result<StreamSession>,
    many: usize,
) -> (Vec<AnyCarrier>, Serving) {
    let (near, far) = (near.expect("a stream"), far.expect("a stream"));
    let carriers = (0..many).map(|_| Box::new(near.clone()) as AnyCarrier).collect();
    (carriers, Serving { stream: Some(far), ..Serving::default() })
}

/// A client of the office at the other end, which is served by the desk that comes with it.
pub fn office_over(over: Over) -> (OfficeClient<AnyCarrier>, Arc<Desk>, Serving) {
    let desk = Arc::new(Desk::default());
    let (client, serving) = client_of(over, office(&desk));
    (client, desk, serving)
}

/// A client of the office that this server serves.
pub fn client_of(over: Over, server: Server) -> (OfficeClient<AnyCarrier>, Serving) {
    let here = Server::new().register::<dyn Office>(Arc::new(Desk::default()));
    let (mut carriers, serving) = connect(over, here, server, 1);
    let client = OfficeClient::bind(carriers.pop().expect("a carrier")).expect("an office");
    (client, serving)
}

impl Over {
    /// Whether there is but one thread at the other side that runs procedures.
    pub fn keeps_order(self) -> bool {
        matches!(self, Self::Session | Self::Local)
    }
}

/// Looks until `look` is true; fails if it never becomes so.
pub fn until(what: &str, mut look: impl FnMut() -> bool) {
    let started = std::time::Instant::now();
    while !look() {
        assert!(started.elapsed() < PATIENCE, "waited in vain for {what}");
        thread::sleep(Duration::from_micros(200));
    }
}
