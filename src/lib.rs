//! twinring

#![cfg_attr(not(feature = "internals"), allow(dead_code, unused_imports))]

mod os;

#[cfg(not(feature = "internals"))]
mod memory;
#[cfg(feature = "internals")]
pub mod memory;

#[cfg(not(feature = "internals"))]
mod ring;
#[cfg(feature = "internals")]
pub mod ring;

#[cfg(not(feature = "internals"))]
mod wait;
#[cfg(feature = "internals")]
pub mod wait;

#[cfg(not(feature = "internals"))]
mod channel;
#[cfg(feature = "internals")]
pub mod channel;

pub use channel::End;
pub use os::clock::Deadline;
pub use ring::Corrupt;
pub use wait::WaitStrategy;
