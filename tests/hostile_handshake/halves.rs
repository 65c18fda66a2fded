//! Descriptors that are no half, or not the announced one.

use std::fs::File;
use std::os::fd::OwnedFd;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use twinring::region::Half;

use crate::raw::{self, HEADER, SEALS, SHAPE};

/// A half that must be refused, and a part of the reason.
pub struct Bad {
    pub announced: Half,
    pub files: Vec<OwnedFd>,
    pub reason: &'static str,
}

/// All of them.
pub fn bad() -> Vec<Bad> {
    let mut all = wrong_files();
    all.extend(wrong_seals());
    all.extend(wrong_numbers());
    all.extend(wrong_headers());
    all.push(sparse());
    all
}

fn wrong_files() -> Vec<Bad> {
    let (pipe, _writer) = nix::unistd::pipe().expect("a pipe");
    let regular = tempfile::tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    regular.set_len(SHAPE.bytes).expect("its size");
    let null = File::open("/dev/null").expect("the null device");
    let with = |files: Vec<OwnedFd>, reason| Bad { announced: SHAPE, files, reason };
    let many = |count| (0..count).map(|_| raw::honest_half()).collect();
    vec![
        with(vec![], "expected one descriptor with"),
        with(vec![pipe], "expected a sealed memory file"),
        with(vec![regular.into()], "expected a sealed memory file"),
        with(vec![null.into()], "expected a sealed memory file"),
        with(many(2), "came 2"),
        with(many(64), "and one descriptor, came more"),
    ]
}

/// Each of the seals missing in turn, and all.
fn wrong_seals() -> Vec<Bad> {
    let missing = [SealFlags::SHRINK, SealFlags::GROW, SealFlags::FUTURE_WRITE, SealFlags::SEAL, SEALS];
    let without = |seals| raw::half(SHAPE.bytes, HEADER, SEALS.difference(seals));
    let bad = |seals| Bad { announced: SHAPE, files: vec![without(seals)], reason: "seals lack" };
    missing.map(bad).into()
}

/// Sizes that are not the file's, or that no half has.
fn wrong_numbers() -> Vec<Bad> {
    let announced = |bytes, ring, reason| {
        let files = vec![raw::honest_half()];
        Bad { announced: Half { bytes, ring }, files, reason }
    };
    let sized = |bytes| {
        let files = vec![raw::half(bytes, HEADER, SEALS)];
        Bad { announced: SHAPE, files, reason: "announced with 69632 bytes" }
    };
    vec![
        sized(4096),
        sized(SHAPE.bytes - 1),
        sized(SHAPE.bytes + 1),
        sized(1 << 40),
        announced(u64::MAX, SHAPE.ring, "the size of a half"),
        announced(0, SHAPE.ring, "the size of a half"),
        announced(SHAPE.bytes - 1, SHAPE.ring, "the size of a half"),
        announced(SHAPE.bytes, u64::MAX, "the size of a ring"),
        announced(u64::MAX, 1 << 63, "the size of a ring"),
        announced(1 << 29, 1 << 29, "the size of a ring"),
        announced(SHAPE.bytes, 0, "the size of a ring"),
        announced(SHAPE.bytes, SHAPE.ring - 8, "the size of a ring"),
        announced(SHAPE.bytes, SHAPE.ring / 2, "the size of a ring"),
        // Allowed as such, and more than this side takes.
        announced(4096 + (1 << 21), 1 << 21, "the size of a ring"),
    ]
}

/// A half whose pages are left for us to pay for.
fn sparse() -> Bad {
    let file = memfd_create("twinring-test", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).expect("a memory file");
    ftruncate(&file, SHAPE.bytes).expect("its size");
    let words: Vec<u8> = HEADER.iter().flat_map(|word| word.to_le_bytes()).collect();
    assert_eq!(rustix::io::pwrite(&file, &words, 0), Ok(words.len()));
    fcntl_add_seals(&file, SEALS).expect("its seals");
    Bad { announced: SHAPE, files: vec![file], reason: "65536 bytes of it are not" }
}

/// Each word of the header wrong in turn.
fn wrong_headers() -> Vec<Bad> {
    const NAMES: [&str; 8] = [
        "the magic of a half",
        "the byte order and version of a half",
        "the size of a half",
        "the offset of a ring",
        "the size of a ring",
        "the laziness of a ring",
        "a reserved word of a half",
        "a reserved word of a half",
    ];
    let wrong = |word: usize| {
        let mut header = HEADER;
        header[word] ^= 1 << (word * 7);
        let files = vec![raw::half(SHAPE.bytes, header, SEALS)];
        Bad { announced: SHAPE, files, reason: NAMES[word] }
    };
    (0..HEADER.len()).map(wrong).collect()
}
