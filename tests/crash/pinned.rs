//! A processor for the tracer and its victim, which take turns, and another for a survivor that spins.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Two processors; where there is only one, all share it.
#[derive(Clone, Copy)]
pub struct Processors {
    all: CpuSet,
    first: usize,
    second: usize,
}

impl Processors {
    /// Those of this thread.
    pub fn of_this_thread() -> Self {
        let all = sched_getaffinity(None).expect("the processors of this thread");
        let mut allowed = (0..CpuSet::MAX_CPU).filter(|&processor| all.is_set(processor));
        let first = allowed.next().expect("a processor");
        Self { all, first, second: allowed.next().unwrap_or(first) }
    }

    /// Keeps this thread, and what it starts, on the first.
    pub fn first(&self) {
        keep_to(&only(self.first));
    }

    /// Keeps this thread, and what it starts, on the second.
    pub fn second(&self) {
        keep_to(&only(self.second));
    }

    /// Lets this thread, and what it starts, use all.
    pub fn any(&self) {
        keep_to(&self.all);
    }
}

fn only(processor: usize) -> CpuSet {
    let mut only = CpuSet::new();
    only.set(processor);
    only
}

fn keep_to(set: &CpuSet) {
    sched_setaffinity(None, set).expect("processors that were allowed");
}
