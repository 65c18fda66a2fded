//! Buffers that were used before: messages cost no allocation in the long run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Buffers to be used again; clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    buffers: Vec<Vec<u8>>,
    bytes: usize,
}

/// How many are kept, and how many bytes together.
const KEPT: usize = 64;
const KEPT_BYTES: usize = 64 << 20;

impl Buffers {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty buffer, perhaps with room.
    pub(super) fn take(&self) -> Vec<u8> {
        let mut kept = self.lock();
        let mut buffer = kept.buffers.pop().unwrap_or_default();
        kept.bytes -= buffer.capacity();
        buffer.clear();
        buffer
    }

    /// Keeps a buffer for later.
    pub(super) fn give_back(&self, buffer: Vec<u8>) {
        let mut kept = self.lock();
        let bytes = kept.bytes + buffer.capacity();
        if buffer.capacity() > 0 && kept.buffers.len() < KEPT && bytes <= KEPT_BYTES {
            kept.bytes = bytes;
            kept.buffers.push(buffer);
        }
    }
}
