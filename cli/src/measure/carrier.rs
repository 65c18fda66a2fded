//! One side of anything that carries messages both ways: what every mechanism is measured through.

use crate::failure::Failure;

/// A side that sends and receives whole messages, blocking as its mechanism and mode have it.
pub trait Carrier {
    /// Sends one message.
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure>;

    /// Receives the next message into `buffer` and tells its length.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure>;
}

impl Carrier for Box<dyn Carrier> {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        (**self).send(payload)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        (**self).receive(buffer)
    }
}

/// What gives an answer to a message: a carrier whose other side sends back what comes, or a session whose other side does.
pub trait Asked {
    /// Sends `asked` and waits for the answer, which is put into `answer`, as long as that is; tells its length.
    fn trip(&mut self, asked: &[u8], answer: &mut Vec<u8>) -> Result<usize, Failure>;
}

impl Asked for Box<dyn Asked> {
    #[inline]
    fn trip(&mut self, asked: &[u8], answer: &mut Vec<u8>) -> Result<usize, Failure> {
        (**self).trip(asked, answer)
    }
}

impl<C: Carrier> Asked for C {
    #[inline]
    fn trip(&mut self, asked: &[u8], answer: &mut Vec<u8>) -> Result<usize, Failure> {
        self.send(asked)?;
        self.receive(answer)
    }
}
