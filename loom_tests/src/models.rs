//! The models: small programs on the code under test, of which loom runs every interleaving.
//!
//! Each takes the mutation to run with; with [`Mutation::None`] it must hold.

mod channel;
mod doorbell;
mod lead;
mod ledger;
mod rest;
mod ring;

use crate::mutation::Mutation;

/// A model, by name.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One interleaving of it.
    pub run: fn(Mutation),
    /// Whether it takes too long for every day.
    pub deep: bool,
}

const fn model(name: &'static str, run: fn(Mutation)) -> Model {
    Model { name, run, deep: false }
}

const fn deep(name: &'static str, run: fn(Mutation)) -> Model {
    Model { name, run, deep: true }
}

/// All of them.
pub const MODELS: &[Model] = &[
    model("ring_wrap", ring::wrap),
    model("ring_heels", ring::heels),
    model("ring_skip", ring::skip),
    model("ring_stale_payload", ring::stale_payload),
    model("ring_zero_behind_one", ring::zero_behind_one),
    model("ring_zero_ahead", ring::zero_ahead),
    model("ring_lengths", ring::lengths),
    model("ring_largest", ring::largest),
    model("ring_lazy", ring::lazy),
    model("ring_abandoned", ring::abandoned),
    model("doorbell_armed", doorbell::armed),
    model("doorbell_answer", doorbell::answer),
    model("doorbell_plain", doorbell::plain),
    model("doorbell_both_fence", doorbell::both_fence),
    model("doorbell_membarrier", doorbell::membarrier),
    model("doorbell_light_to_plain", doorbell::light_to_plain),
    model("doorbell_plain_to_light", doorbell::plain_to_light),
    model("doorbell_refused", doorbell::refused),
    model("doorbell_interrupted", doorbell::interrupted),
    model("doorbell_refused_interrupted", doorbell::refused_interrupted),
    model("doorbell_retracted", doorbell::retracted),
    model("doorbell_roused", doorbell::roused),
    model("doorbell_roused_membarrier", doorbell::roused_membarrier),
    model("consumer_sleeps", channel::consumer_sleeps),
    model("producer_sleeps", channel::producer_sleeps),
    model("producer_sleeps_twice", channel::producer_sleeps_twice),
    model("both_sleep", channel::both_sleep),
    model("both_sleep_skip", channel::both_sleep_skip),
    model("both_sleep_lazy", channel::both_sleep_lazy),
    model("largest_sleeps", channel::largest_sleeps),
    model("producer_sleeps_lazy", channel::producer_sleeps_lazy),
    model("extra_word", channel::extra_word),
    model("batch", channel::batch),
    model("rested_for_room", channel::rested_for_room),
    model("armed_for_room", channel::armed_for_room),
    model("armed_for_room_expected", channel::armed_for_room_expected),
    model("armed_for_room_refused", channel::armed_for_room_refused),
    model("armed_for_departure", channel::armed_for_departure),
    model("armed", channel::armed),
    model("adaptive", channel::adaptive),
    model("adaptive_both_sleep", channel::adaptive_both_sleep),
    model("fin_wakes", channel::fin_wakes),
    model("leaving_wakes", channel::leaving_wakes),
    model("death_wakes_receiver", channel::death_wakes_receiver),
    model("death_wakes_sender", channel::death_wakes_sender),
    model("death_after_commit", channel::death_after_commit),
    model("rest_alone", rest::alone),
    model("rest_glanced", rest::glanced),
    model("rest_taken", rest::taken),
    model("rest_risen", rest::risen),
    model("rest_closed", rest::closed),
    model("rest_died", rest::died),
    model("ledger_entry", ledger::entry),
    model("lead_two", lead::two),
    model("lead_interrupted", lead::interrupted),
    model("lead_posted", lead::posted),
    model("lead_left", lead::left),
    model("lead_newcomer", lead::newcomer),
    model("lead_answers_and_leaves", lead::answers_and_leaves),
    model("lead_gives_up", lead::gives_up),
    model("lead_cancelled", lead::cancelled),
    model("lead_late", lead::late),
    deep("rest_taken_longer", rest::taken_longer),
    deep("both_sleep_longer", channel::both_sleep_longer),
    deep("both_sleep_skip_longer", channel::both_sleep_skip_longer),
    deep("ring_wrap_longer", ring::wrap_longer),
    deep("ring_lengths_longer", ring::lengths_longer),
    deep("adaptive_both_sleep_longer", channel::adaptive_both_sleep_longer),
];
