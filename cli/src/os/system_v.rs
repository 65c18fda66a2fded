//! System V semaphores and message queues, by their ids.
//!
//! May assume nothing: an id is a number that the kernel checks, and the memory passed to a call is there while it runs.
//! Neither goes away with the processes that use it: `Keeper` sees to that.
#![allow(unsafe_code)]

use std::io;
use std::ptr;

use libc::{c_int, c_long, c_void};

use super::{checked, uninterrupted};

/// A set of semaphores.
#[derive(Clone, Copy, Debug)]
pub struct Semaphores(i32);

/// What `semctl` takes besides numbers.
#[repr(C)]
union Argument {
    value: c_int,
    array: *mut u16,
}

impl Semaphores {
    /// A new set of `count` semaphores, all zero.
    ///
    /// # Errors
    ///
    /// If the system has none left.
    pub fn create(count: usize) -> io::Result<Self> {
        let count = c_int::try_from(count).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: no memory is passed.
        checked(unsafe { libc::semget(libc::IPC_PRIVATE, count, libc::IPC_CREAT | 0o600) }).map(Self)
    }

    /// The set of that id.
    pub fn of(id: i32) -> Self {
        Self(id)
    }

    /// What others find it by.
    pub fn id(self) -> i32 {
        self.0
    }

    /// Sets a semaphore, whatever it was.
    ///
    /// # Errors
    ///
    /// If there is no such semaphore.
    pub fn set(self, number: u16, value: i32) -> io::Result<()> {
        let argument = Argument { value };
        // SAFETY: this command takes the number in the union.
        checked(unsafe { libc::semctl(self.0, number.into(), libc::SETVAL, argument) }).map(drop)
    }

    /// Adds to a semaphore; to take from it waits until that leaves no less than zero.
    ///
    /// # Errors
    ///
    /// If there is no such semaphore, or it is removed meanwhile.
    #[inline]
    pub fn add(self, number: u16, change: i16) -> io::Result<()> {
        uninterrupted(|| {
            let mut operation = libc::sembuf { sem_num: number, sem_op: change, sem_flg: 0 };
            // SAFETY: one operation lies there.
            checked(unsafe { libc::semop(self.0, &raw mut operation, 1) }).map(drop)
        })
    }

    /// Removes the set; whoever waits for one of it fails.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn remove(self) -> io::Result<()> {
        // SAFETY: this command takes nothing else.
        checked(unsafe { libc::semctl(self.0, 0, libc::IPC_RMID) }).map(drop)
    }
}

/// A queue of messages.
#[derive(Clone, Copy, Debug)]
pub struct Queue(i32);

/// The longest message of a queue: what the system allows if nobody changes it.
pub const LONGEST: usize = 8_192;

/// A message as the calls want it.
#[repr(C)]
pub struct Message {
    kind: c_long,
    text: [u8; LONGEST],
}

impl Message {
    /// Memory for any message.
    pub fn boxed() -> Box<Self> {
        Box::new(Self { kind: 1, text: [0; LONGEST] })
    }
}

impl Queue {
    /// A new queue.
    ///
    /// # Errors
    ///
    /// If the system has none left.
    pub fn create() -> io::Result<Self> {
        // SAFETY: no memory is passed.
        checked(unsafe { libc::msgget(libc::IPC_PRIVATE, libc::IPC_CREAT | 0o600) }).map(Self)
    }

    /// The queue of that id.
    pub fn of(id: i32) -> Self {
        Self(id)
    }

    /// What others find it by.
    pub fn id(self) -> i32 {
        self.0
    }

    /// Sends `payload`, by way of `message`; waits for room.
    ///
    /// # Errors
    ///
    /// If there is no such queue, or it is removed meanwhile.
    ///
    /// # Panics
    ///
    /// If the payload is longer than [`LONGEST`].
    #[inline]
    pub fn send(self, message: &mut Message, payload: &[u8]) -> io::Result<()> {
        message.text[..payload.len()].copy_from_slice(payload);
        let from = ptr::from_ref(message).cast::<c_void>();
        // SAFETY: a kind and as many bytes, compared with the text's length above, lie there.
        uninterrupted(|| checked(unsafe { libc::msgsnd(self.0, from, payload.len(), 0) }).map(drop))
    }

    /// Receives into `buffer`, by way of `message`; waits for a message. Its length, which is no more than the buffer's.
    ///
    /// # Errors
    ///
    /// If there is no such queue, it is removed meanwhile, or the message is longer.
    #[inline]
    pub fn receive(self, message: &mut Message, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(LONGEST);
        let to = ptr::from_mut(message).cast::<c_void>();
        let length = uninterrupted(|| {
            // SAFETY: a kind and as many bytes can be written there.
            let returned = unsafe { libc::msgrcv(self.0, to, room, 0, 0) };
            usize::try_from(returned).map_err(|_| io::Error::last_os_error())
        })?;
        buffer[..length].copy_from_slice(&message.text[..length]);
        Ok(length)
    }

    /// Removes the queue; whoever waits for it fails.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn remove(self) -> io::Result<()> {
        // SAFETY: this command takes no structure.
        checked(unsafe { libc::msgctl(self.0, libc::IPC_RMID, ptr::null_mut()) }).map(drop)
    }
}
