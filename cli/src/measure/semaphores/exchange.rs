//! The exchange itself: one side of it, with its three threads.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

use super::wait_queue::{Entry, WaitQueue};
use super::{LONGEST, Semaphore, Semaphores};
use crate::failure::{Context, Failure};
use crate::os::segment::Segment;

/// What stands before the bytes of a packet: its kind, its sequence number, its length.
pub const HEADER: usize = 12;

/// How many threads run the handler.
const SERVERS: usize = 2;

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Greeting = 1,
    Acknowledgement,
    Request,
    Reply,
}

/// One side: its threads end when it is dropped.
pub struct Side<S: Semaphores> {
    shared: Arc<Shared<S>>,
    threads: Vec<JoinHandle<()>>,
}

/// What a side does with what comes.
#[derive(Clone, Copy)]
pub struct Work {
    /// Makes a reply of a request.
    pub handler: fn(&[u8]) -> Vec<u8>,
    /// Is told why the exchange has broken. Its own callers hear of that anyway.
    pub broken: fn(&str),
}

/// What the threads of a side share.
struct Shared<S> {
    semaphores: S,
    /// The semaphores say which side may use it, so its lock is always free: it is there for the compiler.
    buffer: Mutex<Segment>,
    /// What notifies this side.
    own: Semaphore,
    work: Work,
    requests: WaitQueue,
    replies: WaitQueue,
    sequence: AtomicU32,
    ending: AtomicBool,
    /// Why the exchange has broken, if it has.
    broken: Mutex<Option<String>>,
}

impl<S: Semaphores> Side<S> {
    /// Starts a side that `own` notifies.
    ///
    /// # Errors
    ///
    /// If there are no threads for it.
    pub fn start(semaphores: S, buffer: Segment, own: Semaphore, work: Work) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            semaphores,
            buffer: Mutex::new(buffer),
            own,
            work,
            requests: WaitQueue::default(),
            replies: WaitQueue::default(),
            sequence: AtomicU32::new(1),
            ending: AtomicBool::new(false),
            broken: Mutex::new(None),
        });
        let mut side = Self { shared, threads: Vec::new() };
        side.spawn("listener", Shared::listen)?;
        for _ in 0..SERVERS {
            side.spawn("server", Shared::serve)?;
        }
        Ok(side)
    }

    fn spawn(&mut self, name: &str, work: fn(&Shared<S>) -> Result<(), Failure>) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        let run = move || {
            if let Err(failure) = work(&shared) {
                shared.break_off(&failure.to_string());
            }
        };
        self.threads.push(Builder::new().name(name.to_owned()).spawn(run)?);
        Ok(())
    }

    /// Calls the other side. Any number of threads may.
    ///
    /// # Errors
    ///
    /// If the request is too long, or the exchange has broken.
    pub fn call(&self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        self.shared.call(request)
    }
}

impl<S: Semaphores> Drop for Side<S> {
    fn drop(&mut self) {
        let shared = &self.shared;
        shared.ending.store(true, Ordering::Relaxed);
        // If the semaphores have gone, the listener has seen that itself.
        let _ = shared.semaphores.post(shared.own);
        shared.requests.close();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl<S: Semaphores> Shared<S> {
    fn call(&self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        if request.len() > LONGEST {
            return Err(Failure::new(format!("a request of {} bytes, {LONGEST} fit the buffer", request.len())));
        }
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        self.semaphores.wait(Semaphore::Buffer)?;
        if S::AS_THE_ORIGINAL {
            self.shake_hands(sequence)?;
        }
        self.send(Kind::Request, sequence, request)?;
        let reply = self.replies.take(|entry| entry.sequence == sequence);
        reply.map(|entry| entry.payload).ok_or_else(|| self.why())
    }

    /// Asks whether there is anybody, with the lock held. The original asks for a quarter of a second; a peer that has died is
    /// seen by others here.
    fn shake_hands(&self, sequence: u32) -> Result<(), Failure> {
        self.semaphores.reset(Semaphore::Acknowledged)?;
        self.send(Kind::Greeting, sequence, &[])?;
        self.semaphores.wait(Semaphore::Acknowledged)?;
        let (kind, _) = self.read();
        if kind == Kind::Acknowledgement as u32 { Ok(()) } else { Err(unexpected(kind)) }
    }

    /// Writes a packet and notifies the other side.
    fn send(&self, kind: Kind, sequence: u32, payload: &[u8]) -> Result<(), Failure> {
        self.write(kind, sequence, payload);
        self.semaphores.post(self.own.other()).while_doing(|| "could not notify the other side".to_owned())
    }

    fn write(&self, kind: Kind, sequence: u32, payload: &[u8]) {
        let mut buffer = self.buffer();
        if S::AS_THE_ORIGINAL {
            buffer.clear();
        }
        let mut header = [0; HEADER];
        for (field, value) in header.chunks_exact_mut(4).zip([kind as u32, sequence, payload.len() as u32]) {
            field.copy_from_slice(&value.to_le_bytes());
        }
        buffer.put(0, &header);
        buffer.put(HEADER, payload);
    }

    /// The packet in the buffer: its kind and what it says.
    fn read(&self) -> (u32, Entry) {
        let buffer = self.buffer();
        let mut header = [0; HEADER];
        buffer.get(0, &mut header);
        let field = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let mut payload = vec![0; (field(8) as usize).min(LONGEST)];
        buffer.get(HEADER, &mut payload);
        (field(0), Entry { sequence: field(4), payload })
    }

    /// The listener thread.
    fn listen(&self) -> Result<(), Failure> {
        loop {
            self.semaphores.wait(self.own)?;
            if self.ending.load(Ordering::Relaxed) {
                return Ok(());
            }
            let (kind, entry) = self.read();
            if kind == Kind::Greeting as u32 {
                // The caller holds the lock and goes on holding it.
                self.write(Kind::Acknowledgement, entry.sequence, &[]);
                self.semaphores.post(Semaphore::Acknowledged)?;
                continue;
            }
            self.enqueue(kind, entry)?;
            if S::AS_THE_ORIGINAL {
                self.buffer().clear();
            }
            self.semaphores.post(Semaphore::Buffer)?;
        }
    }

    fn enqueue(&self, kind: u32, entry: Entry) -> Result<(), Failure> {
        let queue = match kind {
            kind if kind == Kind::Request as u32 => &self.requests,
            kind if kind == Kind::Reply as u32 => &self.replies,
            _ => return Err(unexpected(kind)),
        };
        if queue.push(entry) { Ok(()) } else { Err(Failure::new("the wait queue is full")) }
    }

    /// A server thread.
    fn serve(&self) -> Result<(), Failure> {
        while let Some(request) = self.requests.take(|_| true) {
            let mut reply = (self.work.handler)(&request.payload);
            reply.truncate(LONGEST);
            self.semaphores.wait(Semaphore::Buffer)?;
            self.send(Kind::Reply, request.sequence, &reply)?;
        }
        Ok(())
    }

    fn buffer(&self) -> MutexGuard<'_, Segment> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets nobody wait for what will not come.
    #[cold]
    fn break_off(&self, why: &str) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.get_or_insert_with(|| why.to_owned());
        drop(broken);
        self.requests.close();
        self.replies.close();
        (self.work.broken)(why);
    }

    #[cold]
    fn why(&self) -> Failure {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        Failure::new(broken.clone().unwrap_or_else(|| "the exchange has ended".to_owned()))
    }
}

impl Semaphore {
    /// What notifies the other side.
    fn other(self) -> Self {
        if self == Self::Leader { Self::Second } else { Self::Leader }
    }
}

#[cold]
fn unexpected(kind: u32) -> Failure {
    Failure::new(format!("a packet of an unexpected kind: {kind}"))
}
