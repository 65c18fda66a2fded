//! shmem-ipc: its `sharedring` each way.
//!
//! Its documentation has `send_raw` and `receive_raw` with `block_until_readable` for who blocks. Who polls needs no eventfd:
//! `sender_mut` and `receiver_mut` are its low-level access without a signal. Both give a pointer into the ring, so that nothing
//! is copied twice.
#![allow(unsafe_code, reason = "the library hands out raw pointers")]

use std::fs::File;
use std::io;

use shmem_ipc::sharedring::{Receiver, Sender};
use twinring_cli::failure::Failure;
use twinring_cli::measure::carrier::Carrier;
use twinring_cli::measure::passed::Passed;
use twinring_cli::measure::plan::{Mechanism, Mode};
use twinring_cli::measure::rivals::{HalfOpen, Rival, Side, ready};

use crate::fixed::{of_size, padded, slots};
use crate::spin;

/// How it is measured.
pub const RIVAL: Rival = Rival {
    mechanism: Mechanism::ShmemIpc,
    modes: &[Mode::Spin, Mode::Park],
    open: |mode, size| of_size!(size, open(mode)),
    join: |mode, size, passed| of_size!(size, join(mode, passed)),
};

fn open<const N: usize>(mode: Mode) -> Result<(HalfOpen, Passed), Failure> {
    let (out, into) = (Sender::<[u8; N]>::new(slots(N))?, Receiver::<[u8; N]>::new(slots(N))?);
    let there = [out.memfd().as_file(), out.empty_signal(), out.full_signal()];
    let back = [into.memfd().as_file(), into.empty_signal(), into.full_signal()];
    let copies = there.into_iter().chain(back).map(|file| file.try_clone().map(Into::into));
    let descriptors = copies.collect::<io::Result<Vec<_>>>()?;
    Ok((ready(Ends { out, into, mode }), Passed { descriptors, ..Passed::default() }))
}

fn join<const N: usize>(mode: Mode, passed: Passed) -> Result<Side, Failure> {
    let [there, there_empty, there_full, back, back_empty, back_full] = passed.descriptors()?.map(File::from);
    let into = Receiver::open(slots(N), there, there_empty, there_full)?;
    let out = Sender::<[u8; N]>::open(slots(N), back, back_empty, back_full)?;
    Ok(Box::new(Ends { out, into, mode }))
}

struct Ends<const N: usize> {
    out: Sender<[u8; N]>,
    into: Receiver<[u8; N]>,
    mode: Mode,
}

impl<const N: usize> Carrier for Ends<N> {
    #[inline]
    fn send(&mut self, payload: &[u8]) -> Result<(), Failure> {
        match payload.try_into() {
            Ok(whole) => self.push(whole),
            Err(_) => self.push(&padded(payload)),
        }
    }

    #[inline]
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let length = buffer.len().min(N);
        let buffer = &mut buffer[..length];
        match self.mode {
            Mode::Park => {
                self.into.block_until_readable()?;
                self.into.receive_raw(|element, _| copy_out(element, buffer))?;
            }
            _ => {
                let into = self.into.receiver_mut();
                spin::until(|| {
                    let mut came = 0;
                    into.recv(|element, _| {
                        came = copy_out(element, buffer);
                        came
                    })?;
                    Ok((came > 0).then_some(()))
                })?;
            }
        }
        Ok(length)
    }
}

impl<const N: usize> Ends<N> {
    #[inline]
    fn push(&mut self, whole: &[u8; N]) -> Result<(), Failure> {
        match self.mode {
            Mode::Park => {
                self.out.block_until_writable()?;
                self.out.send_raw(|element, _| copy_in(whole, element))?;
                Ok(())
            }
            _ => {
                let out = self.out.sender_mut();
                spin::until(|| {
                    let mut went = 0;
                    out.send(|element, _| {
                        went = copy_in(whole, element);
                        went
                    })?;
                    Ok((went > 0).then_some(()))
                })
            }
        }
    }
}

/// Fills one element of a ring.
#[inline]
fn copy_in<const N: usize>(whole: &[u8; N], element: *mut [u8; N]) -> usize {
    // SAFETY: The library calls this with room for at least one element, which the other side does not read before this returns.
    unsafe { element.write(*whole) };
    1
}

/// Takes one element of a ring.
#[inline]
fn copy_out<const N: usize>(element: *const [u8; N], buffer: &mut [u8]) -> usize {
    // SAFETY: The library calls this with at least one element, of which `buffer` asks for no more than all bytes, and which the
    // other side does not write before this returns.
    unsafe { element.cast::<u8>().copy_to_nonoverlapping(buffer.as_mut_ptr(), buffer.len()) };
    1
}
