//! What the leader hands to the second process so that it can open the other side of a mechanism.

use std::os::fd::OwnedFd;

use crate::failure::Failure;

/// The most descriptors.
pub const MOST: usize = 6;

/// Descriptors, and ids of what has none.
#[derive(Debug, Default)]
pub struct Passed {
    /// In an order that both sides know.
    pub descriptors: Vec<OwnedFd>,
    /// The same.
    pub ids: [i32; 2],
}

impl Passed {
    /// Only these descriptors.
    pub fn these<const N: usize>(descriptors: [OwnedFd; N]) -> Self {
        Self { descriptors: descriptors.into(), ..Self::default() }
    }

    /// The descriptors, if they are as many as expected.
    ///
    /// # Errors
    ///
    /// If they are not.
    pub fn descriptors<const N: usize>(self) -> Result<[OwnedFd; N], Failure> {
        let wrong = |came: Vec<OwnedFd>| Failure::new(format!("expected {N} descriptors, {} came", came.len()));
        self.descriptors.try_into().map_err(wrong)
    }
}
