//! What a process holds, to see that nothing is left over.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

use std::fs;

/// Things that a process holds and that a connection could forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Mappings of halves.
    pub mappings: usize,
}

impl Held {
    /// By this process, now.
    pub fn now() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").expect("the mappings of this process");
        let mappings = maps.lines().filter(|line| line.contains("memfd:twinring")).count();
        Self { descriptors: entries("/proc/self/fd"), threads: entries("/proc/self/task"), mappings }
    }

    /// Without the threads, of which a test harness starts and ends some beside the test that counts.
    pub fn lasting() -> Self {
        Self { threads: 0, ..Self::now() }
    }

    /// Whether nothing is held beyond that.
    pub fn is_within(self, before: Self) -> bool {
        self.descriptors <= before.descriptors && self.threads <= before.threads && self.mappings <= before.mappings
    }
}

fn entries(directory: &str) -> usize {
    fs::read_dir(directory).expect("a directory of this process").count()
}
