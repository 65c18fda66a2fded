//! What a caller in C passes that Rust's types cannot check: memory with a length, texts, and data of its own.
//!
//! Unsafe code here may assume what the header demands of each such argument, and the caller in C keeps: a pointer that is not
//! null leads to as many bytes as are said, which stay and are not written during the call; a text ends with a zero byte; the
//! user data of handlers may be used from several threads. No value of these types is made in Rust. A reference or a box in
//! the signature of an exported function stands for the like promise: null, or a handle that is open and not in use elsewhere.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_void};
use std::io::IoSlice;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd};
use std::slice;
use std::time::Duration;

use crate::failure::Failure;

/// Bytes to be read.
/// cbindgen:transparent-typedef
#[repr(transparent)]
pub struct Data(*const c_void);

/// Bytes to be written.
/// cbindgen:transparent-typedef
#[repr(transparent)]
pub struct Room(*mut c_void);

/// A text.
/// cbindgen:transparent-typedef
#[repr(transparent)]
pub struct Text(*const c_char);

/// Pieces of one message.
/// cbindgen:transparent-typedef
#[repr(transparent)]
pub struct Pieces(*const libc::iovec);

/// What a handler in C is given back.
/// cbindgen:transparent-typedef
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct UserData(*mut c_void);

/// A file descriptor that is given away.
/// cbindgen:transparent-typedef
#[repr(transparent)]
pub struct Descriptor(i32);

// SAFETY: it is only ever handed back to C, which promised to take it on any thread.
unsafe impl Send for UserData {}
// SAFETY: the same.
unsafe impl Sync for UserData {}

impl Data {
    /// The bytes; null stands for none.
    #[inline(always)]
    pub fn bytes(&self, length: usize) -> Result<&[u8], Failure> {
        check(self.0, length)?;
        if length == 0 {
            return Ok(&[]);
        }
        // SAFETY: not null, not longer than any object, and the caller promised that many bytes, unchanged during the call.
        Ok(unsafe { slice::from_raw_parts(self.0.cast(), length) })
    }
}

impl Room {
    /// The bytes, whatever they hold.
    #[inline(always)]
    pub fn bytes(&mut self, length: usize) -> Result<&mut [u8], Failure> {
        check(self.0, length)?;
        if length == 0 {
            return Ok(&mut []);
        }
        // SAFETY: as in `Data::bytes`, and the caller promised that nobody else uses them. They are written, never read.
        Ok(unsafe { slice::from_raw_parts_mut(self.0.cast(), length) })
    }
}

impl Text {
    /// The text, which must be UTF-8.
    pub fn get(&self, what: &str) -> Result<&str, Failure> {
        if self.0.is_null() {
            return Err(Failure::null(what));
        }
        // SAFETY: not null, and the caller promised a zero byte at its end.
        let text = unsafe { CStr::from_ptr(self.0) };
        text.to_str().map_err(|error| Failure::bad_argument(format!("{what} is not UTF-8: {error}")))
    }

    /// The text, or `None` for null; what is not UTF-8 is replaced.
    pub fn lossy(&self) -> Option<String> {
        if self.0.is_null() {
            return None;
        }
        // SAFETY: not null, and the caller promised a zero byte at its end.
        Some(unsafe { CStr::from_ptr(self.0) }.to_string_lossy().into_owned())
    }
}

impl Pieces {
    /// The pieces, each checked.
    pub fn slices(&self, count: usize) -> Result<Vec<IoSlice<'_>>, Failure> {
        let most = isize::MAX as usize / size_of::<libc::iovec>();
        if count > most || (self.0.is_null() && count > 0) {
            return Err(Failure::bad_argument(format!("{count} pieces at {:p}", self.0)));
        }
        (0..count).map(|number| self.slice(number)).collect()
    }

    fn slice(&self, number: usize) -> Result<IoSlice<'_>, Failure> {
        // SAFETY: `number` is below the count for which the caller promised pieces, and `slices` has looked for null.
        let place = unsafe { self.0.add(number) };
        // SAFETY: there is a piece, as promised, that nobody writes during the call.
        let piece = unsafe { *place };
        check(piece.iov_base, piece.iov_len)?;
        if piece.iov_len == 0 {
            return Ok(IoSlice::new(&[]));
        }
        // SAFETY: as in `Data::bytes`.
        Ok(IoSlice::new(unsafe { slice::from_raw_parts(piece.iov_base.cast(), piece.iov_len) }))
    }
}

impl Descriptor {
    /// The descriptor, now ours.
    pub fn take(self) -> Result<OwnedFd, Failure> {
        if self.0 < 0 {
            return Err(Failure::bad_argument(format!("expected a descriptor, got {}", self.0)));
        }
        // SAFETY: it is asked for its flags, and nothing else: that fails if it is not open.
        let looked_at = unsafe { BorrowedFd::borrow_raw(self.0) };
        rustix::io::fcntl_getfd(looked_at)
            .map_err(|error| Failure::bad_argument(format!("the descriptor {}: {error}", self.0)))?;
        // SAFETY: it is open, and the caller gave it away.
        Ok(unsafe { OwnedFd::from_raw_fd(self.0) })
    }
}

#[inline(always)]
fn check(pointer: *const c_void, length: usize) -> Result<(), Failure> {
    let fits = length <= isize::MAX as usize && (length == 0 || !pointer.is_null());
    if fits { Ok(()) } else { Err(unfit(pointer, length)) }
}

#[cold]
fn unfit(pointer: *const c_void, length: usize) -> Failure {
    Failure::bad_argument(format!("{length} bytes at {pointer:p}: no memory is there or as large as that"))
}

/// For ever is longer than this, but nobody will see it.
pub const EVER: Duration = Duration::from_secs(1 << 32);

/// A time of so many nanoseconds; `None` for ever.
pub fn time(nanoseconds: i64) -> Option<Duration> {
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

/// A handle that must be there.
#[inline(always)]
pub fn given<T>(handle: Option<T>, what: &str) -> Result<T, Failure> {
    match handle {
        Some(handle) => Ok(handle),
        None => Err(missing(what)),
    }
}

#[cold]
fn missing(what: &str) -> Failure {
    Failure::null(what)
}
