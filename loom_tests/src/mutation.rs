//! What a mutant does wrong: one thing each.

/// One thing done wrong, at the façade of memory, so that the code under test stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// Nothing: the code as it is.
    None,

    /// The store that commits a frame is relaxed.
    CommitRelaxed,
    /// The load that finds a frame is relaxed.
    LookRelaxed,
    /// The store of the head is relaxed.
    HeadStoreRelaxed,
    /// The load of the head is relaxed.
    HeadLoadRelaxed,
    /// Rule 1: one word too many is taken for free.
    ExtraWordUnclaimed,
    /// Rule 2: the word at the frame's end is not zeroed.
    ZeroDropped,
    /// Rule 3: the first word of the next line is remembered as zeroed, but is not.
    AheadDropped,
    /// Rule 3: the zero lands a line too early.
    AheadMisplaced,
    /// Rule 4: the SKIP is committed before the header behind it is written.
    SkipFirst,
    /// Rule 5: the head is not published when the ring is found empty.
    HeadOnEmptyLost,
    /// Rule 5: the head is not published when enough is withheld.
    HeadWhenDueLost,
    /// The head is published up to the last commit, read or not.
    HeadTooFar,
    /// The head is published before the payload is read.
    HeadTooEarly,
    /// The FIN is not written.
    FinDropped,

    /// The sleeper does not announce itself.
    AnnounceDropped,
    /// The sleeper does not take its announcement back.
    RetractDropped,
    /// The sleeper does not look again after it announced itself.
    SecondLookDropped,
    /// The sleeper's plain fence is missing.
    SleeperFenceDropped,
    /// The sleeper's heavy fence is missing.
    HeavyFenceDropped,
    /// The sleeper's heavy fence is one of its own side only, and says that it was more.
    HeavyFenceNarrow,
    /// The sleeper says LIGHT although it makes plain fences.
    LightKept,
    /// A heavy fence that was refused is said to have been made.
    RefusalHidden,
    /// After a refused heavy fence, nothing waits for what is in flight.
    SettleDropped,
    /// The ringer's light fence is missing.
    LightFenceDropped,
    /// The ringer's plain fence is missing.
    RingerFenceDropped,
    /// The ringer does not look again after its plain fence.
    SecondGlanceDropped,
    /// The ringer wakes without saying whom it answers.
    RungDropped,
    /// The store of the answer is relaxed.
    RungStoreRelaxed,
    /// The load of the answer is relaxed.
    RungLoadRelaxed,
    /// The ringer answers, but does not wake.
    WakeDropped,
    /// The receiver leaves without a word.
    GoneDropped,

    /// A death wakes nobody.
    DeathUnrung,
    /// The sleeper does not watch its private word.
    LinkUnwatched,
    /// The store that declares the death is relaxed.
    DeathStoreRelaxed,
    /// The load that sees the death is relaxed.
    DeathLoadRelaxed,
}
