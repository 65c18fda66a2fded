//! POSIX semaphores in shared memory, and POSIX message queues.
//!
//! May assume: semaphores stay where they are while their segment lives, and it lives in what has them; nothing else reaches
//! its bytes. A queue is a descriptor, and goes with the last one of it: its name is taken away as soon as it is open.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{c_long, sem_t};

use super::segment::Segment;
use super::{checked, uninterrupted};

/// Bytes from one semaphore to the next: each has its own lines.
const STRIDE: usize = 128;

/// Semaphores in memory that two processes share.
#[derive(Debug)]
pub struct Semaphores(Segment);

// SAFETY: semaphores are made to be used by many threads at once, and nothing else of the segment is reached.
unsafe impl Sync for Semaphores {}

impl Semaphores {
    /// What as many need.
    pub const fn bytes(count: usize) -> usize {
        count * STRIDE
    }

    /// Makes semaphores with these values in a segment that has [`Semaphores::bytes`] for them.
    ///
    /// # Errors
    ///
    /// If a value is too large.
    pub fn create(segment: Segment, values: &[u32]) -> io::Result<Self> {
        let semaphores = Self(segment);
        for (number, &value) in values.iter().enumerate() {
            // SAFETY: a semaphore fits there, and nobody uses it yet.
            checked(unsafe { libc::sem_init(semaphores.at(number), 1, value) })?;
        }
        Ok(semaphores)
    }

    /// The semaphores that another process has made in the memory of `segment`, which is zeros where it has made none: those
    /// are semaphores without a value, too.
    pub fn made(segment: Segment) -> Self {
        Self(segment)
    }

    #[inline]
    fn at(&self, number: usize) -> *mut sem_t {
        self.0.address(number * STRIDE, size_of::<sem_t>()).cast()
    }

    /// Takes one; waits until there is one.
    ///
    /// # Errors
    ///
    /// What the system says.
    #[inline]
    pub fn wait(&self, number: usize) -> io::Result<()> {
        // SAFETY: a semaphore lies there while this value lives.
        uninterrupted(|| checked(unsafe { libc::sem_wait(self.at(number)) }).map(drop))
    }

    /// Adds one.
    ///
    /// # Errors
    ///
    /// If there are too many.
    #[inline]
    pub fn post(&self, number: usize) -> io::Result<()> {
        // SAFETY: a semaphore lies there while this value lives.
        checked(unsafe { libc::sem_post(self.at(number)) }).map(drop)
    }
}

/// A queue of messages.
#[derive(Debug)]
pub struct Queue(OwnedFd);

impl Queue {
    /// A new queue without a name, for `messages` of `longest` bytes.
    ///
    /// # Errors
    ///
    /// If the system has no queues, or none so large.
    pub fn create(messages: usize, longest: usize) -> io::Result<Self> {
        static QUEUES: AtomicU32 = AtomicU32::new(0);
        let number = QUEUES.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("/twinring-measure-{}-{number}", std::process::id()))?;
        // SAFETY: the structure is plain numbers, for which zeros are good values.
        let mut attributes: libc::mq_attr = unsafe { std::mem::zeroed() };
        attributes.mq_maxmsg = c_long::try_from(messages).unwrap_or(c_long::MAX);
        attributes.mq_msgsize = c_long::try_from(longest).unwrap_or(c_long::MAX);
        let flags = libc::O_RDWR | libc::O_CREAT | libc::O_EXCL | libc::O_CLOEXEC;
        // SAFETY: name and attributes lie there, and a new queue takes a mode before them.
        let opened = unsafe { libc::mq_open(name.as_ptr(), flags, 0o600, &raw const attributes) };
        let descriptor = checked(opened)?;
        // SAFETY: the name lies there.
        checked(unsafe { libc::mq_unlink(name.as_ptr()) })?;
        // SAFETY: on Linux a queue is a descriptor, and this one has no other owner.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// The queue that came as a descriptor.
    pub fn of(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// Another descriptor of it, for the other process.
    ///
    /// # Errors
    ///
    /// If there are too many.
    pub fn descriptor(&self) -> io::Result<OwnedFd> {
        self.0.as_fd().try_clone_to_owned()
    }

    /// Sends a message; waits for room.
    ///
    /// # Errors
    ///
    /// If it is too long.
    #[inline]
    pub fn send(&self, payload: &[u8]) -> io::Result<()> {
        let (from, length) = (payload.as_ptr().cast(), payload.len());
        // SAFETY: as many bytes lie there.
        uninterrupted(|| checked(unsafe { libc::mq_send(self.0.as_raw_fd(), from, length, 0) }).map(drop))
    }

    /// Receives a message and tells its length; waits for one. The buffer has room for the longest.
    ///
    /// # Errors
    ///
    /// If it has not.
    #[inline]
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (to, room) = (buffer.as_mut_ptr().cast(), buffer.len());
        uninterrupted(|| {
            // SAFETY: as many bytes can be written there; nobody asks for the priority.
            let returned = unsafe { libc::mq_receive(self.0.as_raw_fd(), to, room, std::ptr::null_mut()) };
            usize::try_from(returned).map_err(|_| io::Error::last_os_error())
        })
    }
}
