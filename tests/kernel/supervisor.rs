//! A supervisor of the system calls of some threads: it sees each, lets it through, or has it fail.
//!
//! By `SECCOMP_FILTER_FLAG_NEW_LISTENER` (Linux 5.5): the filter holds a call up, and the supervisor, a thread without that
//! filter, answers for the kernel.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::libc;

/// A system call as it was made.
pub struct Made {
    pub number: i64,
    pub arguments: [u64; 6],
}

const READ_NUMBER: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// From `linux/seccomp.h`.
const RECEIVE: libc::Ioctl = 0xc050_2100_u32 as libc::Ioctl;
const ANSWER: libc::Ioctl = 0xc018_2101_u32 as libc::Ioctl;

/// Who had ended in time.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The worker, and all threads that it started.
    All,
    /// The worker.
    Worker,
    Nobody,
}

/// How long the threads of a worker that has ended may take to end.
const GRACE: Duration = Duration::from_secs(1);

/// Runs `work` on a thread of its own, all of whose calls (or only those with the number `only`), and those of all threads that
/// it starts, are decided by `decide`: an error number, or `None` to let it through. They have `most` to end.
///
/// `decide` must not allocate: whoever is held up may hold a lock of the allocator.
pub fn supervise(
    only: Option<i64>,
    most: Duration,
    work: impl FnOnce() + Send + 'static,
    mut decide: impl FnMut(&Made) -> Option<i32>,
) -> End {
    static LISTENER: AtomicI32 = AtomicI32::new(-1);
    let worker = thread::spawn(move || {
        LISTENER.store(hold_up(only), Ordering::SeqCst);
        work();
    });
    // Nothing that makes a call can tell: it would be held up already.
    while LISTENER.load(Ordering::SeqCst) == -1 {
        thread::yield_now();
    }
    // SAFETY: the kernel made this descriptor for us; nobody else owns it.
    let listener = unsafe { OwnedFd::from_raw_fd(LISTENER.load(Ordering::SeqCst)) };
    let mut deadline = Instant::now() + most;
    let mut end = End::Nobody;
    while Instant::now() < deadline {
        if !serve(&listener, &mut decide) {
            worker.join().expect("no panic");
            return End::All;
        }
        if end == End::Nobody && worker.is_finished() {
            end = End::Worker;
            deadline = Instant::now() + GRACE;
        }
    }
    end
}

/// Has the calls of this thread held up from now on, and returns the supervisor's descriptor.
fn hold_up(only: Option<i64>) -> i32 {
    let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    let held = step(RETURN, libc::SECCOMP_RET_USER_NOTIF, 0, 0);
    let mut steps = vec![held];
    if let Some(only) = only {
        let through = step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0);
        steps = vec![step(READ_NUMBER, 0, 0, 0), step(IF_EQUAL, only as u32, 0, 1), held, through];
    }
    let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    // SAFETY: needs nothing; this thread gets no privileges by `execve` any more.
    unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    let (mode, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // SAFETY: `program` points to as many steps as it says.
    let listener = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    assert!(listener >= 0, "a kernel with supervised filters: {}", io::Error::last_os_error());
    listener as i32
}

/// How often it is looked whether the worker has ended, in milliseconds.
const LOOK: i32 = 50;

/// Answers one call, if one comes in time; `false` once the last supervised thread has ended.
fn serve(listener: &OwnedFd, decide: &mut impl FnMut(&Made) -> Option<i32>) -> bool {
    let mut entry = libc::pollfd { fd: listener.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, writable.
    unsafe { libc::poll(&raw mut entry, 1, LOOK) };
    if entry.revents & libc::POLLIN == 0 {
        return entry.revents & libc::POLLHUP == 0;
    }
    // SAFETY: all-zero bytes are valid, and the kernel demands them.
    let mut asked: libc::seccomp_notif = unsafe { mem::zeroed() };
    // SAFETY: writable for the length that is part of the request's number.
    if unsafe { libc::ioctl(listener.as_raw_fd(), RECEIVE, &raw mut asked) } == 0 {
        let made = Made { number: asked.data.nr.into(), arguments: asked.data.args };
        let through = libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32;
        let (error, flags) = decide(&made).map_or((0, through), |error| (-error, 0));
        let mut answer = libc::seccomp_notif_resp { id: asked.id, val: 0, error, flags };
        // It fails if a signal has ended the call meanwhile.
        // SAFETY: readable for the length that is part of the request's number.
        unsafe { libc::ioctl(listener.as_raw_fd(), ANSWER, &raw mut answer) };
    }
    true
}
