//! What tells a sender that waits for room in `poll(2)`.

use core::fmt;

/// Has the sender's descriptor become readable. A receiver makes room in many places, so it brings along what says so.
#[derive(Default)]
pub struct Poker(Option<Box<dyn Fn() + Send + Sync>>);

impl Poker {
    /// Calls `poke`, which must not block.
    pub fn new(poke: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(poke)))
    }

    pub(super) fn poke(&self) {
        if let Some(poke) = &self.0 {
            poke();
        }
    }
}

impl fmt::Debug for Poker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Poker")
    }
}
