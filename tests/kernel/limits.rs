//! Limits of a process, reached at each point of a set-up: an error that says so, and nothing left over.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;
use twinring::{ServiceOptions, Session, SessionOptions, Transport};

use crate::leaks::Held;
use crate::peer;
use crate::process::{self, Child};
use crate::scenario::{chain, options};
use crate::supervisor::{End, supervise};
use crate::waits::{LONG, until};

const TRANSPORTS: [Transport; 2] = [Transport::SharedMemory, Transport::Socket];

/// More than any set-up has of anything.
const MANY: u64 = 400;

/// Runs a part of this file in a process of its own, whose limits are for good.
fn run(what: &str) {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let _peer = peer::start(&socket);
    let arguments = [("SOCKET", socket.as_os_str()), ("WHAT", OsStr::new(what))];
    Child::start("limited", &arguments).finish();
}

/// The part.
pub fn limited() {
    let socket = PathBuf::from(process::argument("SOCKET"));
    match process::argument("WHAT").to_str() {
        Some("descriptors") => descriptors(&socket),
        Some("mappings") => mappings(&socket),
        Some("flags") => flags(&socket),
        Some("files") => files(&socket),
        Some("threads") => threads(),
        Some("address space") => address_space(&socket),
        Some("locked memory") => locked_memory(&socket),
        other => panic!("no such limit: {other:?}"),
    }
}

/// Everything that takes something to set up.
fn set_up(socket: &Path, transport: Transport) -> Result<(), String> {
    let options = options(transport);
    let (here, there) = options.pair().map_err(chain)?;
    let session = Session::new(here, &SessionOptions::new().workers(1), ()).map_err(chain)?;
    let connection = options.connect(socket, LONG).map_err(chain)?;
    let service = ServiceOptions::new().connection(options).bind(socket.with_extension("own")).map_err(chain)?;
    service.start(1).map_err(chain)?;
    drop((session, there, connection));
    Ok(())
}

/// Sets up with one thing more each time, until it can be had; each time before, an error says what could not, and nothing
/// is left. How often it failed.
fn until_it_works(socket: &Path, transport: Transport, reasons: &[&str], mut limit: impl FnMut(u64)) -> u64 {
    let files = || std::fs::read_dir(socket.parent().expect("a directory")).expect("a directory").count();
    let (held, lying) = (Held::lasting(), files());
    for more in 0..MANY {
        limit(more);
        let outcome = set_up(socket, transport);
        limit(MANY);
        assert_eq!(files(), lying, "left over over {transport} with {more}: {outcome:?}");
        nothing_is_left(held);
        let Err(error) = outcome else { return more };
        assert!(reasons.iter().any(|reason| error.contains(reason)), "over {transport} with {more}: {error}");
    }
    panic!("{MANY} are not enough over {transport}");
}

/// Some threads end by themselves, and take theirs with them: what was held may have been that of the set-up before.
fn nothing_is_left(held: Held) {
    until("what was set up to be gone", || Held::lasting().is_within(held));
}

fn descriptors(socket: &Path) {
    let before = std::fs::read_dir("/proc/self/fd").expect("descriptors").count() as u64 - 1;
    for transport in TRANSPORTS {
        let failed = until_it_works(
            socket,
            transport,
            &["Too many open files", "too many open files", "out of memory or descriptors"],
            |more| {
                set(Resource::RLIMIT_NOFILE, before + more);
            },
        );
        assert!(failed >= 10, "over {transport}: {failed}");
    }
}

#[test]
fn each_descriptor_that_cannot_be_had_is_an_error() {
    run("descriptors");
}

/// Has each mapping of a file fail in turn, and each new stack.
fn mappings(socket: &Path) {
    static OUTCOME: Mutex<Option<Result<(), String>>> = Mutex::new(None);
    for transport in TRANSPORTS {
        // What is loaded when it is first used.
        set_up(socket, transport).expect("a set-up without limits");
        let mut failures = 0;
        for kth in 0.. {
            let (held, path, mut seen) = (Held::lasting(), socket.to_owned(), 0);
            let work = move || *OUTCOME.lock().expect("no panic") = Some(set_up(&path, transport));
            let end = supervise(Some(libc::SYS_mmap), LONG, work, |asked| {
                let [_, bytes, _, flags, _, _] = asked.arguments;
                // The stacks for signal handlers, which the standard library panics without, are small; the allocator's own
                // mappings reserve.
                let reserves = flags as i32 & libc::MAP_NORESERVE != 0 && flags as i32 & libc::MAP_STACK == 0;
                let counts = bytes > 64 * 1024 && !reserves || flags as i32 & libc::MAP_SHARED != 0;
                seen += u64::from(counts);
                (counts && seen == kth + 1).then_some(libc::ENOMEM)
            });
            assert_eq!(end, End::All, "mapping {kth} over {transport}");
            nothing_is_left(held);
            let outcome = OUTCOME.lock().expect("no panic").take().expect("no panic");
            if seen <= kth {
                outcome.expect("a set-up without limits");
                break;
            }
            failures += u64::from(outcome.is_err());
            let reasons =
                ["Cannot allocate memory", "Resource temporarily unavailable", "out of memory or descriptors"];
            let said = |error: &str| reasons.iter().any(|reason| error.contains(reason));
            assert!(
                outcome.as_ref().err().is_none_or(|error| said(error)),
                "mapping {kth} over {transport}: {outcome:?}"
            );
        }
        assert!(failures >= 6, "over {transport}: {failures}");
    }
}

#[test]
fn each_mapping_that_cannot_be_had_is_an_error() {
    run("mappings");
}

/// Refuses a flag of `memfd_create` and an advice to `madvise`, as kernels do that are older than those, or a sandbox.
fn flags(socket: &Path) {
    for error in [libc::EINVAL, libc::EPERM, libc::EACCES] {
        for transport in TRANSPORTS {
            let path = socket.to_owned();
            let work = move || set_up(&path, transport).expect("ways without");
            static REFUSED: AtomicUsize = AtomicUsize::new(0);
            REFUSED.store(0, Ordering::SeqCst);
            let end = supervise(Some(libc::SYS_memfd_create), LONG, work, |asked| {
                let has_flag = asked.arguments[1] as u32 & libc::MFD_NOEXEC_SEAL != 0;
                REFUSED.fetch_add(usize::from(has_flag), Ordering::SeqCst);
                has_flag.then_some(error)
            });
            assert_eq!(end, End::All);
            assert_eq!(REFUSED.load(Ordering::SeqCst) > 0, transport == Transport::SharedMemory);
        }
    }
    let path = socket.to_owned();
    let work = move || set_up(&path, Transport::SharedMemory).expect("a way without");
    let end = supervise(Some(libc::SYS_madvise), LONG, work, |asked| {
        let populates = [libc::MADV_POPULATE_READ, libc::MADV_POPULATE_WRITE].contains(&(asked.arguments[2] as i32));
        populates.then_some(libc::EINVAL)
    });
    assert_eq!(end, End::All);
}

#[test]
fn flags_that_a_kernel_does_not_know_are_done_without() {
    run("flags");
}

/// The kernel ends whoever writes past the limit by a signal, unless it is looked at first.
fn files(socket: &Path) {
    let (pages, mut reached) = ([0, 1, 4096, 65536, 69632], 0);
    for bytes in pages {
        set(Resource::RLIMIT_FSIZE, bytes);
        let shared = options(Transport::SharedMemory).pair().map(drop).map_err(chain);
        assert_eq!(shared.is_ok(), bytes >= 69632, "{bytes}: {shared:?}");
        if let Err(error) = shared {
            assert!(error.contains(&format!("a file of 69632 bytes, RLIMIT_FSIZE allows {bytes}")), "{error}");
            reached += 1;
        }
        options(Transport::Socket).pair().expect("no file is needed");
        options(Transport::Any).connect(socket, LONG).expect("no file is needed");
        let listener = options(Transport::Any).bind(socket.with_extension("own")).map(drop).map_err(chain);
        assert_eq!(listener.is_ok(), bytes >= 4096, "{bytes}: {listener:?}");
        assert!(listener.err().is_none_or(|error| error.contains("RLIMIT_FSIZE")), "{bytes}");
        assert_eq!(
            std::fs::read_dir(socket.parent().expect("a directory")).expect("a directory").count(),
            2,
            "{bytes}"
        );
    }
    assert_eq!(reached, 4);
}

#[test]
fn a_file_that_may_not_be_so_large_is_an_error_and_no_signal() {
    run("files");
}

/// Root has no limit of threads: as somebody else.
fn threads() {
    const SOMEBODY: u32 = 54_321;
    if nix::unistd::setuid(SOMEBODY.into()).is_err() {
        return eprintln!("NOT TESTED: this user cannot become another one without threads");
    }
    set(Resource::RLIMIT_NPROC, 1);
    let held = Held::lasting();
    for transport in TRANSPORTS {
        let error = options(transport).pair().map(drop).map_err(chain).expect_err("a limit");
        let step = if transport == Transport::Socket {
            "could not carry messages over the socket"
        } else {
            "could not watch the peer"
        };
        assert!(error.starts_with(step) && error.contains("Resource temporarily unavailable"), "{error}");
        nothing_is_left(held);
    }
}

#[test]
fn a_thread_that_cannot_be_had_is_an_error() {
    run("threads");
}

/// A ring that does not fit into what [`LEFT`] leaves.
const LARGE: u64 = 1 << 26;

/// What is left of the address space, in bytes: less than a thread's stack takes, or less than a large half.
const LEFT: [u64; 2] = [3 << 19, 1 << 24];

/// The real limit, met by a thread's stack, by this side's half, and by the peer's.
fn address_space(socket: &Path) {
    let refused = |left: u64, step: &str, attempt: &dyn Fn() -> Result<(), String>| {
        let held = Held::lasting();
        set(Resource::RLIMIT_AS, address_space_in_use() + left);
        let error = attempt().expect_err("a limit");
        set(Resource::RLIMIT_AS, u64::MAX);
        assert!(error.starts_with(step), "expected {step:?}, got {error:?}");
        nothing_is_left(held);
    };
    let (small, large) =
        (options(Transport::SharedMemory), options(Transport::SharedMemory).ring_capacity(LARGE as usize));
    // First, because the stacks of threads that have ended are kept for the next ones.
    refused(LEFT[0], "could not watch the peer: Resource temporarily", &|| small.pair().map(drop).map_err(chain));
    let carried = options(Transport::Socket);
    refused(LEFT[0], "could not carry messages over the socket: Resource", &|| carried.pair().map(drop).map_err(chain));
    let no_mapping = format!("could not map {} bytes of memory: Cannot allocate memory", LARGE + 4096);
    refused(LEFT[1], &no_mapping, &|| large.pair().map(drop).map_err(chain));
    let other = socket.with_extension("large");
    let _peer = peer::start_with(&other, LARGE);
    refused(LEFT[1], &no_mapping, &|| small.connect(&*other, LONG).map(drop).map_err(chain));
    drop(small.connect(&*other, LONG).expect("nothing is wrong with the peer"));
    TRANSPORTS.into_iter().for_each(|transport| set_up(socket, transport).expect("no limit any more"));
}

/// In bytes.
fn address_space_in_use() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("the memory of this process");
    pages.split(' ').next().and_then(|pages| pages.parse::<u64>().ok()).expect("a number of pages") * 4096
}

#[test]
fn an_address_space_that_is_used_up_is_an_error() {
    run("address space");
}

/// Nothing is locked into memory, so that limit does not matter.
fn locked_memory(socket: &Path) {
    set(Resource::RLIMIT_MEMLOCK, 0);
    TRANSPORTS.into_iter().for_each(|transport| set_up(socket, transport).expect("no locked memory"));
}

#[test]
fn no_memory_need_be_locked() {
    run("locked memory");
}

/// The hard limit stays, so that the next one can be higher.
fn set(resource: Resource, most: u64) {
    let (_, hard) = getrlimit(resource).expect("a limit");
    setrlimit(resource, most.min(hard), hard).expect("a lower limit");
}
