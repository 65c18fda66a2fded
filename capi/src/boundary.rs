//! The way in from C: nothing unwinds out of it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::failure::{self, Failure};
use crate::status::Status;

/// Runs what an exported function does. A failure is kept for this thread, a panic is one.
#[inline(always)]
pub fn guarded(work: impl FnOnce() -> Result<(), Failure>) -> Status {
    // What a panic leaves behind is a handle that may only answer that it failed, or be closed: the library poisons itself.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => Status::Ok,
        Ok(Err(failure)) => failure::keep(failure),
        Err(panic) => failed_by(&*panic),
    }
}

/// The same for what has nothing to tell: closing and looking.
#[inline(always)]
pub fn guarded_or<T>(otherwise: T, work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        failed_by(&*panic);
        otherwise
    })
}

#[cold]
fn failed_by(panic: &(dyn Any + Send)) -> Status {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message");
    failure::keep(Failure::new(Status::Panicked, format!("a bug in the library: it panicked: {text}")))
}
