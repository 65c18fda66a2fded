//! Work on several threads.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Does `work` with each of these, on `jobs` threads.
///
/// # Errors
///
/// The first error of each thread ends that thread; one of them is returned.
pub fn in_parallel<T: Sync>(all: &[T], jobs: usize, work: impl Fn(&T) -> io::Result<()> + Sync) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let one = || all.get(next.fetch_add(1, Ordering::Relaxed));
    let many = || std::iter::from_fn(one).try_for_each(&work);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(many)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))))
    })
}
