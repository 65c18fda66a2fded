//! Messages in a stream, as they are read and written: interrupted, failing, and how often the writer is asked.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};

use twinring::End;
use twinring::rpc::stream::frame::{FrameReader, FrameWriter};
use twinring::session::header::{Header, Kind, Part};

const HEADER: Header = Header { kind: Kind::Call, part: Part::First, id: 1, selector: 7, remaining: 0 };

/// A message of this payload, as it stands in the stream.
fn written(payload: &[u8]) -> (Vec<u8>, Vec<usize>) {
    let mut asked = Asked::default();
    FrameWriter::new(&mut asked).write(HEADER, payload).expect("a writer that takes all");
    (asked.bytes, asked.lengths)
}

/// Takes all, and notes how much at a time.
#[derive(Default)]
struct Asked {
    bytes: Vec<u8>,
    lengths: Vec<usize>,
}

impl Write for Asked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        self.lengths.push(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_small_message_is_written_at_once_and_a_large_one_is_not_copied() {
    const HEAD: usize = 20;
    for (length, expected) in [
        (0, &[HEAD][..]),
        (16 << 10, &[HEAD + (16 << 10)]),
        ((16 << 10) + 1, &[HEAD, (16 << 10) + 1]),
        (1 << 20, &[HEAD, 1 << 20]),
    ] {
        let payload: Vec<u8> = (0..length).map(|at| at as u8).collect();
        let (bytes, lengths) = written(&payload);
        assert_eq!(lengths, expected, "{length} bytes");
        let mut read = Vec::new();
        assert_eq!(FrameReader::new(&bytes[..], 1 << 20).read(&mut read), Ok(HEADER));
        assert!(read == payload, "{length} bytes");
    }
}

/// Gives what is in line, one thing each time it is asked.
struct Line(VecDeque<io::Result<Vec<u8>>>);

impl Read for Line {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let Some(bytes) = self.0.pop_front().transpose()? else { return Ok(0) };
        to[..bytes.len()].copy_from_slice(&bytes);
        Ok(bytes.len())
    }
}

/// What becomes of a message of which `before` comes, then this error, then the rest.
fn read_through(error: ErrorKind, before: usize) -> Result<Header, End> {
    let (bytes, _) = written(b"payload");
    let (start, rest) = bytes.split_at(before);
    let start = (before > 0).then(|| Ok(start.to_vec()));
    let line = start.into_iter().chain([Err(error.into()), Ok(rest.to_vec())]);
    FrameReader::new(Line(line.collect()), 100).read(&mut Vec::new())
}

#[test]
fn an_interrupted_reader_goes_on_and_one_that_fails_is_a_peer_that_died() {
    for before in [0, 1, 19, 20, 25] {
        assert_eq!(read_through(ErrorKind::Interrupted, before), Ok(HEADER), "after {before} bytes");
        assert_eq!(read_through(ErrorKind::ConnectionReset, before), Err(End::Disconnected), "after {before} bytes");
    }
}

#[test]
fn a_stream_has_ended_between_two_messages_or_its_peer_has_died() {
    let (bytes, _) = written(b"payload");
    for end in 0..bytes.len() {
        let expected = if end == 0 { End::Closed } else { End::Disconnected };
        let read = FrameReader::new(&bytes[..end], 100).read(&mut Vec::new());
        assert_eq!(read, Err(expected), "after {end} bytes");
    }
}
