//! What a sleeper says about itself.

/// The word that a sleeper writes and the other side's ringer reads after each commit.
///
/// | bits | meaning |
/// |---|---|
/// | 0 to 31 | the number of the sleep: odd while asleep or about to be, even while awake |
/// | 32 | LIGHT: the sleeper makes the heavy fence, so the ringer needs only the light one |
/// | 33 | POLLING: wake by a byte on the control socket, not by the futex |
/// | 34 | GONE: nobody will ever look again |
/// | 35 to 63 | reserved, 0; ignored by who reads them |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Announced(u64);

impl Announced {
    /// See the table.
    pub const LIGHT: u64 = 1 << 32;
    /// See the table.
    pub const POLLING: u64 = 1 << 33;
    /// See the table.
    pub const GONE: u64 = 1 << 34;

    /// The word for sleep number `number` and these bits.
    #[must_use]
    #[inline]
    pub fn new(number: u32, bits: u64) -> Self {
        Self(bits | u64::from(number))
    }

    /// Reads the word as it stands in memory. Every value is allowed: a lying sleeper harms only its own sleep.
    #[must_use]
    #[inline]
    pub fn from_word(word: u64) -> Self {
        Self(word)
    }

    /// The word as it stands in memory.
    #[must_use]
    #[inline]
    pub fn word(self) -> u64 {
        self.0
    }

    /// The number of the sleep.
    #[must_use]
    #[inline]
    pub fn number(self) -> u32 {
        self.0 as u32
    }

    /// Whether somebody sleeps, or is about to.
    #[must_use]
    #[inline]
    pub fn asleep(self) -> bool {
        self.0 & 1 == 1
    }

    /// Whether all of these bits are set.
    #[must_use]
    #[inline]
    pub fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }
}
