//! Two sides of a session: in two threads, or in two processes; of every form.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;
use twinring::{CallError, Connection, End, Handler, LocalSession, Options, Session, SessionOptions, WaitStrategy};

use crate::answering::Answering;
use crate::process::{self, Child};
use crate::waits::{LONG, strategy};

/// What a side is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A session of one thread.
    Local,
    /// A session of many, which runs handlers where requests are received.
    Inline,
    /// One with two workers.
    Workers,
}

/// All of them.
pub const FORMS: [Form; 3] = [Form::Local, Form::Inline, Form::Workers];

/// Those of many threads.
pub const SHARED: [Form; 2] = [Form::Inline, Form::Workers];

impl Form {
    /// Options for it: no call lasts for ever, so that a lost reply is a failure and not a test that hangs.
    pub fn options(self) -> SessionOptions {
        let workers = if self == Self::Workers { 2 } else { 0 };
        SessionOptions::new().call_timeout(LONG).workers(workers)
    }

    fn named(name: &OsStr) -> Self {
        FORMS.into_iter().find(|form| name == &*format!("{form:?}")).expect("the name of a form")
    }
}

/// Sizes and waiting for sides that are threads of this process: they sleep, because they have two processors at most.
pub fn ring(capacity: usize) -> Options {
    crate::options().ring_capacity(capacity).wait(WaitStrategy::Park)
}

/// Whoever calls.
pub trait Caller {
    /// A call.
    fn ask(&mut self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError>;
    /// A call with a deadline.
    fn ask_for(&mut self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError>;
    /// An event.
    fn tell(&mut self, selector: u32, event: &[u8]);
}

impl<H: Handler> Caller for LocalSession<H> {
    fn ask(&mut self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        self.call(selector, request)
    }

    fn ask_for(&mut self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        self.call_timeout(selector, request, timeout)
    }

    fn tell(&mut self, selector: u32, event: &[u8]) {
        self.notify_timeout(selector, event, LONG).expect("an event sent");
    }
}

impl Caller for Session {
    fn ask(&mut self, selector: u32, request: &[u8]) -> Result<Vec<u8>, CallError> {
        self.call(selector, request)
    }

    fn ask_for(&mut self, selector: u32, request: &[u8], timeout: Duration) -> Result<Vec<u8>, CallError> {
        self.call_timeout(selector, request, timeout)
    }

    fn tell(&mut self, selector: u32, event: &[u8]) {
        self.notify_timeout(selector, event, LONG).expect("an event sent");
    }
}

/// A caller of that form.
pub fn caller(form: Form, connection: Connection, handler: impl Handler + Send + Sync + 'static) -> Box<dyn Caller> {
    match form {
        Form::Local => Box::new(LocalSession::new(connection, &form.options(), handler)),
        _ => Box::new(Session::new(connection, &form.options(), handler).expect("a session")),
    }
}

/// Two sessions of many threads, in this process, and what answers on the second.
pub fn sessions(options: &Options, ours: &SessionOptions, theirs: &SessionOptions) -> (Session, Session, Answering) {
    let (here, there) = options.pair().expect("a pair");
    let here = Session::new(here, ours, Answering::default()).expect("a session");
    let answering = Answering::default();
    let there = Session::new(there, theirs, answering.clone()).expect("a session");
    (here, there, answering)
}

/// The other side in a thread of this process, until this side leaves.
pub fn serving(form: Form, connection: Connection) -> JoinHandle<Result<(), End>> {
    serving_with(form, connection, form.options())
}

/// The same, with options of one's own.
pub fn serving_with(form: Form, connection: Connection, options: SessionOptions) -> JoinHandle<Result<(), End>> {
    thread::spawn(move || serve(form, connection, &options))
}

fn serve(form: Form, connection: Connection, options: &SessionOptions) -> Result<(), End> {
    match form {
        Form::Local => LocalSession::new(connection, options, Answering::default()).serve(),
        _ => {
            Session::new(connection, &options.clone().listener(false), Answering::default()).expect("a session").serve()
        }
    }
}

/// The other side in a process of its own, and our end of the connection to it.
pub fn other_process(form: Form, wait: WaitStrategy, capacity: usize) -> (TempDir, Child, Connection) {
    let directory = TempDir::new().expect("a directory");
    let options = crate::options().wait(wait).ring_capacity(capacity);
    let mut listener = options.bind(directory.path().join("socket")).expect("a listener");
    let (name, wait) = (format!("{form:?}"), format!("{wait:?}"));
    let capacity = capacity.to_string();
    let arguments = [
        ("SOCKET", listener.path().as_os_str()),
        ("FORM", OsStr::new(&name)),
        ("WAIT", OsStr::new(&wait)),
        ("CAPACITY", OsStr::new(&capacity)),
    ];
    let child = Child::start("answers", &arguments);
    let connection = listener.accept_timeout(LONG).expect("a client");
    (directory, child, connection)
}

/// That process: serves until its peer leaves.
pub fn answers() {
    let options = crate::options()
        .wait(strategy(process::argument("WAIT").to_str().expect("a name")))
        .ring_capacity(process::number("CAPACITY") as usize);
    let socket = PathBuf::from(process::argument("SOCKET"));
    let form = Form::named(&process::argument("FORM"));
    let connection = options.connect(socket, LONG).expect("a listener");
    serve(form, connection, &form.options()).expect("a peer that leaves in order");
}
