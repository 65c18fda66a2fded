//! Buffers that were used before: messages cost no allocation in the long run.

use std::sync::{Arc, Mutex, PoisonError};

/// Buffers to be used again; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

/// How many are kept, and how large they may be.
const KEPT: usize = 64;
const LARGEST_KEPT: usize = 1 << 20;

impl Buffers {
    /// A buffer with anything in it.
    pub(super) fn take(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    /// An empty buffer.
    pub(super) fn empty(&self) -> Vec<u8> {
        let mut buffer = self.take();
        buffer.clear();
        buffer
    }

    /// Keeps a buffer for later.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        if (1..=LARGEST_KEPT).contains(&buffer.capacity()) {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < KEPT {
                kept.push(buffer);
            }
        }
    }
}
