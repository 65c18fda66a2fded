//! Which pages a half lies in: what a connection reports is what the kernel shows.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use twinring::{Connection, Options, Pages};

use crate::process::Child;

/// How many huge pages the kernel keeps, for everybody.
const POOL: &str = "/proc/sys/vm/nr_hugepages";

/// More than all halves here take at a time, and others beside.
const ENOUGH: u64 = 64;

/// A pool that is large enough while this lives, if it may be set.
struct Pool {
    before: u64,
    _turn: MutexGuard<'static, ()>,
}

impl Pool {
    fn fill() -> Option<Self> {
        // Each sets it back to what it found.
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let before = Self::size();
        fs::write(POOL, (before + ENOUGH).to_string()).ok()?;
        let pool = Self { before, _turn: turn };
        // The kernel sets aside as many as it finds.
        (Self::size() == before + ENOUGH).then_some(pool)
    }

    fn size() -> u64 {
        fs::read_to_string(POOL).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Whoever may not set it has not changed it.
        let _ = fs::write(POOL, self.before.to_string());
    }
}

#[test]
fn huge_pages_that_there_are_are_used_and_carry_messages() {
    let Some(_pool) = Pool::fill() else {
        return eprintln!("NOT TESTED: there are no huge pages, and {POOL} cannot be set here");
    };
    for ring in [1 << 16, 1 << 22] {
        let (here, there) = Options::new().ring_capacity(ring).huge_pages(true).pair().expect("a pair");
        assert_eq!((here.pages(), there.pages()), (&Pages::Huge, &Pages::Huge), "{ring} bytes");
        let ((mut sender, _back), (_, mut receiver)) = (here.split(), there.split());
        let message: Vec<u8> = (0..sender.largest()).map(|at| (at * 7) as u8).collect();
        // Around the end of the ring, several times.
        for length in (0..20).map(|part| message.len() - part * 777) {
            sender.send(&message[..length]).expect("room");
            assert!(receiver.recv().expect("a message").to_vec() == message[..length], "{length} of {ring} bytes");
        }
    }
}

#[test]
fn the_pages_that_are_reported_are_those_in_use() {
    // A process of its own, in which no other test maps halves. With and without huge pages, if there can be some.
    let pool = Pool::fill();
    Child::start("looks at its pages", &[]).finish();
    if pool.is_some() {
        drop(pool);
        Child::start("looks at its pages", &[]).finish();
    }
}

/// Connects with and without a wish for huge pages, with rings that fit into one and that do not, and looks.
pub fn looks_at_its_pages() {
    for (wanted, ring) in [(false, 1 << 16), (true, 1 << 16), (false, 1 << 22), (true, 1 << 22)] {
        let (here, there) = Options::new().ring_capacity(ring).huge_pages(wanted).pair().expect("a pair");
        let huge = [&here, &there].into_iter().filter(|connection| reports_huge(connection, wanted)).count();
        let halves = halves();
        for written in [true, false] {
            let of: Vec<_> = halves.iter().filter(|half| half.written == written).collect();
            let in_huge = of.iter().filter(|half| half.page == 2048).count();
            assert_eq!((of.len(), in_huge), (2, huge), "{ring} bytes, huge {wanted}: {:?}, {halves:?}", here.pages());
            assert!(of.iter().all(|half| half.page == 2048 || half.page == 4), "{halves:?}");
        }
    }
}

fn reports_huge(connection: &Connection, wanted: bool) -> bool {
    match connection.pages() {
        Pages::Ordinary => assert!(!wanted, "a wish is granted, or refused with a reason"),
        Pages::FellBack { reason } => {
            assert!(wanted, "fell back from nothing");
            assert!(names_whole_huge_pages(reason), "{reason}");
        }
        pages => assert!(*pages == Pages::Huge && wanted, "{pages:?}"),
    }
    *connection.pages() == Pages::Huge
}

/// Whether what could not be had was a number of whole huge pages: of less there can be none.
fn names_whole_huge_pages(reason: &str) -> bool {
    let bytes = reason.split(' ').find_map(|word| word.parse::<u64>().ok());
    bytes.is_some_and(|bytes| bytes > 0 && bytes % (1 << 21) == 0)
}

/// A mapping of a half.
#[derive(Debug)]
struct Half {
    written: bool,
    /// The size of its pages, in KiB.
    page: u64,
}

/// All of this process.
fn halves() -> Vec<Half> {
    let maps = fs::read_to_string("/proc/self/smaps").expect("the mappings of this process");
    let mut halves = Vec::new();
    let mut written = None;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            // The fields of a mapping follow its line, which begins with its addresses.
            (Some("KernelPageSize:"), Some(size)) => {
                let page = size.parse().expect("a size");
                halves.extend(written.take().map(|written| Half { written, page }));
            }
            (Some(_), Some(access)) if line.contains("memfd:twinring") => written = Some(access.starts_with("rw")),
            _ => {}
        }
    }
    halves
}
