//! A server's side: interfaces, who may call them, and the way from a number to a procedure.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::binding::{Answer, Signature, Wanted};
use super::carrier::Carrier;
use super::codec::{DecodeError, decode, encode, outcome, write_text};
use super::context::{Caller, Context, NOBODY};
use super::interface::{Description, Interface};
use super::{BIND, FIRST};
use crate::os::credentials::Credentials;
use crate::session::{Call, Event, Failure, Handler};

/// Interfaces that are served to the other side: a [`Handler`] for any session, and what a stream serves.
///
/// Clones serve the same. Each connection wants its own, told who is at the other end:
/// `server.clone().for_peer(connection.peer())`.
#[derive(Clone)]
pub struct Server {
    interfaces: Vec<Registered>,
    /// The procedures by their numbers.
    procedures: Vec<Entry>,
    guard: Option<Arc<Guard>>,
    beside: Option<Arc<dyn Handler + Send + Sync>>,
    peer: Credentials,
}

type Guard = dyn Fn(&Caller) -> Result<(), String> + Send + Sync;

#[derive(Clone)]
struct Registered {
    description: Description,
    /// The number of its first procedure.
    first: u32,
}

#[derive(Clone)]
struct Entry {
    service: Arc<dyn Dispatch>,
    place: usize,
    interface: &'static str,
    procedure: &'static str,
    oneway: bool,
}

/// [`Interface`] without its constant, so that there can be many kinds in one list.
trait Dispatch: Send + Sync {
    fn dispatch(
        &self,
        place: usize,
        arguments: &[u8],
        reply: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Result<(), DecodeError>;
}

struct Service<I: ?Sized>(Arc<I>);

impl<I: Interface + ?Sized> Dispatch for Service<I> {
    #[inline]
    fn dispatch(
        &self,
        place: usize,
        arguments: &[u8],
        reply: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Result<(), DecodeError> {
        self.0.dispatch(place, arguments, reply, context)
    }
}

/// The most procedures that are listed as different: a question that asks for one and the same a million times is no
/// reason for a long answer.
const MOST_DIFFERENCES: usize = 100;

impl Default for Server {
    fn default() -> Self {
        Self { interfaces: Vec::new(), procedures: Vec::new(), guard: None, beside: None, peer: NOBODY }
    }
}

impl Server {
    /// Serves nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves an interface, too. One of the same name, registered before, is found no more.
    #[must_use]
    pub fn register<I: Interface + ?Sized>(mut self, service: Arc<I>) -> Self {
        let description = I::DESCRIPTION;
        let service: Arc<dyn Dispatch> = Arc::new(Service(service));
        let entry = |(place, procedure): (usize, &super::Procedure)| Entry {
            service: Arc::clone(&service),
            place,
            interface: description.name,
            procedure: procedure.name,
            oneway: procedure.oneway,
        };
        self.interfaces.push(Registered { description, first: FIRST + self.procedures.len() as u32 });
        self.procedures.extend(description.procedures.iter().enumerate().map(entry));
        self
    }

    /// Asks before each call whether this caller may make it. The reason of a refusal is told to the caller; a refused call that
    /// wants no answer is dropped. Without a guard every call may be made.
    #[must_use]
    pub fn guard(mut self, guard: impl Fn(&Caller) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.guard = Some(Arc::new(guard));
        self
    }

    /// What takes calls and events by selectors below [`FIRST`], which are not typed. Streams carry typed calls only.
    #[must_use]
    pub fn beside(mut self, handler: impl Handler + Send + Sync + 'static) -> Self {
        self.beside = Some(Arc::new(handler));
        self
    }

    /// Who is at the other end, for the guard and the procedures; nobody known if not said.
    #[must_use]
    pub fn for_peer(mut self, peer: Credentials) -> Self {
        self.peer = peer;
        self
    }

    /// Runs what a number says, and writes into `reply` what came of it: for carriers other than the sessions.
    ///
    /// # Errors
    ///
    /// If nothing was run.
    pub fn run(
        &self,
        number: u32,
        arguments: &[u8],
        reply: &mut Vec<u8>,
        back: &mut dyn Carrier,
    ) -> Result<(), Failure> {
        match self.entry(number) {
            Some(entry) if !entry.oneway => self.run_entry(entry, arguments, reply, back),
            None if number == BIND => {
                reply.clear();
                Ok(encode(&self.answer(arguments)?, reply)?)
            }
            _ => Err(Failure::no_selector()),
        }
    }

    /// Runs what wants no answer. Nobody is told if it cannot be run.
    pub fn run_event(&self, number: u32, arguments: &[u8], back: &mut dyn Carrier) {
        if let Some(entry) = self.entry(number).filter(|entry| entry.oneway) {
            let _ = self.run_entry(entry, arguments, &mut Vec::new(), back);
        }
    }

    #[inline]
    fn entry(&self, number: u32) -> Option<&Entry> {
        self.procedures.get(number.checked_sub(FIRST)? as usize)
    }

    #[inline]
    fn run_entry(
        &self,
        entry: &Entry,
        arguments: &[u8],
        reply: &mut Vec<u8>,
        back: &mut dyn Carrier,
    ) -> Result<(), Failure> {
        let caller = Caller { peer: self.peer, interface: entry.interface, procedure: entry.procedure };
        if let Some(guard) = &self.guard {
            ask(&**guard, &caller)?;
        }
        let context = &mut Context { caller, back };
        let run = || entry.service.dispatch(entry.place, arguments, reply, context);
        // A service that was left by a panic is in a state of its own making.
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => write_text(reply, outcome::BAD_ARGUMENTS, &error),
            Err(panic) => write_text(reply, outcome::PANICKED, &text_of(panic.as_ref())),
        }
        Ok(())
    }

    /// What a client is told that wants to bind.
    fn answer(&self, question: &[u8]) -> Result<Answer, DecodeError> {
        let wanted: Wanted<'_> = decode(question)?;
        let named = |registered: &&Registered| registered.description.name == wanted.interface;
        let Some(registered) = self.interfaces.iter().rev().find(named) else {
            return Ok(Answer::NoInterface(self.names()));
        };
        let (mut numbers, mut differences) = (Vec::new(), Vec::new());
        for (place, signature) in wanted.procedures.iter().enumerate() {
            match registered.number(signature) {
                Ok(number) => numbers.push(number),
                Err(types) if differences.len() < MOST_DIFFERENCES => differences.push((place as u32, types)),
                Err(_) => break,
            }
        }
        Ok(if differences.is_empty() { Answer::Bound(numbers) } else { Answer::Differs(differences) })
    }

    fn names(&self) -> Vec<String> {
        self.interfaces.iter().map(|registered| registered.description.name.to_owned()).collect()
    }
}

impl Registered {
    /// The number of the procedure of this name and these types, or the types of the one that only has the name.
    fn number(&self, wanted: &Signature<'_>) -> Result<u32, Option<String>> {
        let procedures = self.description.procedures;
        let place = procedures.iter().position(|procedure| procedure.name == wanted.name).ok_or(None)?;
        if procedures[place].fingerprint() == wanted.fingerprint {
            Ok(self.first + place as u32)
        } else {
            Err(Some(procedures[place].types()))
        }
    }
}

impl Handler for Server {
    #[inline]
    fn call(&self, call: &mut Call<'_>) -> Result<(), Failure> {
        let number = call.selector();
        if number < FIRST {
            return self.beside.as_ref().map_or_else(|| Err(Failure::no_selector()), |beside| beside.call(call));
        }
        let mut reply = std::mem::take(call.reply());
        let result = self.run(number, call.payload(), &mut reply, call);
        *call.reply() = reply;
        result
    }

    fn event(&self, event: &mut Event<'_>) {
        match &self.beside {
            Some(beside) if event.selector() < FIRST => beside.event(event),
            _ => self.run_event(event.selector(), event.payload(), event),
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("interfaces", &self.names()).field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// A guard that panics has not said yes.
fn ask(guard: &Guard, caller: &Caller) -> Result<(), Failure> {
    match catch_unwind(AssertUnwindSafe(|| guard(caller))) {
        Ok(said) => said.map_err(Failure::refused),
        Err(panic) => Err(Failure::refused(format_args!("who decides it panicked: {}", text_of(panic.as_ref())))),
    }
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
