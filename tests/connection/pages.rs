//! Which pages a half lies in: what a connection reports is what the kernel shows.

use std::fs;

use twinring::{Connection, Options, Pages};

use crate::process::Child;

#[test]
fn the_pages_that_are_reported_are_those_in_use() {
    // A process of its own, in which no other test maps halves.
    Child::start("looks at its pages", &[]).finish();
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
        Pages::FellBack { .. } => assert!(wanted, "fell back from nothing"),
        pages => assert!(*pages == Pages::Huge && wanted, "{pages:?}"),
    }
    *connection.pages() == Pages::Huge
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
