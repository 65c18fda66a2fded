//! What the peer sends to standard output.

use std::fs::File;
use std::io::{self, Write};

use twinring::{End, Message, Receiver};

use super::{CHUNK, Event, Stop};
use crate::failure::Failure;

/// Writes until the peer's standard input has ended.
pub fn run(mut receiver: Receiver) -> Event {
    let mut written = 0;
    let stop = drain(&mut receiver, &mut written).err();
    if stop.is_some() {
        // A receiver that is dropped says that it has what it wanted: not so here. The process ends, and says that.
        std::mem::forget(receiver);
    }
    Event::Inward(written, stop)
}

/// Standard output, taken out of the process: whoever reads it sees its end when the result is dropped, though the other
/// direction may go on for long.
fn take_output() -> io::Result<File> {
    let output = rustix::stdio::stdout().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(File::open("/dev/null")?)?;
    Ok(File::from(output))
}

fn drain(receiver: &mut Receiver, written: &mut u64) -> Result<(), Stop> {
    let mut output = take_output().map_err(|error| broken(&error))?;
    let mut gathered = Gathered::default();
    loop {
        match receiver.recv() {
            Ok(message) => gathered.take(&message),
            Err(End::Closed) => return Ok(()),
            Err(end) => return Err(Stop::Ended(end)),
        }
        gathered.take_more(receiver);
        output.write_all(gathered.bytes()).map_err(|error| broken(&error))?;
        *written += gathered.bytes().len() as u64;
        gathered.filled = 0;
    }
}

/// Messages that are written at once.
#[derive(Default)]
struct Gathered {
    buffer: Vec<u8>,
    filled: usize,
}

impl Gathered {
    fn take(&mut self, message: &Message<'_>) {
        let end = self.filled + message.len();
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        message.copy_to(&mut self.buffer[self.filled..end]);
        self.filled = end;
    }

    /// What has come already, up to about a chunk: a peer that sends small messages costs no write for each.
    fn take_more(&mut self, receiver: &mut Receiver) {
        while self.filled < CHUNK
            && let Ok(message) = receiver.try_recv()
        {
            self.take(&message);
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.filled]
    }
}

fn broken(error: &io::Error) -> Stop {
    Stop::Failed(match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::new("standard output was closed by its reader"),
        _ => Failure::new(format!("could not write to standard output: {error}")),
    })
}
