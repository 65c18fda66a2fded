//! Copies between this process's bytes and bytes that another process may be writing or reading.
//!
//! To this side's own half a plain copy will do: nobody else writes there, and the compiler may do with it what it likes
//! before the commit. Out of the peer's half it will not: a plain copy of memory that changes meanwhile is undefined
//! behaviour. There every byte is moved by a relaxed atomic word or by assembly, which the compiler can neither see
//! through nor repeat. What is copied may be torn by a lying peer; it is only ever data. Which routine wins at which size
//! was measured (`docs/DESIGN.md`).
#![allow(unsafe_code)]

#[cfg(not(target_arch = "x86_64"))]
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering};

use super::WORD;

/// From here on asking for the lines ahead beats a plain copy, when writing.
const PREFETCHED: usize = 128;

/// Up to here two halves of 16 bytes are enough, which may overlap.
const WIDE: usize = 32;

/// From here on the processor's own string copy beats the block routine.
const STRING: usize = 16 * 1024;

/// Copies `len` bytes to shared memory that only this side writes.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes; they do not overlap; no other thread of this process reads or
/// writes there unsynchronised.
#[inline(always)]
pub(super) unsafe fn to_shared(from: *const u8, to: *mut u8, len: usize) {
    if len <= 64 {
        // SAFETY: as our own contract.
        unsafe { short(from, to, len) }
    } else if len < PREFETCHED {
        // SAFETY: as our own contract, and long enough.
        unsafe { blocks::<false>(from, to, len) }
    } else if len < STRING {
        // SAFETY: as our own contract, and long enough.
        unsafe { blocks::<true>(from, to, len) }
    } else {
        // SAFETY: as our own contract.
        unsafe { string(from, to, len) }
    }
}

/// Copies up to 64 bytes without a loop or a call: the first few and the last few, which overlap.
///
/// # Safety
///
/// As [`to_shared`].
#[inline(always)]
unsafe fn short(from: *const u8, to: *mut u8, len: usize) {
    // The long ones first: they are the common ones, and a `match` would ask for 0 and 1 before.
    if len > WIDE {
        // SAFETY: as our own contract, and 33 to 64 bytes.
        unsafe { two_pairs(from, to, len) }
    } else if len > 2 * WORD {
        // SAFETY: as our own contract; here and below `len` is at least one and at most two of its pieces.
        unsafe { ends::<u128>(from, to, len) }
    } else if len >= WORD {
        // SAFETY: as above.
        unsafe { ends::<u64>(from, to, len) }
    } else if len >= 4 {
        // SAFETY: as above.
        unsafe { ends::<u32>(from, to, len) }
    } else if len >= 2 {
        // SAFETY: as above.
        unsafe { ends::<u16>(from, to, len) }
    } else if len == 1 {
        // SAFETY: as above.
        unsafe { ends::<u8>(from, to, len) }
    }
}

/// Copies the first and the last `T` of `len` bytes.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, which are at least a `T`.
#[inline(always)]
unsafe fn ends<T: Copy>(from: *const u8, to: *mut u8, len: usize) {
    let last = len - size_of::<T>();
    // SAFETY: the first `T` of `from`.
    let head = unsafe { from.cast::<T>().read_unaligned() };
    // SAFETY: within `len`.
    let from_last = unsafe { from.add(last) };
    // SAFETY: the last `T` of `from`.
    let tail = unsafe { from_last.cast::<T>().read_unaligned() };
    // SAFETY: the first `T` of `to`.
    unsafe { to.cast::<T>().write_unaligned(head) };
    // SAFETY: within `len`.
    let to_last = unsafe { to.add(last) };
    // SAFETY: the last `T` of `to`.
    unsafe { to_last.cast::<T>().write_unaligned(tail) };
}

/// Copies `len` bytes out of shared memory that another process may be writing.
///
/// # Safety
///
/// `from` is readable for `len` bytes rounded up to whole words and aligned to a word; `to` is writable for `len` bytes;
/// they do not overlap.
#[inline(always)]
pub(super) unsafe fn from_shared(from: *const u8, to: *mut u8, len: usize) {
    if len < WORD {
        // SAFETY: as our own contract.
        unsafe { part_of_word(from, to, len) }
    } else if len <= 2 * WORD {
        // SAFETY: as our own contract, and 8 to 16 bytes.
        unsafe { two_words(from, to, len) }
    } else if len <= WIDE {
        // SAFETY: as our own contract, and 16 to 32 bytes.
        unsafe { one_pair(from, to, len) }
    } else if len <= 64 {
        // SAFETY: as our own contract, and 32 to 64 bytes.
        unsafe { two_pairs(from, to, len) }
    } else if len < STRING {
        // SAFETY: as our own contract, and long enough.
        unsafe { blocks::<false>(from, to, len) }
    } else {
        // SAFETY: as our own contract.
        unsafe { string(from, to, len) }
    }
}

/// Copies fewer bytes than a word.
///
/// # Safety
///
/// As [`from_shared`], and `len` is less than a word.
#[inline(always)]
unsafe fn part_of_word(from: *const u8, to: *mut u8, len: usize) {
    if len > 0 {
        // SAFETY: `from` is readable for `len` rounded up to whole words.
        let word = unsafe { load_word(from, 0) }.to_ne_bytes();
        // SAFETY: `word` is our own, and longer than `len`; `to` is writable for `len`.
        unsafe { short(word.as_ptr(), to, len) }
    }
}

/// Copies 8 to 16 bytes: the first 8 and the last 8, which may overlap.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, 8 to 16, and they do not overlap.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn two_words(from: *const u8, to: *mut u8, len: usize) {
    debug_assert!((WORD..=2 * WORD).contains(&len));
    // SAFETY: every access is within the first or the last 8 bytes.
    unsafe {
        core::arch::asm!(
            "mov {a}, [{from}]",
            "mov {b}, [{from} + {len} - 8]",
            "mov [{to}], {a}",
            "mov [{to} + {len} - 8], {b}",
            from = in(reg) from, to = in(reg) to, len = in(reg) len,
            a = out(reg) _, b = out(reg) _,
            options(nostack, preserves_flags)
        );
    }
}

/// Copies 16 to 32 bytes: the first 16 and the last 16, which may overlap.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, 16 to 32, and they do not overlap.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn one_pair(from: *const u8, to: *mut u8, len: usize) {
    debug_assert!((2 * WORD..=WIDE).contains(&len));
    // SAFETY: every access is within the first or the last 16 bytes.
    unsafe {
        core::arch::asm!(
            "movups {a}, [{from}]",
            "movups {b}, [{from} + {len} - 16]",
            "movups [{to}], {a}",
            "movups [{to} + {len} - 16], {b}",
            from = in(reg) from, to = in(reg) to, len = in(reg) len,
            a = out(xmm_reg) _, b = out(xmm_reg) _,
            options(nostack, preserves_flags)
        );
    }
}

/// By words, the last one in part.
///
/// # Safety
///
/// As [`from_shared`].
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
unsafe fn words(from: *const u8, to: *mut u8, len: usize) {
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
#[inline(always)]
unsafe fn load_word(base: *const u8, at: usize) -> u64 {
    // SAFETY: inside the allocation, as the contract says.
    let word = unsafe { base.add(at) }.cast::<u64>().cast_mut();
    // SAFETY: aligned and readable; only loads go through it, relaxed ones, which read-only pages allow.
    unsafe { AtomicU64::from_ptr(word) }.load(Ordering::Relaxed)
}

/// Copies 32 to 64 bytes: the first 32 and the last 32, which overlap. The last are stored first: a reader that spins on the
/// header takes its line away at the first store there, so that store is best followed at once by the header's.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, 32 to 64, and they do not overlap.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn two_pairs(from: *const u8, to: *mut u8, len: usize) {
    debug_assert!((32..=64).contains(&len));
    // SAFETY: every access is within the first or the last 32 bytes.
    unsafe {
        core::arch::asm!(
            "movups {a}, [{from}]",
            "movups {b}, [{from} + 16]",
            "movups {c}, [{from} + {len} - 32]",
            "movups {d}, [{from} + {len} - 16]",
            "movups [{to} + {len} - 16], {d}",
            "movups [{to} + {len} - 32], {c}",
            "movups [{to} + 16], {b}",
            "movups [{to}], {a}",
            from = in(reg) from, to = in(reg) to, len = in(reg) len,
            a = out(xmm_reg) _, b = out(xmm_reg) _, c = out(xmm_reg) _, d = out(xmm_reg) _,
            options(nostack, preserves_flags)
        );
    }
}

/// Copies at least 64 bytes, 64 at a time; the last block overlaps the one before it. `PREFETCH` asks for the lines ahead
/// of `to` for writing, so that they come while others are filled.
///
/// # Safety
///
/// `from` is readable and `to` writable for `len >= 64` bytes, and they do not overlap.
#[cfg(target_arch = "x86_64")]
unsafe fn blocks<const PREFETCH: bool>(from: *const u8, to: *mut u8, len: usize) {
    debug_assert!(len >= 64);
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

/// # Safety
///
/// `from` is readable and `to` writable for `len` bytes, and they do not overlap.
#[cfg(target_arch = "x86_64")]
unsafe fn string(from: *const u8, to: *mut u8, len: usize) {
    // SAFETY: as our own contract. The direction flag is clear, as the ABI demands on entry to any assembly.
    unsafe {
        core::arch::asm!(
            "rep movsb",
            inout("rcx") len => _, inout("rsi") from => _, inout("rdi") to => _,
            options(nostack, preserves_flags)
        );
    }
}

/// Without assembly: by words, which serve both directions.
#[cfg(not(target_arch = "x86_64"))]
mod portable {
    /// # Safety
    ///
    /// As [`super::from_shared`].
    pub(super) unsafe fn two_words(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: as our own contract.
        unsafe { super::words(from, to, len) }
    }

    /// # Safety
    ///
    /// As [`super::from_shared`].
    pub(super) unsafe fn one_pair(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: as our own contract.
        unsafe { super::words(from, to, len) }
    }

    /// # Safety
    ///
    /// As [`super::from_shared`].
    pub(super) unsafe fn two_pairs(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: as our own contract.
        unsafe { super::words(from, to, len) }
    }

    /// # Safety
    ///
    /// As [`super::to_shared`] or [`super::from_shared`], as `TO_SHARED` says.
    pub(super) unsafe fn blocks<const TO_SHARED: bool>(from: *const u8, to: *mut u8, len: usize) {
        if TO_SHARED {
            // SAFETY: as our own contract.
            unsafe { core::ptr::copy_nonoverlapping(from, to, len) }
        } else {
            // SAFETY: as our own contract.
            unsafe { super::words(from, to, len) }
        }
    }

    /// # Safety
    ///
    /// As [`super::from_shared`].
    pub(super) unsafe fn string(from: *const u8, to: *mut u8, len: usize) {
        // SAFETY: as our own contract: both are aligned enough for words.
        unsafe { super::words(from, to, len) }
    }
}
#[cfg(not(target_arch = "x86_64"))]
use portable::{blocks, one_pair, string, two_pairs, two_words};

/// Asks for the cache line at `address` in a state that can be read.
#[inline(always)]
pub(super) fn prefetch_read(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch has no effect that a program can observe, whatever the address.
    unsafe {
        core::arch::asm!("prefetcht0 [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) address, options(nostack, preserves_flags, readonly));
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = address;
}

/// Asks for the cache line at `address` in a state that can be written.
#[inline(always)]
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
