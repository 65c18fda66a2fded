//! One side of a stream.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::calls::Calls;
use super::crew::{Admitted, Crew, Job, Next};
use super::frame::{FrameReader, FrameWriter};
use super::options::StreamOptions;
use crate::channel::End;
use crate::os::clock::Deadline;
use crate::ring::Corrupt;
use crate::rpc::{Carrier, Server};
use crate::session::header::{Header, Kind, Status};
use crate::session::hello::Hello;
use crate::session::{CallError, Halt, NotifyError};

type Reader = Box<dyn Read + Send>;
type Writer = Box<dyn Write + Send>;

/// Everything that the threads of a side share.
pub(super) struct Engine {
    reader: Mutex<FrameReader<Reader>>,
    /// `None` once it has ended: dropping the writer hangs up.
    writer: Mutex<Option<FrameWriter<Writer>>>,
    calls: Calls,
    crew: Crew,
    server: Server,
    options: StreamOptions,
}

/// The buffers of a thread.
#[derive(Default)]
struct Buffers {
    payload: Vec<u8>,
    reply: Vec<u8>,
}

/// Larger buffers are not kept.
const LARGEST_KEPT: usize = 1 << 20;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(super) fn new(reader: Reader, writer: Writer, options: &StreamOptions, server: Server) -> Self {
        let accepted = options.accepted;
        Self {
            reader: Mutex::new(FrameReader::new(reader, accepted.largest)),
            writer: Mutex::new(Some(FrameWriter::new(writer))),
            calls: Calls::default(),
            crew: Crew::new(options.workers, options.nesting, accepted.calls, accepted.largest),
            server,
            options: options.clone(),
        }
    }

    /// Says hello and begins to read.
    pub(super) fn start(self: &Arc<Self>) -> io::Result<()> {
        self.crew.begin_reading();
        self.spawn(Next::Read)?;
        // An error is that of the whole stream, and found there.
        let _ = self.write(Header::whole(Kind::Hello, 0, 0), &self.options.accepted.bytes());
        Ok(())
    }

    /// A thread of the crew that begins with this.
    fn spawn(self: &Arc<Self>, first: Next) -> io::Result<()> {
        let engine = Arc::clone(self);
        thread::Builder::new().name("twinring-stream".into()).spawn(move || engine.tend(first)).map(|_| ())
    }

    /// The life of a thread of the crew.
    fn tend(self: Arc<Self>, first: Next) {
        let mut buffers = Buffers::default();
        let mut next = first;
        loop {
            let job = match next {
                Next::Leave => return,
                Next::Run(job) => job,
                Next::Read => match self.read(&mut buffers.payload) {
                    Ok(job) => job,
                    Err(end) => {
                        self.crew.read_no_more();
                        return self.end(end);
                    }
                },
            };
            self.run(job, &mut buffers);
            next = self.crew.next();
        }
    }

    /// Reads until there is something that this thread is to run, and has another thread go on reading.
    fn read(self: &Arc<Self>, payload: &mut Vec<u8>) -> Result<Job, End> {
        let mut reader = lock(&self.reader);
        let read = self.read_job(&mut reader, payload);
        if let Err(end) = read {
            // Before anybody else reads, who would find another end behind a lie.
            self.calls.end(end);
        }
        drop(reader);
        let (job, reader_wanted) = read?;
        if reader_wanted && self.spawn(Next::Read).is_err() {
            // Nobody reads until this thread does so again, or waits for a reply.
            self.crew.read_no_more();
        }
        Ok(job)
    }

    /// The next job for this thread, and whether nobody would read meanwhile.
    fn read_job(&self, reader: &mut FrameReader<Reader>, payload: &mut Vec<u8>) -> Result<(Job, bool), End> {
        loop {
            if let Some(end) = self.calls.ended() {
                return Err(end);
            }
            let header = reader.read(payload)?;
            let Some(job) = self.sort(header, payload)? else { continue };
            if let Admitted::Run { job, reader_wanted } = self.crew.admit(job)? {
                return Ok((job, reader_wanted));
            }
        }
    }

    /// Deals with what came; a job is for somebody to run.
    fn sort(&self, header: Header, payload: &mut Vec<u8>) -> Result<Option<Job>, End> {
        let greeted = u64::from(self.calls.peer().is_some());
        let is_hello = u64::from(header.kind == Kind::Hello);
        Corrupt::check("whether a message is a hello", is_hello, 1 - greeted, 1 - greeted)?;
        let id = match header.kind {
            Kind::Hello => {
                self.calls.greet(Hello::parse(payload)?);
                return Ok(None);
            }
            Kind::Reply(status) => {
                self.calls.deliver(header.id, status, payload)?;
                return Ok(None);
            }
            Kind::Call => Some(header.id),
            Kind::Event => None,
        };
        Ok(Some(Job { id, number: header.selector, payload: std::mem::take(payload) }))
    }

    fn run(self: &Arc<Self>, job: Job, buffers: &mut Buffers) {
        let mut back = Behind(self);
        buffers.reply.clear();
        match job.id {
            None => self.server.run_event(job.number, &job.payload, &mut back),
            Some(id) => {
                let result = self.server.run(job.number, &job.payload, &mut buffers.reply, &mut back);
                self.crew.answered();
                match result {
                    Ok(()) => self.answer(id, Status::Ok, &buffers.reply),
                    Err(failure) => {
                        let (status, why) = failure.told();
                        self.answer(id, status, why.as_bytes());
                    }
                }
            }
        }
        buffers.payload = job.payload;
        for buffer in [&mut buffers.payload, &mut buffers.reply] {
            if buffer.capacity() > LARGEST_KEPT {
                *buffer = Vec::new();
            }
        }
    }

    fn answer(&self, id: u64, status: Status, payload: &[u8]) {
        let largest = self.calls.peer().map_or(0, |peer| peer.largest);
        let too_large = payload.len() as u64 > largest;
        let (status, payload) = if too_large { (Status::TooLarge, &[][..]) } else { (status, payload) };
        // If it cannot be written, there is nobody to be told.
        let _ = self.write(Header::whole(Kind::Reply(status), id, 0), payload);
    }

    fn write(&self, header: Header, payload: &[u8]) -> Result<(), End> {
        let mut writer = lock(&self.writer);
        let written = writer.as_mut().map(|writer| writer.write(header, payload));
        match written {
            Some(Ok(())) => Ok(()),
            // Half a message may stand there.
            Some(Err(_)) => {
                *writer = None;
                drop(writer);
                self.calls.end(End::Disconnected);
                Err(End::Disconnected)
            }
            None => Err(self.calls.ended().unwrap_or(End::Disconnected)),
        }
    }

    pub(super) fn call(
        &self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let deadline = timeout.or(self.options.timeout).map_or(Deadline::NEVER, Deadline::after);
        let ticket = self.calls.enter(request.len(), deadline)?;
        if let Err(end) = self.write(Header::whole(Kind::Call, ticket.id, number), request) {
            self.calls.forget(&ticket);
            return Err(CallError::NotSent(Halt::Ended(end)));
        }
        self.calls.wait(ticket, reply, deadline)
    }

    pub(super) fn notify(&self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        let (length, never) = (event.len(), Deadline::NEVER);
        if let Some(largest) = self.calls.await_hello(length, never).map_err(NotifyError::NotSent)? {
            return Err(NotifyError::TooLarge { length, largest });
        }
        let written = self.write(Header::whole(Kind::Event, 0, number), event);
        written.map_err(|end| NotifyError::NotSent(Halt::Ended(end)))
    }

    /// Everybody who waits is told, and the other side finds that this one has hung up.
    pub(super) fn end(&self, end: End) {
        self.calls.end(end);
        *lock(&self.writer) = None;
    }

    pub(super) fn ended(&self) -> Option<End> {
        self.calls.ended()
    }

    /// Waits for the end, and until all that came before it has been run.
    pub(super) fn await_end(&self) -> End {
        let end = self.calls.await_end();
        self.crew.await_idle();
        end
    }
}

/// The stream as the procedures see it that run on it.
struct Behind<'a>(&'a Arc<Engine>);

impl Carrier for Behind<'_> {
    fn call(
        &mut self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let (engine, crew) = (self.0, &self.0.crew);
        let waiting = crew.block().map_err(|()| CallError::Busy)?;
        if let Some(job) = waiting {
            engine.start_worker(job);
        }
        let read = engine.have_somebody_read();
        let result = read.and_then(|()| engine.call(number, request, reply, timeout));
        crew.unblock();
        result
    }

    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.0.notify(number, event)
    }
}

impl Engine {
    /// A reply that nobody reads would never come: if no thread could be had before, one must be now.
    fn have_somebody_read(self: &Arc<Self>) -> Result<(), CallError> {
        if self.crew.wants_reader() && self.spawn(Next::Read).is_err() {
            self.crew.read_no_more();
            return Err(CallError::Busy);
        }
        Ok(())
    }

    /// Another thread for a job that would have to wait for one that waits itself.
    fn start_worker(self: &Arc<Self>, job: Job) {
        let (engine, handed) = (Arc::clone(self), Arc::new(Mutex::new(Some(job))));
        let taken = Arc::clone(&handed);
        let start = move || {
            if let Some(job) = lock(&taken).take() {
                engine.tend(Next::Run(job));
            }
        };
        if thread::Builder::new().name("twinring-stream".into()).spawn(start).is_err() {
            if let Some(job) = lock(&handed).take() {
                self.crew.put_back(job);
            }
        }
    }
}
