//! What would hold up other tasks: making, mapping and populating memory.

use std::io;

/// Does it on a thread of the runtime's that is there to be held up. An error only if the runtime ends meanwhile, or it panics.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)
}
