//! Until when a task waits.

use std::future::Future;

use crate::os::clock::Deadline;

/// What comes of `what`; `None` if nothing has by the deadline. A clock is asked only if there is one.
pub(super) async fn within<T>(deadline: Deadline, what: impl Future<Output = T>) -> Option<T> {
    match deadline.remaining() {
        None => Some(what.await),
        Some(left) => tokio::time::timeout(left, what).await.ok(),
    }
}
