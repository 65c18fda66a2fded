//! The mutants, each with the model that catches it and what that model must say.

use crate::mutation::Mutation;

/// A mutation that a model must catch.
#[derive(Clone, Copy, Debug)]
pub struct Caught {
    /// What is done wrong.
    pub mutation: Mutation,
    /// The model that fails.
    pub model: &'static str,
    /// What its first panic says.
    pub message: &'static str,
}

const fn caught(mutation: Mutation, model: &'static str, message: &'static str) -> Caught {
    Caught { mutation, model, message }
}

/// Loom's words for a side that sleeps for ever.
const DEADLOCK: &str = "deadlock; threads";
/// Loom's words for a word that is written while it is read.
const OVERWRITTEN: &str = "Causality violation: Concurrent read and write accesses";

/// Loom's words for two threads that write at once.
const OVERLAP: &str = "Causality violation: Concurrent write accesses";

/// Words of an entry that are not all of the connection that the reader believes in.
const TWO_CONNECTIONS: &str = "words of two connections";

/// All of them.
pub const MUTANTS: &[Caught] = &[
    caught(Mutation::CommitRelaxed, "ring_wrap", OVERWRITTEN),
    caught(Mutation::LookRelaxed, "ring_wrap", OVERWRITTEN),
    caught(Mutation::HeadStoreRelaxed, "ring_wrap", OVERWRITTEN),
    caught(Mutation::HeadLoadRelaxed, "ring_wrap", OVERWRITTEN),
    caught(Mutation::ExtraWordUnclaimed, "extra_word", DEADLOCK),
    caught(Mutation::ZeroDropped, "ring_zero_behind_one", "found what was never sent"),
    caught(Mutation::ZeroDropped, "ring_stale_payload", "is not what was sent"),
    caught(Mutation::AheadDropped, "ring_zero_ahead", "found what was never sent"),
    caught(Mutation::AheadMisplaced, "ring_zero_ahead", OVERWRITTEN),
    caught(Mutation::SkipFirst, "ring_skip", "is not what was sent"),
    caught(Mutation::HeadOnEmptyLost, "both_sleep_lazy", DEADLOCK),
    caught(Mutation::HeadWhenDueLost, "producer_sleeps_lazy", DEADLOCK),
    caught(Mutation::HeadTooEarly, "ring_heels", OVERWRITTEN),
    caught(Mutation::HeadTooFar, "producer_sleeps_twice", DEADLOCK),
    caught(Mutation::FinDropped, "fin_wakes", DEADLOCK),
    caught(Mutation::AnnounceDropped, "consumer_sleeps", DEADLOCK),
    caught(Mutation::AnnounceDropped, "producer_sleeps", DEADLOCK),
    caught(Mutation::RetractDropped, "doorbell_retracted", "woke who was awake"),
    caught(Mutation::SecondLookDropped, "consumer_sleeps", DEADLOCK),
    caught(Mutation::SecondLookDropped, "producer_sleeps", DEADLOCK),
    caught(Mutation::SleeperFenceDropped, "consumer_sleeps", DEADLOCK),
    caught(Mutation::SleeperFenceDropped, "producer_sleeps", DEADLOCK),
    caught(Mutation::SleeperFenceDropped, "doorbell_plain", DEADLOCK),
    caught(Mutation::RingerFenceDropped, "consumer_sleeps", DEADLOCK),
    caught(Mutation::RingerFenceDropped, "producer_sleeps", DEADLOCK),
    caught(Mutation::SecondGlanceDropped, "consumer_sleeps", DEADLOCK),
    caught(Mutation::SecondGlanceDropped, "producer_sleeps", DEADLOCK),
    caught(Mutation::HeavyFenceDropped, "doorbell_both_fence", DEADLOCK),
    caught(Mutation::HeavyFenceDropped, "doorbell_membarrier", DEADLOCK),
    caught(Mutation::HeavyFenceDropped, "adaptive", DEADLOCK),
    caught(Mutation::HeavyFenceNarrow, "doorbell_membarrier", DEADLOCK),
    caught(Mutation::HeavyFenceNarrow, "doorbell_light_to_plain", DEADLOCK),
    caught(Mutation::HeavyFenceNarrow, "doorbell_plain_to_light", DEADLOCK),
    caught(Mutation::HeavyFenceNarrow, "adaptive", DEADLOCK),
    caught(Mutation::LightKept, "doorbell_light_to_plain", DEADLOCK),
    caught(Mutation::LightFenceDropped, "doorbell_both_fence", DEADLOCK),
    caught(Mutation::RefusalHidden, "doorbell_refused", DEADLOCK),
    caught(Mutation::SettleDropped, "doorbell_refused", DEADLOCK),
    caught(Mutation::SettleDropped, "doorbell_armed", "armed, but not poked"),
    caught(Mutation::RungDropped, "consumer_sleeps", DEADLOCK),
    caught(Mutation::RungDropped, "producer_sleeps", DEADLOCK),
    caught(Mutation::RungStoreRelaxed, "doorbell_answer", "what was written before is not seen"),
    caught(Mutation::RungLoadRelaxed, "doorbell_answer", "what was written before is not seen"),
    caught(Mutation::AnnounceDropped, "rested_for_room", "rests, but is not called"),
    caught(Mutation::SecondLookDropped, "rested_for_room", "rests, but is not called"),
    caught(Mutation::SleeperFenceDropped, "rested_for_room", "rests, but is not called"),
    caught(Mutation::RingerFenceDropped, "rested_for_room", "rests, but is not called"),
    caught(Mutation::SecondGlanceDropped, "rested_for_room", "rests, but is not called"),
    caught(Mutation::SleeperFenceDropped, "armed", "armed, but not poked"),
    caught(Mutation::RingerFenceDropped, "armed", "armed, but not poked"),
    caught(Mutation::WakeDropped, "consumer_sleeps", DEADLOCK),
    caught(Mutation::WakeDropped, "producer_sleeps", DEADLOCK),
    caught(Mutation::WakeDropped, "batch", DEADLOCK),
    caught(Mutation::WakeDropped, "fin_wakes", DEADLOCK),
    caught(Mutation::WakeDropped, "leaving_wakes", DEADLOCK),
    caught(Mutation::RousedUnrung, "doorbell_roused", DEADLOCK),
    caught(Mutation::GoneDropped, "leaving_wakes", DEADLOCK),
    caught(Mutation::DeathUnrung, "death_wakes_receiver", DEADLOCK),
    caught(Mutation::DeathUnrung, "death_wakes_sender", DEADLOCK),
    caught(Mutation::LinkUnwatched, "death_wakes_receiver", DEADLOCK),
    caught(Mutation::LinkUnwatched, "death_wakes_sender", DEADLOCK),
    caught(Mutation::DeathStoreRelaxed, "death_after_commit", "instead of message 0: End(Disconnected)"),
    caught(Mutation::DeathLoadRelaxed, "death_after_commit", "instead of message 0: End(Disconnected)"),
    caught(Mutation::SleeperFenceDropped, "rest_alone", DEADLOCK),
    caught(Mutation::RingerFenceDropped, "rest_alone", DEADLOCK),
    caught(Mutation::RungDropped, "rest_alone", DEADLOCK),
    caught(Mutation::WakeDropped, "rest_alone", DEADLOCK),
    caught(Mutation::WakesOne, "rest_taken", DEADLOCK),
    caught(Mutation::RetractDropped, "rest_risen", "woke who was awake"),
    caught(Mutation::LinkUnwatched, "rest_closed", DEADLOCK),
    caught(Mutation::LinkUnwatched, "rest_glanced", DEADLOCK),
    caught(Mutation::QuietFenceDropped, "rest_closed", DEADLOCK),
    caught(Mutation::CallFenceDropped, "rest_closed", DEADLOCK),
    caught(Mutation::CallFenceDropped, "rest_died", DEADLOCK),
    caught(Mutation::CallUnsaid, "rest_closed", DEADLOCK),
    caught(Mutation::CallUnsaid, "rest_glanced", DEADLOCK),
    caught(Mutation::CallUnrung, "rest_closed", DEADLOCK),
    caught(Mutation::CallUnrung, "rest_glanced", DEADLOCK),
    caught(Mutation::CallForgotten, "rest_died", DEADLOCK),
    caught(Mutation::CallForgotten, "rest_glanced", DEADLOCK),
    caught(Mutation::CallForgotten, "rest_taken", DEADLOCK),
    caught(Mutation::WithdrawFenceDropped, "ledger_entry", TWO_CONNECTIONS),
    caught(Mutation::PublishRelaxed, "ledger_entry", TWO_CONNECTIONS),
    caught(Mutation::EntryLoadRelaxed, "ledger_entry", TWO_CONNECTIONS),
    caught(Mutation::EntryFenceDropped, "ledger_entry", TWO_CONNECTIONS),
    caught(Mutation::LeadStoreRelaxed, "lead_two", OVERLAP),
    caught(Mutation::LeadTakenRelaxed, "lead_two", OVERLAP),
    caught(Mutation::LeadTakenBlind, "lead_two", OVERLAP),
    caught(Mutation::LeaveFenceDropped, "lead_two", DEADLOCK),
    caught(Mutation::LeaveFenceDropped, "lead_left", DEADLOCK),
    caught(Mutation::HandOnDropped, "lead_two", DEADLOCK),
    caught(Mutation::HandOnUnrung, "lead_two", DEADLOCK),
    caught(Mutation::HandOnBlind, "lead_newcomer", DEADLOCK),
    caught(Mutation::FollowerUncounted, "lead_two", DEADLOCK),
    caught(Mutation::FollowersBlind, "lead_left", DEADLOCK),
    caught(Mutation::AsleepTooLate, "lead_two", DEADLOCK),
    caught(Mutation::AsleepBlind, "lead_two", DEADLOCK),
    caught(Mutation::FollowFenceDropped, "lead_two", DEADLOCK),
    caught(Mutation::SecondTryDropped, "lead_two", DEADLOCK),
    caught(Mutation::WokenBlind, "lead_two", DEADLOCK),
    caught(Mutation::ChosenGivesUp, "lead_gives_up", DEADLOCK),
    caught(Mutation::AnswerNotRepeated, "lead_interrupted", DEADLOCK),
    caught(Mutation::AnswerNotRepeated, "lead_newcomer", DEADLOCK),
    caught(Mutation::AnswerBlind, "lead_cancelled", OVERLAP),
    caught(Mutation::AnsweredStoreRelaxed, "lead_two", OVERWRITTEN),
    caught(Mutation::AnsweredLoadRelaxed, "lead_two", OVERWRITTEN),
    caught(Mutation::AnswerUnrung, "lead_two", DEADLOCK),
    caught(Mutation::ExitTooEarly, "lead_cancelled", OVERLAP),
    caught(Mutation::ExitRelaxed, "lead_cancelled", OVERLAP),
    caught(Mutation::GenerationKept, "lead_late", "the reply is not this call's"),
];
