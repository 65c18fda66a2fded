//! Messages in a stream of bytes: a length, the header of a session's message, and the payload.

use std::io::{self, BufReader, Read, Write};

use crate::channel::End;
use crate::ring::Corrupt;
use crate::session::header::{Header, LENGTH, Part, words_of};

/// The bytes before a payload: the length of what follows (4, little-endian), and the header.
const HEAD: usize = 4 + LENGTH;

/// Payloads up to here are written together with their heads.
const SMALL: usize = 16 << 10;

/// Reads messages, one after the other.
#[derive(Debug)]
pub struct FrameReader<R> {
    reader: BufReader<R>,
    largest: u64,
}

impl<R: Read> FrameReader<R> {
    /// Accepts payloads of at most `largest` bytes.
    pub fn new(reader: R, largest: u64) -> Self {
        Self { reader: BufReader::new(reader), largest }
    }

    /// Reads a message, whose payload replaces what is in `payload`. That grows with the bytes that come, never with those that
    /// were announced.
    ///
    /// # Errors
    ///
    /// `Closed` if the stream has ended between two messages, `Disconnected` if within one, or if it failed; `Corrupt` if
    /// no honest peer would have written it.
    pub fn read(&mut self, payload: &mut Vec<u8>) -> Result<Header, End> {
        let mut head = [0; HEAD];
        self.read_head(&mut head)?;
        let (length, header) = head.split_at(4);
        let length = u64::from(u32::from_le_bytes(std::array::from_fn(|byte| length[byte])));
        let most = self.largest + LENGTH as u64;
        let length = Corrupt::check("the length of a frame", length, LENGTH as u64, most)? - LENGTH as u64;
        let header = Header::parse(words_of(std::array::from_fn(|byte| header[byte])))?;
        check_whole(header)?;
        payload.clear();
        let read = self.reader.by_ref().take(length).read_to_end(payload).map_err(|_| End::Disconnected)?;
        if read as u64 == length { Ok(header) } else { Err(End::Disconnected) }
    }

    fn read_head(&mut self, head: &mut [u8; HEAD]) -> Result<(), End> {
        let mut filled = 0;
        while filled < HEAD {
            match self.reader.read(&mut head[filled..]) {
                Ok(0) if filled == 0 => return Err(End::Closed),
                Ok(0) => return Err(End::Disconnected),
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(End::Disconnected),
            }
        }
        Ok(())
    }
}

/// A stream has no fragments: nothing in it overtakes anything.
fn check_whole(header: Header) -> Result<(), Corrupt> {
    Corrupt::check("the part of a message in a stream", header.part as u64, Part::First as u64, Part::First as u64)?;
    Corrupt::check("the rest of a message in a stream", header.remaining.into(), 0, 0).map(|_| ())
}

/// Writes messages; the buffer is kept.
pub struct FrameWriter<W> {
    writer: W,
    frame: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    /// Over a writer.
    pub fn new(writer: W) -> Self {
        Self { writer, frame: Vec::new() }
    }

    /// Writes a message: a small one at once, so that no network waits for the rest of it.
    ///
    /// # Errors
    ///
    /// As the writer. The stream is of no use any more then.
    pub fn write(&mut self, header: Header, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len() + LENGTH).map_err(|_| io::ErrorKind::InvalidInput)?;
        let small = payload.len() <= SMALL;
        self.frame.clear();
        self.frame.extend_from_slice(&length.to_le_bytes());
        self.frame.extend_from_slice(&header.bytes());
        self.frame.extend_from_slice(if small { payload } else { &[] });
        self.writer.write_all(&self.frame)?;
        if !small {
            self.writer.write_all(payload)?;
        }
        self.writer.flush()
    }
}
