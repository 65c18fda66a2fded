//! A service at a place of its own, what its callbacks said, and its clients.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use twinring::{Client, Options, Selector, Service, ServiceOptions, Session, SessionOptions, WaitStrategy};

use crate::process::Child;
use crate::waits::{LONG, until};

/// Answers with the request.
pub const ECHO: Selector = Selector::new(1, 1);

/// What was said, in order.
#[derive(Clone, Debug, Default)]
pub struct Record(Arc<Mutex<Vec<String>>>);

impl Record {
    pub fn note(&self, text: impl Into<String>) {
        self.0.lock().expect("no panic").push(text.into());
    }

    pub fn lines(&self) -> Vec<String> {
        self.0.lock().expect("no panic").clone()
    }

    /// Waits until exactly these were said.
    pub fn await_lines(&self, expected: &[&str]) {
        until(&format!("{expected:?}, not {:?}", self.lines()), || self.lines().len() >= expected.len());
        assert_eq!(self.lines(), expected);
    }
}

/// A directory, and the path of a socket in it.
pub fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("service");
    (directory, path)
}

/// Connections that are small and sleep, because the machine has few processors.
pub fn small() -> Options {
    crate::options().ring_capacity(1 << 14).wait(WaitStrategy::Park)
}

/// Options by which every callback leaves a note; the data is the record and a name.
pub fn noted(record: &Record) -> ServiceOptions<(Record, String)> {
    let (on_connect, on_authorise) = (record.clone(), record.clone());
    ServiceOptions::with_data(move |newcomer| {
        on_connect.note("connected");
        (on_connect.clone(), format!("client {}", newcomer.id()))
    })
    .authorise(move |_| {
        on_authorise.note("authorise");
        twinring::Verdict::Accept
    })
    .disconnected(|client: &Client<(Record, String)>, parting| client.data().0.note(format!("disconnected: {parting}")))
    .destroyed(|(record, _)| record.note("destroyed"))
    .connection(small())
}

/// Has it echo.
pub fn echoes<T: Send + Sync + 'static>(service: &Service<T>) {
    service.handle(ECHO, |request| {
        let payload = request.payload();
        request.reply().extend_from_slice(payload);
        Ok(())
    });
}

/// A client in this process.
pub fn client(service: &Service<impl Send + Sync>) -> Session {
    client_at(service.path().into())
}

/// The same, by path.
pub fn client_at(path: PathBuf) -> Session {
    let connection = small().connect(path, LONG).expect("a service that accepts");
    Session::new(connection, &SessionOptions::new().call_timeout(LONG), ()).expect("a session")
}

/// A client that is a process.
pub fn other_process(part: &str, service: &Service<impl Send + Sync>) -> Child {
    Child::start(part, &[("SOCKET", OsStr::new(service.path()))])
}
