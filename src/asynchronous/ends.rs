//! From a connection to two ends for tasks.

use std::sync::Arc;

use super::bell::Bell;
use super::error::StartError;
use super::receiver::Receiver;
use super::sender::Sender;
use crate::connection::Connection;

/// The two ends of a connection, for tasks of the runtime that this is called on. The peer need not know: it may be a
/// process without a runtime.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// use twinring::asynchronous;
///
/// let (here, there) = twinring::pair()?;
/// let (mut sender, _) = asynchronous::split(here)?;
/// let (_, mut receiver) = asynchronous::split(there)?;
/// sender.send(b"three coins").await?;
/// assert_eq!(receiver.recv().await?.to_vec(), b"three coins");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// See [`StartError`].
///
/// # Panics
///
/// If the runtime was built without its reactor (`enable_io`).
pub fn split(connection: Connection) -> Result<(Sender, Receiver), StartError> {
    let (sender, receiver) = connection.split();
    let bell = Bell::new(sender.shared())?;
    Ok((Sender::new(sender, Arc::clone(&bell)), Receiver::new(receiver, bell)))
}
