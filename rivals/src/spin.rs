//! Spinning.

use twinring_cli::failure::Failure;

/// Tries until it works, with the pause of our own loop.
///
/// Nothing here looks whether the other process still lives: the command ends one when the other has gone.
#[inline]
pub fn until<T>(mut attempt: impl FnMut() -> Result<Option<T>, Failure>) -> Result<T, Failure> {
    loop {
        if let Some(done) = attempt()? {
            return Ok(done);
        }
        std::hint::spin_loop();
    }
}
