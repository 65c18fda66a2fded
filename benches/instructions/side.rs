//! Both forms of a session, under the same names.

use std::hint::black_box;

use twinring::{Call, Connection, Event, Failure, Handler, LocalSession, Session, SessionOptions};

/// A session of either form, which replies with the request.
pub trait Side {
    /// What its operations are called.
    const CALL: &'static str;
    const SERVE: &'static str;
    const NOTIFY: &'static str;
    const TAKE: &'static str;

    /// The id of its first call. If one is made after the other, each has the next id.
    const FIRST: u64;

    fn new(connection: Connection) -> Self;

    fn call(&mut self, request: &[u8], reply: &mut Vec<u8>);

    /// Handles what has come: at least `least` messages, for the hello may be among them.
    fn dispatch(&mut self, least: usize);

    fn notify(&mut self, event: &[u8]);
}

/// Replies with the request, and looks at events.
pub struct Echo;

impl Handler for Echo {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        let request = call.payload();
        call.reply().extend_from_slice(request);
        Ok(())
    }

    fn event(&self, event: &mut Event<'_>) {
        black_box(event.payload());
    }
}

impl Side for LocalSession<Echo> {
    const CALL: &'static str = "`LocalSession::call_into`";
    const SERVE: &'static str = "`LocalSession`: a call served";
    const NOTIFY: &'static str = "`LocalSession::notify`";
    const TAKE: &'static str = "`LocalSession`: an event taken";
    const FIRST: u64 = 1;

    fn new(connection: Connection) -> Self {
        Self::new(connection, &SessionOptions::new(), Echo)
    }

    #[inline(always)]
    fn call(&mut self, request: &[u8], reply: &mut Vec<u8>) {
        self.call_into(0, request, reply).expect("a reply");
    }

    fn dispatch(&mut self, least: usize) {
        assert!(Self::dispatch(self).expect("messages") >= least);
    }

    #[inline(always)]
    fn notify(&mut self, event: &[u8]) {
        Self::notify(self, 0, event).expect("room");
    }
}

impl Side for Session {
    const CALL: &'static str = "`Session::call_into`, alone";
    const SERVE: &'static str = "`Session`: a call served";
    const NOTIFY: &'static str = "`Session::notify`";
    const TAKE: &'static str = "`Session`: an event taken";
    // Slot 0 of 64, its first use.
    const FIRST: u64 = 64;

    fn new(connection: Connection) -> Self {
        Self::new(connection, &SessionOptions::new(), Echo).expect("a session")
    }

    #[inline(always)]
    fn call(&mut self, request: &[u8], reply: &mut Vec<u8>) {
        self.call_into(0, request, reply).expect("a reply");
    }

    fn dispatch(&mut self, least: usize) {
        assert!(Self::dispatch(self).expect("messages") >= least);
    }

    #[inline(always)]
    fn notify(&mut self, event: &[u8]) {
        Self::notify(self, 0, event).expect("room");
    }
}
