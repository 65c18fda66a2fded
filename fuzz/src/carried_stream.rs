//! What a peer writes to a socket that carries messages.

use twinring::Corrupt;
use twinring::carrier::stream::{Piece, Reader};

/// Something whole that came.
#[derive(Debug, PartialEq, Eq)]
pub enum Came {
    /// A message.
    Message(Vec<u8>),
    /// Nothing will be sent any more.
    Fin,
    /// Nothing will be received any more.
    Gone,
}

/// However a stream is cut, a reader makes of it what the table of frames says, up to the same lie or the same unfinished rest.
/// The first two bytes say how large messages may be, the third how the rest is cut.
pub fn carried_stream(data: &[u8]) {
    let Some((&[low, high, cut], stream)) = data.split_first_chunk() else { return };
    let largest = usize::from(u16::from_le_bytes([low, high]));
    let expected = by_the_table(stream, largest);
    for pieces in [stream.chunks(stream.len().max(1)), stream.chunks(usize::from(cut) + 1), stream.chunks(1)] {
        assert_eq!(read(pieces, largest), expected);
    }
}

/// What came, how much of a message that did not come whole, and the lie that ended it.
pub type Outcome = (Vec<Came>, usize, Option<(u64, u64, u64)>);

fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>, largest: usize) -> Outcome {
    let (mut reader, mut came, mut message) = (Reader::new(largest), Vec::new(), None);
    for mut chunk in chunks {
        loop {
            let before = chunk.len();
            match reader.next(&mut chunk) {
                Err(lie) => return (came, rest(&message), Some(told(lie))),
                Ok(None) => break,
                Ok(Some(Piece::Message(length))) => message = Some((length, Vec::new())),
                Ok(Some(Piece::Payload(bytes))) => {
                    assert!(!bytes.is_empty() && before - chunk.len() == bytes.len());
                    message.as_mut().expect("a payload belongs to a message").1.extend_from_slice(bytes);
                }
                Ok(Some(Piece::Fin)) => came.push(Came::Fin),
                Ok(Some(Piece::Gone)) => came.push(Came::Gone),
            }
            if let Some((_, whole)) = message.take_if(|(length, bytes)| *length == bytes.len()) {
                came.push(Came::Message(whole));
            }
        }
        assert!(chunk.is_empty(), "a reader that wants more has taken everything");
    }
    (came, rest(&message), None)
}

fn rest(message: &Option<(usize, Vec<u8>)>) -> usize {
    message.as_ref().map_or(0, |(_, bytes)| bytes.len())
}

fn told(lie: Corrupt) -> (u64, u64, u64) {
    assert!(!(lie.least..=lie.most).contains(&lie.seen), "{lie}");
    (lie.seen, lie.least, lie.most)
}

/// The same by the protocol's text, over the whole stream.
pub fn by_the_table(mut stream: &[u8], largest: usize) -> Outcome {
    let mut came = Vec::new();
    loop {
        let (finished, gone) = (came.contains(&Came::Fin), came.contains(&Came::Gone));
        if finished && gone {
            return (came, 0, (!stream.is_empty()).then_some((1, 0, 0)));
        }
        let Some((header, after)) = stream.split_first_chunk::<8>() else { return (came, 0, None) };
        let header = u64::from_le_bytes(*header);
        let (kind, length) = (header >> 32, header & 0xffff_ffff);
        let kinds = (if finished { 3 } else { 1 }, if gone { 2 } else { 3 });
        if kind < kinds.0 || kind > kinds.1 {
            return (came, 0, Some((kind, kinds.0, kinds.1)));
        }
        let most = if kind == 1 { largest as u64 } else { 0 };
        if length > most {
            return (came, 0, Some((length, 0, most)));
        }
        let Some((payload, next)) = after.split_at_checked(length as usize) else { return (came, after.len(), None) };
        came.push(match kind {
            1 => Came::Message(payload.to_vec()),
            2 => Came::Fin,
            _ => Came::Gone,
        });
        stream = next;
    }
}
