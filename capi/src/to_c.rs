//! What exported functions hand out through pointers of the caller.

use std::mem::MaybeUninit;

use crate::failure::Failure;
use crate::from_c::{Room, given};

/// Where a result goes: null, or a place that need hold nothing yet.
pub type Out<'a, T> = Option<&'a mut MaybeUninit<T>>;

/// Where a new handle goes.
pub type OutHandle<'a, T> = Out<'a, Option<Box<T>>>;

/// Makes a handle and hands it out; null stands there if that fails.
pub fn hand_out<T>(
    out: OutHandle<'_, T>,
    what: &str,
    make: impl FnOnce() -> Result<T, Failure>,
) -> Result<(), Failure> {
    let place = given(out, what)?.write(None);
    *place = Some(Box::new(make()?));
    Ok(())
}

/// Writes a text and its closing zero byte to a buffer.
pub fn write_text(text: &str, mut buffer: Room, capacity: usize) -> Result<(), Failure> {
    let needed = text.len() + 1;
    let Some(place) = buffer.bytes(capacity)?.get_mut(..needed) else {
        return Err(Failure::bad_argument(format!("a buffer of {capacity} bytes for {needed}")));
    };
    place[..text.len()].copy_from_slice(text.as_bytes());
    place[text.len()] = 0;
    Ok(())
}
