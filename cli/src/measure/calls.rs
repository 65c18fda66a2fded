//! Calls of ours, in both forms: one side calls, the other's handler replies with the request.

use twinring::{Call, Connection, End, Failure as Refusal, Handler, LocalSession, Session, SessionOptions};

use super::carrier::Asked;
use super::pattern;
use super::plan::{Mechanism, Mode};
use crate::failure::Failure;

/// What is called: a handler that replies with the request answers to every selector.
const SELECTOR: u32 = 0;

/// The side that calls.
pub enum Caller {
    /// By the one thread of a session.
    Local(Box<LocalSession<()>>),
    /// By one of the threads that a session may have.
    Shared(Session),
}

impl Caller {
    /// Calls by `connection`, in the form that `mechanism` is about.
    ///
    /// # Errors
    ///
    /// If there is no thread or memory for it.
    pub fn new(connection: Connection, mechanism: Mechanism) -> Result<Self, Failure> {
        let options = SessionOptions::new();
        Ok(match mechanism {
            Mechanism::TwinringCallShared => Self::Shared(Session::new(connection, &options, ())?),
            _ => Self::Local(Box::new(LocalSession::new(connection, &options, ()))),
        })
    }
}

impl Asked for LocalSession<()> {
    #[inline]
    fn trip(&mut self, asked: &[u8], answer: &mut Vec<u8>) -> Result<usize, Failure> {
        self.call_into(SELECTOR, asked, answer)?;
        Ok(answer.len())
    }
}

impl Asked for Session {
    #[inline]
    fn trip(&mut self, asked: &[u8], answer: &mut Vec<u8>) -> Result<usize, Failure> {
        self.call_into(SELECTOR, asked, answer)?;
        Ok(answer.len())
    }
}

/// Replies with the request, or with the time at which it came.
pub struct Echo;

impl Handler for Echo {
    #[inline]
    fn call(&self, call: &mut Call<'_>) -> Result<(), Refusal> {
        let request = call.payload();
        let reply = call.reply();
        reply.extend_from_slice(request);
        pattern::answer(reply);
        Ok(())
    }
}

/// The side that answers, until the other one leaves.
pub enum Answerer {
    /// On this thread.
    Local(Box<LocalSession<Echo>>),
    /// On the listener thread of a session, or on this one if it spins.
    Shared(Session, Mode),
}

impl Answerer {
    /// Answers by `connection`, whose side waits as `mode` says, in the form that `mechanism` is about.
    ///
    /// # Errors
    ///
    /// If there is no thread or memory for it.
    pub fn new(connection: Connection, mechanism: Mechanism, mode: Mode) -> Result<Self, Failure> {
        let options = SessionOptions::new();
        Ok(match mechanism {
            Mechanism::TwinringCallShared => Self::Shared(Session::new(connection, &options, Echo)?, mode),
            _ => Self::Local(Box::new(LocalSession::new(connection, &options, Echo))),
        })
    }

    /// Answers until the other side leaves; returns at once if another thread answers.
    ///
    /// # Errors
    ///
    /// If it does not leave in order.
    pub fn serve(&mut self) -> Result<(), End> {
        match self {
            Self::Local(session) => session.serve(),
            Self::Shared(session, Mode::Spin) => session.serve(),
            Self::Shared(..) => Ok(()),
        }
    }
}
