//! A pipe each way. A write is whole only up to `PIPE_BUF` bytes where several write; here one does.

use std::io::{PipeReader, PipeWriter, pipe};

use rustix::pipe::fcntl_setpipe_size;

use super::CAPACITY;
use super::bytes::Bytes;
use crate::failure::Failure;
use crate::measure::passed::Passed;

type Ends = Bytes<PipeReader, PipeWriter>;

/// Makes both.
///
/// # Errors
///
/// If the system gives none.
pub fn open() -> Result<(Ends, Passed), Failure> {
    let (from, theirs_into) = pipe()?;
    let (theirs_from, into) = pipe()?;
    for end in [&into, &theirs_into] {
        // Those without privileges may be refused; a pipe is 64 KiB then.
        let _ = fcntl_setpipe_size(end, CAPACITY);
    }
    Ok((Bytes { from, into }, Passed::these([theirs_from.into(), theirs_into.into()])))
}

/// Takes what the leader has made.
///
/// # Errors
///
/// If it has passed something else.
pub fn join(passed: Passed) -> Result<Ends, Failure> {
    let [from, into] = passed.descriptors()?;
    Ok(Bytes { from: from.into(), into: into.into() })
}
