//! System calls by name.

use nix::libc;

macro_rules! calls {
    ($($name:ident $constant:ident,)+) => {
        /// Those that the library makes.
        pub const OURS: &[(i64, &str)] = &[$((libc::$constant, stringify!($name)),)+];
    };
}

calls! {
    accept4 SYS_accept4, bind SYS_bind, clone3 SYS_clone3, close SYS_close, connect SYS_connect,
    epoll_create1 SYS_epoll_create1, epoll_ctl SYS_epoll_ctl, epoll_pwait SYS_epoll_pwait, eventfd2 SYS_eventfd2,
    fallocate SYS_fallocate, fchmod SYS_fchmod, fcntl SYS_fcntl, flock SYS_flock, fstat SYS_fstat,
    ftruncate SYS_ftruncate, futex_waitv SYS_futex_waitv, getsockopt SYS_getsockopt, ioctl SYS_ioctl,
    listen SYS_listen, madvise SYS_madvise, membarrier SYS_membarrier, memfd_create SYS_memfd_create, mmap SYS_mmap,
    munmap SYS_munmap, newfstatat SYS_newfstatat, open SYS_open, openat SYS_openat, pidfd_open SYS_pidfd_open,
    poll SYS_poll, ppoll SYS_ppoll, prlimit64 SYS_prlimit64, pwrite64 SYS_pwrite64, read SYS_read, recvfrom SYS_recvfrom,
    recvmsg SYS_recvmsg, sendmsg SYS_sendmsg, sendto SYS_sendto, setsockopt SYS_setsockopt, shutdown SYS_shutdown,
    socket SYS_socket, socketpair SYS_socketpair, statx SYS_statx, timerfd_create SYS_timerfd_create,
    timerfd_settime SYS_timerfd_settime, unlinkat SYS_unlinkat, write SYS_write,
}

/// Those that are refused to no Rust program: they cannot fail by definition (and `rustix` relies on it), or the C library
/// and the standard library know no way without them.
pub const NEEDED: &[i64] = &[
    libc::SYS_brk,
    libc::SYS_clock_nanosleep,
    libc::SYS_exit,
    libc::SYS_futex,
    libc::SYS_getegid,
    libc::SYS_geteuid,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_lseek,
    libc::SYS_mremap,
    libc::SYS_mprotect,
    libc::SYS_prctl,
    libc::SYS_rseq,
    libc::SYS_rt_sigprocmask,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_sigaltstack,
    // Made by the test itself.
    libc::SYS_getrusage,
];
