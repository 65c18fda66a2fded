//! What a handler in C is given.
#![allow(unsafe_code, reason = "exported names; nothing is done that needs trust")]

use std::ffi::c_void;
use std::mem::MaybeUninit;

use twinring::{Call, CallError, Event, Failure as Refusal};

use crate::boundary::{guarded, guarded_or};
use crate::failure::Failure;
use crate::from_c::{Data, Text, UserData, given, time};
use crate::reply::Reply;
use crate::responder::Responder;
use crate::status::{Status, words};
use crate::to_c::hand_out;

/// A call or an event of the other side, while its handler runs: valid until that returns, on its thread alone.
pub struct Request<'a, 'b> {
    held: Held<'a, 'b>,
    reason: String,
}

enum Held<'a, 'b> {
    Call(&'a mut Call<'b>),
    Event(&'a mut Event<'b>),
}

/// Answers a call: TWINRING_OK sends what twinring_request_reply() was given; TWINRING_NO_SELECTOR, TWINRING_REFUSED and
/// TWINRING_OVERLOADED tell the caller just that, any other code that the handler failed, with the text of
/// twinring_request_explain(). May run on several threads at once. Must return: no longjmp(), no exception.
pub type OnCall = Option<extern "C" fn(request: &mut Request<'_, '_>, user_data: UserData) -> i32>;

/// Takes an event. As twinring_on_call otherwise.
pub type OnEvent = Option<extern "C" fn(request: &mut Request<'_, '_>, user_data: UserData)>;

/// The handlers of one side, in C.
pub struct Callbacks {
    pub on_call: OnCall,
    pub on_event: OnEvent,
    pub user_data: UserData,
}

impl twinring::Handler for Callbacks {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Refusal> {
        let answer = self.on_call.ok_or_else(Refusal::no_selector)?;
        let mut request = Request { held: Held::Call(call), reason: String::new() };
        let code = answer(&mut request, self.user_data);
        verdict(code, request.reason)
    }

    fn event(&self, event: &mut Event<'_>) {
        if let Some(take) = self.on_event {
            take(&mut Request { held: Held::Event(event), reason: String::new() }, self.user_data);
        }
    }
}

fn verdict(code: i32, reason: String) -> Result<(), Refusal> {
    match code {
        _ if code == Status::Ok as i32 => Ok(()),
        _ if code == Status::NoSelector as i32 => Err(Refusal::no_selector()),
        _ if code == Status::Overloaded as i32 => Err(Refusal::overloaded()),
        _ if code == Status::Refused as i32 => Err(Refusal::refused(reason)),
        _ if reason.is_empty() => Err(Refusal::new(format_args!("code {code}, {}", text_of(code)))),
        _ => Err(Refusal::new(reason)),
    }
}

fn text_of(code: i32) -> &'static str {
    words(code).and_then(|words| words.to_str().ok()).unwrap_or("the handler's own")
}

impl<'b> Request<'_, 'b> {
    fn payload(&self) -> &'b [u8] {
        match &self.held {
            Held::Call(call) => call.payload(),
            Held::Event(event) => event.payload(),
        }
    }

    fn as_call(&mut self) -> Result<&mut Call<'b>, Failure> {
        match &mut self.held {
            Held::Call(call) => Ok(call),
            Held::Event(_) => Err(Failure::bad_state(c"an event is not answered")),
        }
    }

    fn call_back(&mut self, selector: u32, request: &[u8], timeout_ns: i64) -> Result<Vec<u8>, CallError> {
        match (&mut self.held, time(timeout_ns)) {
            (Held::Call(call), None) => call.call(selector, request),
            (Held::Call(call), Some(time)) => call.call_timeout(selector, request, time),
            (Held::Event(event), None) => event.call(selector, request),
            (Held::Event(event), Some(time)) => event.call_timeout(selector, request, time),
        }
    }
}

/// What is called, or what the event is about; 0 if `request` is null. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_selector(request: Option<&Request<'_, '_>>) -> u32 {
    request.map_or(0, |request| match &request.held {
        Held::Call(call) => call.selector(),
        Held::Event(event) => event.selector(),
    })
}

/// The bytes of the request: a copy, which the peer cannot change, valid until the handler returns. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_data(request: Option<&Request<'_, '_>>) -> *const c_void {
    request.map_or(std::ptr::null(), |request| request.payload().as_ptr().cast())
}

/// The length of the request in bytes. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_length(request: Option<&Request<'_, '_>>) -> usize {
    request.map_or(0, |request| request.payload().len())
}

/// Adds bytes to the reply, which is sent when the handler returns TWINRING_OK. `data` stays the caller's. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_reply(request: Option<&mut Request<'_, '_>>, data: Data, length: usize) -> Status {
    guarded(|| {
        let bytes = data.bytes(length)?;
        given(request, "request")?.as_call()?.reply().extend_from_slice(bytes);
        Ok(())
    })
}

/// Sends the whole reply at once, from where it lies: for large ones. What the handler returns is ignored then. `data` stays the
/// caller's. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_reply_from(
    request: Option<&mut Request<'_, '_>>,
    data: Data,
    length: usize,
) -> Status {
    guarded(|| {
        let bytes = data.bytes(length)?;
        given(request, "request")?.as_call()?.reply_from(bytes);
        Ok(())
    })
}

/// Says why the handler will return another code than TWINRING_OK. The text is copied. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_explain(request: Option<&mut Request<'_, '_>>, reason: Text) -> Status {
    guarded(|| {
        let request = given(request, "request")?;
        request.reason = reason.lossy().ok_or_else(|| Failure::null("reason"))?;
        Ok(())
    })
}

/// Keeps the request to be answered later, perhaps by another thread: what the handler returns is ignored then. Use up
/// `*responder` by twinring_responder_reply(), _fail() or _drop(). TWINRING_BAD_STATE if it was answered already, is an event, or if
/// as many requests wait as this side accepts. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_defer(
    request: Option<&mut Request<'_, '_>>,
    responder: Option<&mut MaybeUninit<Option<Box<Responder>>>>,
) -> Status {
    guarded(|| {
        hand_out(responder, "responder", || {
            let kept = given(request, "request")?.as_call()?.defer();
            kept.map(Responder).ok_or_else(|| Failure::bad_state(c"it was answered, or as many wait as are accepted"))
        })
    })
}

/// Calls the other side from within a handler; arguments as of twinring_call(). Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_call(
    request: Option<&mut Request<'_, '_>>,
    selector: u32,
    data: Data,
    length: usize,
    timeout_ns: i64,
    reply: Option<&mut Reply>,
) -> Status {
    guarded(|| {
        let reply = given(reply, "reply")?;
        reply.0.clear();
        reply.0 = given(request, "request")?.call_back(selector, data.bytes(length)?, timeout_ns)?;
        Ok(())
    })
}

/// Sends the other side an event from within a handler, waiting for room as long as it takes. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_notify(
    request: Option<&mut Request<'_, '_>>,
    selector: u32,
    data: Data,
    length: usize,
) -> Status {
    guarded(|| {
        let bytes = data.bytes(length)?;
        match &mut given(request, "request")?.held {
            Held::Call(call) => call.notify(selector, bytes)?,
            Held::Event(event) => event.notify(selector, bytes)?,
        }
        Ok(())
    })
}

/// Whether it is an event, which is not answered; false for a call and for null. Threads: the handler's.
#[unsafe(no_mangle)]
pub extern "C" fn twinring_request_is_event(request: Option<&Request<'_, '_>>) -> bool {
    guarded_or(false, || request.is_some_and(|request| matches!(request.held, Held::Event(_))))
}
