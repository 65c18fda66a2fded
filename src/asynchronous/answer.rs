//! Running a handler's future as a task, whatever becomes of it.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::session::{Failure, Responder, text_of};

/// Sends what comes of `answering`.
pub(super) async fn answer(answering: impl Future<Output = Result<Vec<u8>, Failure>>, responder: Responder) {
    match caught(answering).await {
        Ok(Ok(reply)) => responder.reply(&reply),
        Ok(Err(failure)) => responder.fail(&failure),
        Err(panic) => {
            responder.fail(&Failure::new(format_args!("it panicked: {}", text_of(panic.as_ref()))));
        }
    }
}

/// What comes of a future of the user's, or its panic.
pub(super) async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    Caught(pin!(future)).await
}

struct Caught<'a, F>(Pin<&'a mut F>);

impl<F: Future> Future for Caught<'_, F> {
    type Output = Result<F::Output, Box<dyn Any + Send>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // A future that was left by a panic is dropped; what state it left behind is its own affair.
        match catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(context))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    }
}
