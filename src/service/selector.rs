//! What is called: a service and an id, as one number.

use std::fmt;

/// What a client calls: one of the services behind an endpoint, and one of its procedures.
///
/// A session's selector has 32 bits: the service stands in the upper 16, the id in the lower 16. So a plain
/// [`Session`](crate::Session) is all that a client needs, and numbers below 65,536 are ids of service 0.
///
/// ```
/// use twinring::Selector;
///
/// const LOOK_UP: Selector = Selector::new(2, 7);
/// assert_eq!(LOOK_UP.packed(), 0x0002_0007);
/// assert_eq!(Selector::from(0x0002_0007), LOOK_UP);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// Which service.
    pub service: u16,
    /// Which of its procedures or events.
    pub id: u16,
}

/// The service by which every service answers for itself.
const RESERVED: u16 = u16::MAX;

impl Selector {
    /// What every service is, to be asked by anybody whom it accepts; see [`About`](crate::About).
    pub const ABOUT: Self = Self::new(RESERVED, 0);

    /// Procedure `id` of service `service`.
    #[must_use]
    pub const fn new(service: u16, id: u16) -> Self {
        Self { service, id }
    }

    /// As a session takes it.
    #[must_use]
    pub const fn packed(self) -> u32 {
        (self.service as u32) << 16 | self.id as u32
    }

    /// Whether it is not for users to handle.
    pub(super) fn is_reserved(self) -> bool {
        self.service == RESERVED
    }
}

impl From<u32> for Selector {
    fn from(packed: u32) -> Self {
        Self { service: (packed >> 16) as u16, id: packed as u16 }
    }
}

impl From<Selector> for u32 {
    fn from(selector: Selector) -> Self {
        selector.packed()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.id)
    }
}
