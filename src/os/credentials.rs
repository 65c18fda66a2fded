//! Who is at the other end of a socket, by the kernel's word.
//!
//! `libc` and not `rustix` here, because its `UCred` cannot hold the pid 0 that the kernel reports for a process of
//! another PID namespace, and it does not know `SO_PEERPIDFD`.
#![allow(unsafe_code)]

use std::io;
use std::mem::{size_of, size_of_val};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::sync::OnceLock;

/// A process as the kernel describes it to us. What is `None` cannot be expressed in our namespaces: unknown, not root,
/// not nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// The process, or `None` if it is in a PID namespace that ours does not contain.
    pub pid: Option<u32>,
    /// The effective user, or `None` if it has no number in our user namespace.
    pub uid: Option<u32>,
    /// The effective group, or `None` if it has no number in our user namespace.
    pub gid: Option<u32>,
}

impl Credentials {
    /// The credentials of this process.
    #[must_use]
    pub fn own() -> Self {
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        Self { pid: Some(std::process::id()), uid: Some(uid), gid: Some(gid) }
    }

    pub(super) fn from_kernel(raw: libc::ucred) -> Self {
        let known = |id: u32, overflow: u32| (id != overflow && id != u32::MAX).then_some(id);
        let (overflow_uid, overflow_gid) = overflow();
        Self {
            pid: u32::try_from(raw.pid).ok().filter(|&pid| pid != 0),
            uid: known(raw.uid, overflow_uid),
            gid: known(raw.gid, overflow_gid),
        }
    }
}

/// The numbers that stand for users and groups without a number.
fn overflow() -> (u32, u32) {
    static OVERFLOW: OnceLock<(u32, u32)> = OnceLock::new();
    let read = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?;
        text.trim().parse().ok()
    };
    *OVERFLOW.get_or_init(|| (read("overflowuid").unwrap_or(65534), read("overflowgid").unwrap_or(65534)))
}

/// Who connected to this socket, or listened when we connected; of a socket pair, who made it.
pub(crate) fn of_peer(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let mut raw = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `raw` is writable for `length` bytes, and any bytes the kernel writes there are a valid `ucred`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut raw).cast(),
            &raw mut length,
        )
    };
    if result == 0 { Ok(Credentials::from_kernel(raw)) } else { Err(io::Error::last_os_error()) }
}

/// A descriptor of the peer's process, which no reuse of its pid can confuse; `None` where there is no such thing (a kernel
/// older than 6.5, a sandbox).
///
/// # Errors
///
/// If the process has ended, and the kernel has forgotten it: its pid may be another's by now.
pub(crate) fn pidfd_of_peer(socket: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let mut raw: libc::c_int = -1;
    let mut length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `raw` is writable for `length` bytes.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERPIDFD,
            (&raw mut raw).cast(),
            &raw mut length,
        )
    };
    if result != 0 {
        return forgotten(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us; nobody else owns it.
    Ok((raw >= 0).then(|| unsafe { OwnedFd::from_raw_fd(raw) }))
}

/// Has the kernel attach a descriptor of the sender's process to every packet that is received here, as far as it can.
pub(super) fn show_process(socket: BorrowedFd<'_>) {
    let wanted: libc::c_int = 1;
    let (address, length) = (ptr::from_ref(&wanted).cast(), size_of_val(&wanted) as libc::socklen_t);
    // SAFETY: the address is that of a number of the stated length, which the kernel only reads.
    let _ = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PASSPIDFD, address, length) };
}

/// Some kernels say `EINVAL` of a process that they have forgotten, others `ESRCH`; others remember it.
fn forgotten(error: io::Error) -> io::Result<Option<OwnedFd>> {
    match error.raw_os_error() {
        Some(libc::ESRCH | libc::EINVAL) => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        _ => Ok(None),
    }
}
