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
    /// A sleeper that was roused before its message was written is not rung for it.
    RousedUnrung,
    /// A sender that waits for room in `poll(2)` is not poked.
    PokeDropped,
    /// The ringer wakes only one of those who sleep.
    WakesOne,
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

    /// The store that gives the lead up is relaxed.
    LeadStoreRelaxed,
    /// The exchange that takes the lead is relaxed.
    LeadTakenRelaxed,
    /// The lead is taken by a load and a store.
    LeadTakenBlind,
    /// A leader that leaves does not fence before it looks for followers.
    LeaveFenceDropped,
    /// A leader that leaves does not look for followers.
    HandOnDropped,
    /// A follower is chosen, but not woken.
    HandOnUnrung,
    /// A follower is chosen by a store, whatever became of it meanwhile.
    HandOnBlind,
    /// A follower does not count itself.
    FollowerUncounted,
    /// The followers are counted by a load and a store.
    FollowersBlind,
    /// A follower says that it sleeps only when it does, after it tried to lead.
    AsleepTooLate,
    /// A follower says by a store that it sleeps, whatever became of its call meanwhile.
    AsleepBlind,
    /// A follower does not fence between what it says and its try to lead.
    FollowFenceDropped,
    /// A follower does not try to lead once it has said that it sleeps.
    SecondTryDropped,
    /// A follower that was woken says so by a store, whatever became of its call meanwhile.
    WokenBlind,
    /// A follower that was chosen gives up without a try to lead.
    ChosenGivesUp,
    /// A reply is late if its caller falls asleep or wakes up while the leader looks at it.
    AnswerNotRepeated,
    /// A reply is delivered whether or not its call is in flight.
    AnswerBlind,
    /// The store that says that the reply is there is relaxed.
    AnsweredStoreRelaxed,
    /// The load that finds the reply is relaxed.
    AnsweredLoadRelaxed,
    /// A sleeping caller is answered, but not woken.
    AnswerUnrung,
    /// A caller that gives up does not wait for a leader that is putting its reply down.
    ExitTooEarly,
    /// The exchange that frees the slot of an answered call is relaxed.
    ExitRelaxed,
    /// A slot's next call has the generation of the last.
    GenerationKept,

    /// An entry is changed without a fence after it was withdrawn.
    WithdrawFenceDropped,
    /// The store that says that an entry is a connection's is relaxed.
    PublishRelaxed,
    /// The load that finds an entry is relaxed.
    EntryLoadRelaxed,
    /// Who reads an entry does not fence before it looks again whose it is.
    EntryFenceDropped,

    /// A listener does not fence between forgetting earlier calls and its look.
    QuietFenceDropped,
    /// Who calls for attention does not fence first.
    CallFenceDropped,
    /// Who calls for attention wakes, but leaves no word.
    CallUnsaid,
    /// Who calls for attention leaves word, but does not wake.
    CallUnrung,
    /// Nobody calls for attention.
    CallForgotten,
}
