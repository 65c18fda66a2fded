//! What went wrong, as a code and a text that the thread can ask for.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};

use twinring::{
    AcceptError, BindError, CallError, ConnectError, End, Halt, HandshakeError, NotifyError, ReadyError, RecvIntoError,
    RecvTimeoutError, SendError, SendTimeoutError, SetupError, TryRecvError, TrySendError,
};

use crate::status::{Outcome, Status};

/// Why an exported function did not do what it is for.
#[derive(Debug)]
pub struct Failure {
    status: Status,
    text: Text,
    outcome: Outcome,
}

/// What polling meets all the time must not cost an allocation.
#[derive(Debug)]
enum Text {
    Fixed(&'static CStr),
    Made(String),
}

impl Failure {
    pub fn new(status: Status, text: String) -> Self {
        Self { status, text: Text::Made(text), outcome: Outcome::NotRun }
    }

    fn fixed(status: Status, text: &'static CStr) -> Self {
        Self { status, text: Text::Fixed(text), outcome: Outcome::NotRun }
    }

    /// An argument that is null.
    pub fn null(what: &str) -> Self {
        Self::bad_argument(format!("{what} is null"))
    }

    pub fn bad_argument(text: String) -> Self {
        Self::new(Status::BadArgument, text)
    }

    pub fn bad_state(text: &'static CStr) -> Self {
        Self::fixed(Status::BadState, text)
    }
}

struct Last {
    text: CString,
    fixed: Option<&'static CStr>,
    outcome: Outcome,
}

thread_local! {
    static LAST: RefCell<Last> =
        RefCell::new(Last { text: CString::default(), fixed: Some(c""), outcome: Outcome::NotRun });
}

/// Keeps a failure for this thread to ask for; its code.
#[cold]
pub fn keep(failure: Failure) -> Status {
    // A thread that is ending keeps nothing.
    let _ = LAST.try_with(|last| {
        let mut last = last.borrow_mut();
        last.outcome = failure.outcome;
        last.fixed = match failure.text {
            Text::Fixed(text) => Some(text),
            Text::Made(text) => {
                last.text = CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default();
                None
            }
        };
    });
    failure.status
}

/// What the last function that failed on this thread expected and what came, in English, without a full stop: never null,
/// empty if none has failed. It is the library's and stays as it is until another function fails on this thread. Success leaves it.
/// Any thread: each has its own.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_error_text() -> *const c_char {
    let text = LAST.try_with(|last| {
        let last = last.borrow();
        last.fixed.map_or(last.text.as_ptr(), CStr::as_ptr)
    });
    text.unwrap_or(c"".as_ptr())
}

/// What is known of the request, if what failed last on this thread was a call. Any thread: each has its own.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_error_outcome() -> Outcome {
    LAST.try_with(|last| last.borrow().outcome).unwrap_or(Outcome::MayHaveRun)
}

fn of_end(end: End) -> Status {
    match end {
        End::Closed => Status::Closed,
        End::Corrupt(_) => Status::Corrupt,
        End::Forked => Status::Forked,
        _ => Status::Disconnected,
    }
}

fn of_halt(halt: Halt) -> Status {
    match halt {
        Halt::Timeout => Status::Timeout,
        Halt::Congested => Status::Congested,
        Halt::Ended(end) => of_end(end),
        _ => Status::System,
    }
}

fn of_handshake(error: &HandshakeError) -> Status {
    match error {
        HandshakeError::Timeout { .. } => Status::Timeout,
        HandshakeError::HungUp => Status::Disconnected,
        HandshakeError::Refused { .. } | HandshakeError::Unauthorised { .. } => Status::Refused,
        HandshakeError::Corrupt(_) => Status::Corrupt,
        HandshakeError::Setup(_) => Status::System,
        _ => Status::Handshake,
    }
}

fn of_call(error: &CallError) -> Status {
    match error {
        CallError::TooLarge { .. } => Status::TooLarge,
        CallError::Busy => Status::Busy,
        CallError::NotSent(halt) | CallError::NoReply(halt) => of_halt(*halt),
        CallError::NoSelector => Status::NoSelector,
        CallError::Refused(_) => Status::Refused,
        CallError::Overloaded => Status::Overloaded,
        CallError::Failed(_) => Status::Failed,
        CallError::ReplyTooLarge => Status::ReplyTooLarge,
        CallError::NotAnswered => Status::NotAnswered,
        _ => Status::System,
    }
}

/// Each error of the library as a failure: its code, and what it says of itself.
macro_rules! failure_from {
    ($($error:ident: $status:expr;)*) => {$(
        impl From<$error> for Failure {
            #[cold]
            fn from(error: $error) -> Self {
                let status: fn(&$error) -> Status = $status;
                Self::new(status(&error), error.to_string())
            }
        }
    )*};
}

failure_from! {
    End: |end| of_end(*end);
    Halt: |halt| of_halt(*halt);
    HandshakeError: of_handshake;
    SetupError: |_| Status::System;
    ReadyError: |_| Status::Spins;
    BindError: |error| match error {
        BindError::InUse { .. } => Status::InUse,
        BindError::Endpoint(_) => Status::BadArgument,
        _ => Status::System,
    };
    AcceptError: |error| if matches!(error, AcceptError::Timeout) { Status::Timeout } else { Status::System };
    ConnectError: |error| match error {
        ConnectError::Endpoint(_) => Status::BadArgument,
        ConnectError::Absent { .. } => Status::Absent,
        ConnectError::Handshake(error) => of_handshake(error),
        _ => Status::System,
    };
    SendError: |error| match error {
        SendError::TooLarge { .. } => Status::TooLarge,
        SendError::Ended(end) => of_end(*end),
        _ => Status::System,
    };
    SendTimeoutError: |error| match error {
        SendTimeoutError::Timeout => Status::Timeout,
        SendTimeoutError::TooLarge { .. } => Status::TooLarge,
        SendTimeoutError::Ended(end) => of_end(*end),
        _ => Status::System,
    };
    RecvIntoError: |error| match error {
        RecvIntoError::TooSmall { .. } => Status::TooSmall,
        RecvIntoError::Ended(end) => of_end(*end),
        _ => Status::System,
    };
    NotifyError: |error| match error {
        NotifyError::TooLarge { .. } => Status::TooLarge,
        NotifyError::NotSent(halt) => of_halt(*halt),
        _ => Status::System,
    };
}

impl From<TrySendError> for Failure {
    fn from(error: TrySendError) -> Self {
        match error {
            TrySendError::Full => Self::fixed(Status::Full, c"no room until the peer has received more"),
            TrySendError::TooLarge { .. } => Self::new(Status::TooLarge, error.to_string()),
            TrySendError::Ended(end) => end.into(),
            _ => Self::new(Status::System, error.to_string()),
        }
    }
}

impl From<TryRecvError> for Failure {
    fn from(error: TryRecvError) -> Self {
        match error {
            TryRecvError::Empty => Self::fixed(Status::Empty, c"no message yet"),
            TryRecvError::Ended(end) => end.into(),
            _ => Self::new(Status::System, error.to_string()),
        }
    }
}

impl From<RecvTimeoutError> for Failure {
    fn from(error: RecvTimeoutError) -> Self {
        match error {
            RecvTimeoutError::Timeout => Self::fixed(Status::Timeout, c"no message by the deadline"),
            RecvTimeoutError::Ended(end) => end.into(),
            _ => Self::new(Status::System, error.to_string()),
        }
    }
}

impl From<CallError> for Failure {
    #[cold]
    fn from(error: CallError) -> Self {
        let outcome = match error.outcome() {
            twinring::Outcome::NotRun => Outcome::NotRun,
            twinring::Outcome::MayHaveRun => Outcome::MayHaveRun,
            twinring::Outcome::Ran => Outcome::Ran,
        };
        Self { outcome, ..Self::new(of_call(&error), error.to_string()) }
    }
}
