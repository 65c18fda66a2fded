//! The fuzz targets on a stable compiler: every file of their corpora, and thousands of pseudo-random inputs.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
mod bodies;

use bodies::{Body, TARGETS};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Runs a body; says which input it was that broke a promise.
fn run(name: &str, body: Body, origin: &dyn std::fmt::Display, input: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| body(input)));
    assert!(outcome.is_ok(), "target {name} fails for {origin}: {input:?}");
}

/// SplitMix64: the same inputs every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.next() as u8).collect()
    }

    /// A corpus file with a few bytes changed, or its start, or its end repeated.
    fn mutant(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        if input.is_empty() {
            return input;
        }
        for _ in 0..self.below(4) {
            let at = self.below(input.len());
            input[at] = self.next() as u8;
        }
        match self.below(3) {
            0 => input.truncate(self.below(input.len())),
            1 => input.extend_from_within(self.below(input.len())..),
            _ => {}
        }
        input
    }
}

#[test]
fn every_target_has_a_body_and_a_corpus() {
    let bodies: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stems = |directory| {
        let files = files(&fuzz().join(directory));
        files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(stems("fuzz_targets"), bodies);
    assert_eq!(stems("corpus"), bodies);
}

#[test]
fn the_corpora_pass() {
    for (name, body) in TARGETS {
        let files = files(&fuzz().join("corpus").join(name));
        assert!(files.len() >= 10, "target {name} has only {} files", files.len());
        for file in files {
            run(name, *body, &file.display(), &fs::read(&file).unwrap());
        }
    }
}

#[test]
fn mutants_of_the_corpora_pass() {
    for (name, body) in TARGETS {
        let corpus: Vec<_> =
            files(&fuzz().join("corpus").join(name)).iter().map(|file| fs::read(file).unwrap()).collect();
        let mut random = Random(1);
        for number in 0..10_000 {
            run(name, *body, &format_args!("mutant {number}"), &random.mutant(&corpus));
        }
    }
}

#[test]
fn pseudo_random_inputs_pass() {
    for (name, body) in TARGETS {
        let mut random = Random(2);
        for number in 0..10_000 {
            let length = random.below(600);
            run(name, *body, &format_args!("input {number}"), &random.bytes(length));
        }
    }
}
