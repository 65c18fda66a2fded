//! Copies between this process's bytes and bytes that another process may be writing or reading.
//!
//! A plain `memcpy` from memory that changes meanwhile is undefined behaviour; here every byte of the shared side is
//! moved by a relaxed atomic word or by assembly, which the compiler can neither see through nor repeat. What is copied
//! may be torn by a lying peer; it is only ever data. Which routine wins at which size was measured (`docs/DESIGN.md`).
#![allow(unsafe_code)]

use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use super::WORD;

/// From here on the block routine beats the loop of words.
const BLOCKS: usize = 128;

/// From here on the processor's own string copy beats the block routine.
#[cfg(target_arch = "x86_64")]
const STRING: usize = 16 * 1024;

/// Copies `len` bytes to shared memory that nobody else writes, zeroing the rest of the last word of a short one.
///
/// # Safety
///
/// `from` is readable for `len` bytes; `to` is writable for `len` bytes rounded up to whole words and aligned to a word;
/// they do not overlap; no other thread of this process writes there or reads it unsynchronised.
#[inline]
pub(super) unsafe fn to_shared(from: *const u8, to: *mut u8, len: usize) {
    if len < BLOCKS {
        // SAFETY: as our own contract.
        unsafe { words_to_shared(from, to, len) }
    } else {
        // SAFETY: as our own contract.
        unsafe { blocks::<true>(from, to, len) }
    }
}

/// Copies `len` bytes out of shared memory that another process may be writing.
///
/// # Safety
///
/// `from` is readable for `len` bytes rounded up to whole words and aligned to a word; `to` is writable for `len` bytes;
/// they do not overlap.
#[inline]
pub(super) unsafe fn from_shared(from: *const u8, to: *mut u8, len: usize) {
    if len < BLOCKS {
        // SAFETY: as our own contract.
        unsafe { words_from_shared(from, to, len) }
    } else {
        // SAFETY: as our own contract.
        unsafe { blocks::<false>(from, to, len) }
    }
}

/// # Safety
///
/// As [`to_shared`].
#[inline]
unsafe fn words_to_shared(from: *const u8, to: *mut u8, len: usize) {
    let whole = len - len % WORD;
    for at in (0..whole).step_by(WORD) {
        // SAFETY: `at + WORD <= len`, which `from` is readable for.
        let source = unsafe { from.add(at) };
        // SAFETY: as above; read unaligned.
        let value = unsafe { source.cast::<u64>().read_unaligned() };
        // SAFETY: `at + WORD <= len`, aligned as `to` is.
        unsafe { store_word(to, at, value) };
    }
    if whole < len {
        let mut last = [0; WORD];
        // SAFETY: `whole < len`, inside `from`.
        let source = unsafe { from.add(whole) };
        // SAFETY: `len - whole < WORD` bytes remain in `from`; `last` is our own.
        unsafe { ptr::copy_nonoverlapping(source, last.as_mut_ptr(), len - whole) };
        // SAFETY: `to` is writable for `len` rounded up to whole words.
        unsafe { store_word(to, whole, u64::from_ne_bytes(last)) };
    }
}

/// # Safety
///
/// As [`from_shared`].
#[inline]
unsafe fn words_from_shared(from: *const u8, to: *mut u8, len: usize) {
    let whole = len - len % WORD;
    for at in (0..whole).step_by(WORD) {
        // SAFETY: `at + WORD <= len`, aligned as `from` is.
        let value = unsafe { load_word(from, at) };
        // SAFETY: `at + WORD <= len`, which `to` is writable for.
        let target = unsafe { to.add(at) };
        // SAFETY: as above; written unaligned.
        unsafe { target.cast::<u64>().write_unaligned(value) };
    }
    if whole < len {
        // SAFETY: `from` is readable for `len` rounded up to whole words.
        let last = unsafe { load_word(from, whole) }.to_ne_bytes();
        // SAFETY: `whole < len`, inside `to`.
        let target = unsafe { to.add(whole) };
        // SAFETY: `len - whole < WORD` bytes remain in `to`; `last` is our own.
        unsafe { ptr::copy_nonoverlapping(last.as_ptr(), target, len - whole) };
    }
}

/// # Safety
///
/// `base + at` is an aligned, readable word.
#[inline]
unsafe fn load_word(base: *const u8, at: usize) -> u64 {
    // SAFETY: inside the allocation, as the contract says.
    let word = unsafe { base.add(at) }.cast::<u64>().cast_mut();
    // SAFETY: aligned and readable; only loads go through it, relaxed ones, which read-only pages allow.
    unsafe { AtomicU64::from_ptr(word) }.load(Ordering::Relaxed)
}

/// # Safety
///
/// `base + at` is an aligned, writable word.
#[inline]
unsafe fn store_word(base: *mut u8, at: usize, value: u64) {
    // SAFETY: inside the allocation, as the contract says.
    let word = unsafe { base.add(at) }.cast::<u64>();
    // SAFETY: aligned and writable.
    unsafe { AtomicU64::from_ptr(word) }.store(value, Ordering::Relaxed);
}

/// Copies at least [`BLOCKS`] bytes, 64 at a time; the last block overlaps the one before it. `PREFETCH` asks for the
/// lines ahead of `to` for writing, so that they come while others are filled.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len >= 64` bytes, and they do not overlap.
#[cfg(target_arch = "x86_64")]
unsafe fn blocks<const PREFETCH: bool>(from: *const u8, to: *mut u8, len: usize) {
    debug_assert!(len >= 64);
    if len >= STRING {
        // SAFETY: as our own contract. The direction flag is clear, as the ABI demands on entry to any assembly.
        unsafe {
            core::arch::asm!(
                "rep movsb",
                inout("rcx") len => _, inout("rsi") from => _, inout("rdi") to => _,
                options(nostack, preserves_flags)
            );
        }
        return;
    }
    macro_rules! copy {
        ($prefetch:literal) => {
            // SAFETY: the loop moves whole blocks of 64 bytes while at least 64 remain, then the 64 that end at `len`;
            // `prefetchw` never faults.
            unsafe {
                core::arch::asm!(
                    "2:",
                    $prefetch,
                    "movups {a}, [{from}]",
                    "movups {b}, [{from} + 16]",
                    "movups {c}, [{from} + 32]",
                    "movups {d}, [{from} + 48]",
                    "movups [{to}], {a}",
                    "movups [{to} + 16], {b}",
                    "movups [{to} + 32], {c}",
                    "movups [{to} + 48], {d}",
                    "add {from}, 64",
                    "add {to}, 64",
                    "sub {left}, 64",
                    "cmp {left}, 64",
                    "jae 2b",
                    "movups {a}, [{from} + {left} - 64]",
                    "movups {b}, [{from} + {left} - 48]",
                    "movups {c}, [{from} + {left} - 32]",
                    "movups {d}, [{from} + {left} - 16]",
                    "movups [{to} + {left} - 64], {a}",
                    "movups [{to} + {left} - 48], {b}",
                    "movups [{to} + {left} - 32], {c}",
                    "movups [{to} + {left} - 16], {d}",
                    from = inout(reg) from => _, to = inout(reg) to => _, left = inout(reg) len => _,
                    a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
                    options(nostack)
                );
            }
        };
    }
    if PREFETCH {
        copy!("prefetchw [{to} + 512]");
    } else {
        copy!("");
    }
}

/// The same by words, where there is no assembly for it.
///
/// # Safety
///
/// As [`to_shared`] and [`from_shared`], whichever is called.
#[cfg(not(target_arch = "x86_64"))]
unsafe fn blocks<const TO_SHARED: bool>(from: *const u8, to: *mut u8, len: usize) {
    if TO_SHARED {
        // SAFETY: as our own contract.
        unsafe { words_to_shared(from, to, len) }
    } else {
        // SAFETY: as our own contract.
        unsafe { words_from_shared(from, to, len) }
    }
}

/// Asks for the cache line at `address` in a state that can be written.
#[inline]
pub(super) fn prefetch_write(address: *const u8) {
    // rustc compiles `_mm_prefetch::<_MM_HINT_ET0>` for baseline x86-64 to `prefetcht0`, which fetches the line shared and
    // so makes the store that follows pay twice.
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect that a program can observe, whatever the address.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}
