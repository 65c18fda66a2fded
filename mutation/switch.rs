//! Which mutant this process is, if any: the mutated copy of the library has this file as its module `switch`.
#![allow(missing_docs, unsafe_code)]

use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use std::env;
use std::fs::OpenOptions;

/// The number of the mutant; 0 for none, [`TRACE`] to note which ones are come by.
static CHOSEN: AtomicU32 = AtomicU32::new(0);
const TRACE: u32 = u32::MAX;

/// A byte for each mutant, in a file that outlives this process whatever becomes of it.
static REACHED: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());

/// Before `main`, so that nothing a test counts (allocations, descriptors, system calls) is done while it counts.
#[used]
#[unsafe(link_section = ".init_array")]
static CHOOSE: extern "C" fn() = choose;

extern "C" fn choose() {
    if let Some(path) = env::var_os("TWINRING_MUTANT_REACHED") {
        let file = OpenOptions::new().read(true).write(true).open(path).expect("the file of what is reached");
        let map = memmap2::MmapRaw::map_raw(&file).expect("a mapping of it");
        REACHED.store(map.as_mut_ptr(), Ordering::Relaxed);
        core::mem::forget(map);
        CHOSEN.store(TRACE, Ordering::Release);
    } else if let Ok(number) = env::var("TWINRING_MUTANT") {
        CHOSEN.store(number.parse().expect("the number of a mutant"), Ordering::Relaxed);
    }
}

/// Whether this process is mutant `number`.
#[inline(always)]
pub fn on(number: u32) -> bool {
    let chosen = CHOSEN.load(Ordering::Relaxed);
    chosen == number || (chosen == TRACE && note(number))
}

#[cold]
fn note(number: u32) -> bool {
    // SAFETY: the file has a byte for each mutant, and stays mapped.
    unsafe { REACHED.load(Ordering::Acquire).add(number as usize).write_volatile(1) };
    false
}

/// One thing, or another in the mutant.
#[inline(always)]
pub fn pick<T>(number: u32, real: T, other: T) -> T {
    if on(number) { other } else { real }
}

#[inline(always)]
pub fn lt<T: PartialOrd + ?Sized>(number: u32, a: &T, b: &T) -> bool {
    if on(number) { a <= b } else { a < b }
}

#[inline(always)]
pub fn le<T: PartialOrd + ?Sized>(number: u32, a: &T, b: &T) -> bool {
    if on(number) { a < b } else { a <= b }
}

#[inline(always)]
pub fn gt<T: PartialOrd + ?Sized>(number: u32, a: &T, b: &T) -> bool {
    if on(number) { a >= b } else { a > b }
}

#[inline(always)]
pub fn ge<T: PartialOrd + ?Sized>(number: u32, a: &T, b: &T) -> bool {
    if on(number) { a > b } else { a >= b }
}

/// A bound, or one more.
#[inline(always)]
pub fn more(number: u32, bound: u64) -> u64 {
    bound.saturating_add(u64::from(on(number)))
}

/// A bound, one more, or one less.
#[inline(always)]
pub fn near(more: u32, less: u32, bound: u64) -> u64 {
    if on(more) { bound.saturating_add(1) } else { bound.saturating_sub(u64::from(on(less))) }
}
