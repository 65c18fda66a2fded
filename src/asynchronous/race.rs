//! Waiting for whichever of two things comes first.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Which one it was.
pub(super) enum First<A, B> {
    One(A),
    Other(B),
}

/// The outcome of whichever is ready first; of `one` if both are. The other is dropped.
pub(super) async fn first<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> First<A, B> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| {
        if let Poll::Ready(outcome) = one.as_mut().poll(context) {
            return Poll::Ready(First::One(outcome));
        }
        other.as_mut().poll(context).map(First::Other)
    })
    .await
}
