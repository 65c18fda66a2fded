//! `ipc_ring`: a ring of bytes each way, in files of shared memory.
//!
//! Its README has `push` and `pop` without a timeout for who blocks, and a path in /dev/shm in its own benchmark; `try_push` and
//! `try_pop` are for who polls. A message is popped into a vector: copying it to where it belongs is counted, as it is for all
//! others.

use std::fs;

use ipc_ring::{IpcError, RingReader, RingWriter};
use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side};

use crate::name::{BACK, CAPACITY, Name, THERE};
use crate::spin;

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::IpcRing, modes: &[Mode::Spin, Mode::Park], open, join };

fn open(mode: Mode, _size: usize) -> Result<(HalfOpen, Passed), Failure> {
    let name = Name::fresh();
    let files = Files(name);
    let out = RingWriter::create(name.file(THERE), CAPACITY)?;
    let open_back = move || {
        // Once both sides have both rings, nobody needs their files.
        let _files = files;
        let into = RingReader::open(name.file(BACK))?;
        Ok(Box::new(Ends { out, into, came: Vec::new(), mode }) as Side)
    };
    Ok((Box::new(open_back), name.passed()))
}

fn join(mode: Mode, _size: usize, passed: Passed) -> Result<Side, Failure> {
    let name = Name::of(&passed);
    let out = RingWriter::create(name.file(BACK), CAPACITY)?;
    let into = RingReader::open(name.file(THERE))?;
    Ok(Box::new(Ends { out, into, came: Vec::new(), mode }))
}

/// The files of both rings, which nobody else removes.
struct Files(Name);

impl Drop for Files {
    fn drop(&mut self) {
        for way in [THERE, BACK] {
            let _ = fs::remove_file(self.0.file(way));
        }
    }
}

struct Ends {
    out: RingWriter,
    into: RingReader,
    came: Vec<u8>,
    mode: Mode,
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        match self.mode {
            Mode::Park => Ok(self.out.push(payload, None)?),
            _ => spin::until(|| match self.out.try_push(payload) {
                Err(IpcError::Full) => Ok(None),
                went => Ok(Some(went?)),
            }),
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let Self { into, came, mode, .. } = self;
        let length = match mode {
            Mode::Park => into.pop(came, None)?,
            _ => spin::until(|| Ok(into.try_pop(came)?))?,
        };
        buffer[..length].copy_from_slice(&came[..length]);
        Ok(length)
    }
}
