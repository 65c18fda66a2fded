//! Two sides as threads of one process, for what cannot cross processes.

use std::thread;

use crate::cores;
use crate::failure::Failure;

/// Runs `second` on a thread of its own, pinned to `core` if there is one, and `leader` here.
///
/// # Errors
///
/// The leader's, or else the second's.
pub fn beside<T>(
    core: Option<usize>,
    second: impl FnOnce() -> Result<(), Failure> + Send,
    leader: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    thread::scope(|scope| {
        let second = scope.spawn(move || {
            if let Some(core) = core {
                cores::pin(core)?;
            }
            second()
        });
        let led = leader();
        let followed = second.join().unwrap_or_else(|_| Err(Failure::new("the second thread panicked")));
        let result = led?;
        followed.map(|()| result)
    })
}
