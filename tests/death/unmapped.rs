//! What a forked child puts where its parent's halves are: nothing of the parent's is mapped there in the child, so the place is
//! anybody's.
#![allow(unsafe_code)]

use std::fs;
use std::ptr;

use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, fork};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

use crate::forked::exit_of;
use crate::process::Child;

/// Where a half is mapped, and how many bytes.
type Place = (usize, usize);

#[test]
fn dropping_a_connection_in_a_forked_child_unmaps_nothing() {
    Child::start("owner of places", &[]).finish();
}

/// A process that connects and forks.
pub fn owner_of_places() {
    let (here, there) = crate::options().pair().expect("a pair");
    let places = places();
    assert_eq!(places.len(), 4, "two halves, mapped by each side: {places:?}");
    // SAFETY: the child maps memory, drops what this test is about, and exits.
    let forked = unsafe { fork() }.expect("a child");
    let ForkResult::Parent { child } = forked else {
        exit_of(move || {
            places.iter().for_each(|&place| settle(place));
            drop((here, there));
            assert!(places.iter().all(|&(start, _)| byte(start) == 7), "it was overwritten");
        })
    };
    assert_eq!(waitpid(child, None), Ok(WaitStatus::Exited(child, 0)), "the child");
}

/// The halves of this process.
fn places() -> Vec<Place> {
    let maps = fs::read_to_string("/proc/self/maps").expect("the mappings of this process");
    let halves = maps.lines().filter(|line| line.contains("memfd:twinring"));
    let place = |line: &str| {
        let (start, end) = line.split_once(' ')?.0.split_once('-')?;
        let start = usize::from_str_radix(start, 16).ok()?;
        Some((start, usize::from_str_radix(end, 16).ok()? - start))
    };
    halves.map(|line| place(line).expect("a line of mappings")).collect()
}

/// Maps memory there, which is free, and writes to it.
fn settle((start, bytes): Place) {
    let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE);
    let wanted = ptr::with_exposed_provenance_mut::<u8>(start);
    // SAFETY: nothing that is there is replaced.
    let mapped = unsafe { mmap_anonymous(wanted.cast(), bytes, protection, flags) }.expect("a place that is free");
    // SAFETY: it was just mapped, for writing.
    unsafe { mapped.cast::<u8>().write_volatile(7) }
}

fn byte(address: usize) -> u8 {
    // SAFETY: `settle` mapped it; if it was unmapped since, this process ends by a signal, which its parent sees.
    unsafe { ptr::with_exposed_provenance::<u8>(address).read_volatile() }
}
