//! ipc-channel: a channel of bytes each way.
//!
//! Its documentation has `IpcBytesSender` and `IpcBytesReceiver` for bytes without serialisation, a one-shot server for the first
//! contact of two processes, and `try_recv` for who polls. A received message is a vector of its own: copying it to where it
//! belongs is counted, as it is for all others.

use std::fs::File;
use std::io::{Read, Seek, Write};

use ipc_channel::TryRecvError;
use ipc_channel::ipc::{self, IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcSender};
use rustix::fs::{MemfdFlags, memfd_create};
use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side};

use crate::spin;

/// How it is measured.
pub const RIVAL: Rival = Rival { mechanism: Mechanism::IpcChannel, modes: &[Mode::Spin, Mode::Park], open, join };

/// What the second process hands to the leader.
type Handed = (IpcBytesSender, IpcBytesReceiver);

fn open(mode: Mode, _size: usize) -> Result<(HalfOpen, Passed), Failure> {
    let (server, name) = IpcOneShotServer::<Handed>::new()?;
    let mut text = File::from(memfd_create("name", MemfdFlags::CLOEXEC)?);
    text.write_all(name.as_bytes())?;
    let accept = move || {
        let (_, (out, into)) = server.accept()?;
        Ok(Box::new(Ends { out, into, mode }) as Side)
    };
    Ok((Box::new(accept), Passed::these([text.into()])))
}

fn join(mode: Mode, _size: usize, passed: Passed) -> Result<Side, Failure> {
    let [mut text] = passed.descriptors()?.map(File::from);
    let mut name = String::new();
    text.rewind()?;
    text.read_to_string(&mut name)?;
    let (leaders_out, into) = ipc::bytes_channel()?;
    let (out, leaders_into) = ipc::bytes_channel()?;
    IpcSender::<Handed>::connect(name)?.send((leaders_out, leaders_into))?;
    Ok(Box::new(Ends { out, into, mode }))
}

struct Ends {
    out: IpcBytesSender,
    into: IpcBytesReceiver,
    mode: Mode,
}

impl Carrier for Ends {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        Ok(self.out.send(payload)?)
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let message = match self.mode {
            Mode::Park => self.into.recv()?,
            _ => spin::until(|| match self.into.try_recv() {
                Err(TryRecvError::Empty) => Ok(None),
                came => Ok(Some(came?)),
            })?,
        };
        buffer[..message.len()].copy_from_slice(&message);
        Ok(message.len())
    }
}
