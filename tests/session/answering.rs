//! What the other side of a test answers.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use twinring::{Call, Event, Failure, Handler, Responder};

/// The reply is the request.
pub const ECHO: u32 = 1;
/// The reply is the [`checksum`] of the request, which is as [`content`] makes it or fails.
pub const CHECK: u32 = 2;
/// The reply is [`content`] of the length that the request says.
pub const MAKE: u32 = 3;
/// The handler calls back with a number one less, until that is 0; the reply is how deep it came.
pub const NEST: u32 = 4;
/// The handler panics with the text of the request.
pub const PANIC: u32 = 5;
/// The handler fails with the text of the request.
pub const FAIL: u32 = 6;
/// The handler refuses with the text of the request.
pub const REFUSE: u32 = 7;
/// Kept unanswered.
pub const KEEP: u32 = 8;
/// All that are kept are answered with their requests, the last one first; the reply is how many.
pub const ANSWER_KEPT: u32 = 9;
/// All that are kept are dropped unanswered.
pub const DROP_KEPT: u32 = 10;
/// The handler sends the request back as an event, then replies.
pub const EVENT_BACK: u32 = 11;
/// The handler says so over a pipe and then never returns: for processes that are killed in it.
pub const STAY: u32 = 12;
/// How many events came.
pub const EVENTS: u32 = 13;
/// Taken apart by the handler after a short while, on another thread.
pub const LATER: u32 = 14;
/// The sum of the checksums of all events, and their number.
pub const EVENT_SUM: u32 = 15;
/// How often the thread that answers has asked the allocator.
pub const ALLOCATIONS: u32 = 16;

/// Bytes that depend on the length and the number: no other such message looks like it.
pub fn content(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ length as u64;
    for chunk in bytes.chunks_mut(8) {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}

/// FNV-1a over words, and the length.
pub fn checksum(bytes: &[u8]) -> u64 {
    let fold = |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x0100_0000_01b3);
    let words = bytes.chunks(8).map(|chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    });
    words.fold(0xcbf2_9ce4_8422_2325 ^ bytes.len() as u64, fold)
}

/// The number in a message.
pub fn number(bytes: &[u8]) -> u64 {
    u64::from_le_bytes(bytes.try_into().expect("a message of 8 bytes"))
}

/// A request that is not answered yet.
pub type Kept = (Responder, Vec<u8>);

/// The side that answers; clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Answering {
    kept: Arc<Mutex<Vec<Kept>>>,
    events: Arc<Mutex<(u64, u64)>>,
}

impl Answering {
    fn nest(call: &mut Call<'_>) -> Result<(), Failure> {
        let depth = number(call.payload());
        let below = if depth == 0 { 0 } else { number(&call.call(NEST, &(depth - 1).to_le_bytes())?) + 1 };
        call.reply().extend(below.to_le_bytes());
        Ok(())
    }

    fn keep(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        let responder = call.defer().ok_or_else(Failure::overloaded)?;
        self.kept().push((responder, call.payload().to_vec()));
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().expect("what is kept")
    }

    /// What is kept, in the order in which it came; by being taken it is kept no longer.
    pub fn take_kept(&self) -> Vec<Kept> {
        std::mem::take(&mut self.kept())
    }

    /// How many requests are kept.
    pub fn keeps(&self) -> usize {
        self.kept().len()
    }

    /// Answers all that are kept with their requests, the last one first; returns how many.
    pub fn answer_kept(&self) -> u64 {
        let kept = self.take_kept();
        let count = kept.len() as u64;
        kept.into_iter().rev().for_each(|(responder, request)| responder.reply(&request));
        count
    }

    /// The sum of the checksums of all events that came, and their number.
    pub fn events(&self) -> (u64, u64) {
        *self.events.lock().expect("the events")
    }
}

impl Handler for Answering {
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        let text = || String::from_utf8_lossy(call.payload()).into_owned();
        let payload = call.payload();
        match call.selector() {
            ECHO => call.reply().extend_from_slice(payload),
            CHECK => call.reply().extend(checksum(payload).to_le_bytes()),
            MAKE => call.reply().extend(content(0, number(payload) as usize)),
            NEST => Self::nest(call)?,
            PANIC => panic!("{}", text()),
            FAIL => return Err(Failure::new(text())),
            REFUSE => return Err(Failure::refused(text())),
            KEEP => self.keep(call)?,
            ANSWER_KEPT => call.reply().extend(self.answer_kept().to_le_bytes()),
            DROP_KEPT => drop(self.take_kept()),
            EVENT_BACK => {
                call.notify(ECHO, payload)?;
                call.reply().extend_from_slice(payload);
            }
            STAY => {
                crate::process::say("staying");
                loop {
                    thread::park();
                }
            }
            EVENTS => call.reply().extend(self.events().1.to_le_bytes()),
            LATER => {
                let responder = call.defer().ok_or_else(Failure::overloaded)?;
                let reply = payload.to_vec();
                thread::spawn(move || {
                    thread::sleep(Duration::from_millis(reply.len() as u64 % 5));
                    responder.reply(&reply);
                });
            }
            EVENT_SUM => {
                let (sum, count) = self.events();
                call.reply().extend(sum.to_le_bytes().into_iter().chain(count.to_le_bytes()));
            }
            ALLOCATIONS => call.reply().extend(crate::counting::asked().to_le_bytes()),
            _ => return Err(Failure::no_selector()),
        }
        Ok(())
    }

    fn event(&self, event: &mut Event<'_>) {
        let sum = checksum(event.payload());
        let mut events = self.events.lock().expect("the events");
        *events = (events.0.wrapping_add(sum), events.1 + 1);
    }
}
