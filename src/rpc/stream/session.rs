//! A stream on which both sides call.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use super::engine::Engine;
use super::hang_up::{HangsUp, Socket};
use super::options::StreamOptions;
use crate::channel::End;
use crate::rpc::Server;
use crate::session::{CallError, NotifyError};

/// Calls both ways over a reader and a writer, by any number of threads: clones are handles to the same one.
///
/// Dropping the last handle drops the writer. That must end the stream for the other side, as it does with pipes; sockets
/// need [`StreamSession::over`], or [`HangsUp`]. The threads that read end when the reader does.
///
/// ```
/// # use std::sync::Arc;
/// use std::os::unix::net::UnixStream;
/// use twinring::rpc::{Context, Server, StreamOptions, StreamSession};
///
/// # twinring::interface! { trait Adder, client AdderClient { fn add(a: i64, b: i64) -> i64; } }
/// # struct Sums;
/// # impl Adder for Sums { fn add(&self, _: &mut Context<'_>, a: i64, b: i64) -> i64 { a + b } }
/// let (here, there) = UnixStream::pair()?;
/// let server = Server::new().register::<dyn Adder>(Arc::new(Sums));
/// let _serving = StreamSession::over(there, &StreamOptions::new(), server)?;
/// let session = StreamSession::over(here, &StreamOptions::new(), Server::new())?;
/// let mut adder = AdderClient::bind(session)?;
/// assert_eq!(adder.add(1, 2)?, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StreamSession {
    engine: Arc<Engine>,
    _alive: Arc<Alive>,
}

/// Dropped with the last handle.
struct Alive(Arc<Engine>);

impl StreamSession {
    /// Over a reader and a writer whose other ends belong to one of these, too. `server` is what the other side may call.
    ///
    /// # Errors
    ///
    /// If no thread can be had.
    pub fn new(
        reader: impl Read + Send + 'static,
        writer: impl Write + Send + 'static,
        options: &StreamOptions,
        server: Server,
    ) -> io::Result<Self> {
        let engine = Arc::new(Engine::new(Box::new(reader), Box::new(writer), options, server));
        engine.start()?;
        Ok(Self { _alive: Arc::new(Alive(Arc::clone(&engine))), engine })
    }

    /// Over a socket: a [`TcpStream`](std::net::TcpStream), which stops waiting for more before it sends, or a
    /// [`UnixStream`](std::os::unix::net::UnixStream), whose peer the server is told.
    ///
    /// # Errors
    ///
    /// If no thread or no descriptor can be had.
    pub fn over(socket: impl Socket, options: &StreamOptions, server: Server) -> io::Result<Self> {
        let server = server.for_peer(socket.peer());
        let (reader, writer) = HangsUp::halves(socket)?;
        Self::new(reader, writer, options, server)
    }

    /// Calls the other side by number and waits for the reply, which replaces what is in `reply`: for at most `timeout`, or as
    /// long as the options say.
    ///
    /// # Errors
    ///
    /// See [`CallError`].
    pub fn call_into(
        &self,
        number: u32,
        request: &[u8],
        reply: &mut Vec<u8>,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        self.engine.call(number, request, reply, timeout)
    }

    /// Sends what wants no answer.
    ///
    /// # Errors
    ///
    /// See [`NotifyError`].
    pub fn notify(&self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.engine.notify(number, event)
    }

    /// Returns when the other side has left in order, and all that it sent has been run. Not for procedures, which would wait for
    /// themselves.
    ///
    /// # Errors
    ///
    /// If it ends otherwise.
    pub fn wait(&self) -> Result<(), End> {
        match self.engine.await_end() {
            End::Closed => Ok(()),
            end => Err(end),
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub fn ended(&self) -> Option<End> {
        self.engine.ended()
    }
}

/// Serves the other end of a reader and a writer until it leaves in order: the standard input and output of a child, say.
///
/// # Errors
///
/// If no thread can be had, or the stream ends otherwise: an [`End`] is inside then.
pub fn serve_stream(
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
    options: &StreamOptions,
    server: Server,
) -> io::Result<()> {
    StreamSession::new(reader, writer, options, server)?.wait().map_err(io::Error::other)
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.end(End::Closed);
    }
}

impl fmt::Debug for StreamSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamSession").field("ended", &self.ended()).finish_non_exhaustive()
    }
}
