//! What a listener grants one client, other than all.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// The conditions on which one client is accepted; see [`Decision::AcceptWith`](crate::Decision::AcceptWith).
///
/// ```
/// use twinring::{Decision, Options, Terms};
///
/// let options = Options::new().authorise(|peer| match peer.uid {
///     Some(0) => Decision::Accept,
///     _ => Decision::AcceptWith(Terms::new().ring_capacity(4096).largest_peer_ring(1 << 16)),
/// });
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    pub(super) ring: Option<u64>,
    pub(super) largest_ring: Option<u64>,
    pub(super) attached: Option<Attached>,
}

/// A value of the listener's that goes with a client: dropped when its handshake fails or its connection ends.
#[derive(Clone)]
pub(crate) struct Attached(Arc<dyn Any + Send + Sync>);

impl Terms {
    /// As the listener's options say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// In place of [`Options::ring_capacity`](crate::Options::ring_capacity).
    #[must_use]
    pub fn ring_capacity(mut self, bytes: usize) -> Self {
        self.ring = Some(bytes as u64);
        self
    }

    /// In place of [`Options::largest_peer_ring`](crate::Options::largest_peer_ring).
    #[must_use]
    pub fn largest_peer_ring(mut self, bytes: usize) -> Self {
        self.largest_ring = Some(bytes as u64);
        self
    }

    pub(crate) fn attach(mut self, value: Arc<dyn Any + Send + Sync>) -> Self {
        self.attached = Some(Attached(value));
        self
    }
}

impl Attached {
    /// The value, if it is of this type.
    pub(crate) fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.0).downcast().ok()
    }
}

impl PartialEq for Attached {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Attached {}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attached").finish_non_exhaustive()
    }
}
