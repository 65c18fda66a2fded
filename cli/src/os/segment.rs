//! Memory that two processes share: bytes are copied into it and out of it, and nothing else.
//!
//! May assume: a mapping stays whole until its segment is dropped, because only this file unmaps it, and because the files
//! that are mapped are of this program's own making and keep their size. No reference to the bytes is ever made. Within a
//! process, whoever writes has the segment for itself (`&mut`); what the other process writes meanwhile is the business of the
//! mechanism that is measured: its semaphores or counters say who may touch which part.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr::{self, NonNull};

use libc::c_void;

use super::checked;

/// A part of this process's memory that another process has, too.
#[derive(Debug)]
pub struct Segment {
    address: NonNull<u8>,
    bytes: usize,
    from: From,
}

/// Where it came from, and so how it goes.
#[derive(Clone, Copy, Debug)]
enum From {
    SystemV,
    File,
}

// SAFETY: the address is good in every thread, and nothing of it belongs to the one that mapped it.
unsafe impl Send for Segment {}

impl Segment {
    /// A new System V segment and its id. It is removed at once, so that it goes with the last process that has it attached,
    /// however that ends; Linux lets others attach it until then.
    ///
    /// # Errors
    ///
    /// If the system has none left.
    pub fn system_v(bytes: usize) -> io::Result<(Self, i32)> {
        // SAFETY: no memory is passed.
        let id = checked(unsafe { libc::shmget(libc::IPC_PRIVATE, bytes, libc::IPC_CREAT | 0o600) })?;
        let segment = Self::attach(id, bytes);
        // SAFETY: this command takes no structure.
        checked(unsafe { libc::shmctl(id, libc::IPC_RMID, ptr::null_mut()) })?;
        segment.map(|segment| (segment, id))
    }

    /// The System V segment that another process has made with as many `bytes`.
    ///
    /// # Errors
    ///
    /// If there is none of that id, or it is smaller.
    pub fn attached(id: i32, bytes: usize) -> io::Result<Self> {
        // SAFETY: the structure is plain numbers, for which zeros are good values.
        let mut status: libc::shmid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: the structure is there to be filled in.
        checked(unsafe { libc::shmctl(id, libc::IPC_STAT, &raw mut status) })?;
        if status.shm_segsz < bytes {
            return Err(io::Error::other(format!("segment {id} has {} bytes, not {bytes}", status.shm_segsz)));
        }
        Self::attach(id, bytes)
    }

    fn attach(id: i32, bytes: usize) -> io::Result<Self> {
        // SAFETY: the system chooses an address where nothing else is.
        let address = unsafe { libc::shmat(id, ptr::null(), 0) };
        Self::at(address, bytes, From::SystemV)
    }

    /// Maps as many bytes of `file`, which has them.
    ///
    /// # Errors
    ///
    /// If it cannot be mapped.
    pub fn mapped(file: impl AsFd, bytes: usize) -> io::Result<Self> {
        let (access, file) = (libc::PROT_READ | libc::PROT_WRITE, file.as_fd().as_raw_fd());
        // SAFETY: the system chooses an address where nothing else is.
        let address = unsafe { libc::mmap(ptr::null_mut(), bytes, access, libc::MAP_SHARED, file, 0) };
        Self::at(address, bytes, From::File)
    }

    fn at(address: *mut c_void, bytes: usize, from: From) -> io::Result<Self> {
        // Both calls fail with -1.
        if address as isize == -1 {
            return Err(io::Error::last_os_error());
        }
        let address = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { address, bytes, from })
    }

    /// Copies `from` to the bytes that start at `offset`.
    #[inline]
    pub fn put(&mut self, offset: usize, from: &[u8]) {
        let to = self.address(offset, from.len());
        // SAFETY: as many bytes lie at `to`, and a shared segment is no part of a slice of this process.
        unsafe { ptr::copy_nonoverlapping(from.as_ptr(), to, from.len()) }
    }

    /// Copies the bytes that start at `offset` to `to`.
    #[inline]
    pub fn get(&self, offset: usize, to: &mut [u8]) {
        let from = self.address(offset, to.len());
        // SAFETY: as many bytes lie at `from`, and a shared segment is no part of a slice of this process.
        unsafe { ptr::copy_nonoverlapping(from, to.as_mut_ptr(), to.len()) }
    }

    /// Writes zeros all over it.
    pub fn clear(&mut self) {
        // SAFETY: as many bytes lie there.
        unsafe { ptr::write_bytes(self.address.as_ptr(), 0, self.bytes) }
    }

    /// Where `length` bytes from `offset` on lie: good until the segment is dropped.
    #[inline]
    pub(super) fn address(&self, offset: usize, length: usize) -> *mut u8 {
        assert!(offset <= self.bytes && length <= self.bytes - offset, "{length} bytes at {offset} of {}", self.bytes);
        // SAFETY: the offset has just been compared with the mapping's length.
        unsafe { self.address.as_ptr().add(offset) }
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        let address: *mut c_void = self.address.as_ptr().cast();
        match self.from {
            // SAFETY: it was attached there, and nobody has the address any more.
            From::SystemV => unsafe { libc::shmdt(address) },
            // SAFETY: it was mapped there with this length, and nobody has the address any more.
            From::File => unsafe { libc::munmap(address, self.bytes) },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::floor::shared_memory;

    #[test]
    fn what_is_put_through_one_mapping_comes_out_of_the_other() {
        let file = shared_memory(4_096).unwrap();
        let (system_v, id) = Segment::system_v(4_096).unwrap();
        let of_file = || Segment::mapped(&file, 4_096).unwrap();
        for (mut one, mut other) in [(of_file(), of_file()), (system_v, Segment::attached(id, 4_096).unwrap())] {
            let mut came = [0; 5];
            one.put(4_091, b"bytes");
            other.get(4_091, &mut came);
            assert_eq!(&came, b"bytes");
            other.clear();
            one.get(4_091, &mut came);
            assert_eq!(came, [0; 5]);
        }
        // It went with its last mapping.
        assert!(Segment::attached(id, 4_096).is_err());
    }

    #[test]
    fn a_segment_smaller_than_expected_is_refused() {
        let (_segment, id) = Segment::system_v(4_096).unwrap();
        let said = Segment::attached(id, 8_192).unwrap_err().to_string();
        assert!(said.ends_with("has 4096 bytes, not 8192"), "{said}");
    }

    #[test]
    #[should_panic(expected = "2 bytes at 4095 of 4096")]
    fn nothing_outside_is_reached() {
        Segment::system_v(4_096).unwrap().0.put(4_095, &[1, 2]);
    }
}
