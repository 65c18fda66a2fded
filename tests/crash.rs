//! SIGKILL at every instruction: what a victim had committed is received, its death is known soon, nothing is left, and who
//! comes next is connected.
//!
//! A victim is a process under `ptrace(2)`, so the library needs no points of failure of its own, and none is left out.
//! `TWINRING_CRASH_POINTS` says at how many points of each operation a victim is killed; with a million, at every one.
#![cfg(target_arch = "x86_64")]

#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/waits.rs"]
mod waits;

#[path = "crash/answering.rs"]
mod answering;
#[path = "crash/calling.rs"]
mod calling;
#[path = "crash/ledger.rs"]
mod ledger;
#[path = "crash/messages.rs"]
mod messages;
#[path = "crash/nursery.rs"]
mod nursery;
#[path = "crash/pinned.rs"]
mod pinned;
#[path = "crash/place.rs"]
mod place;
#[path = "crash/points.rs"]
mod points;
#[path = "crash/receiving.rs"]
mod receiving;
#[path = "crash/scenes.rs"]
mod scenes;
#[path = "crash/sending.rs"]
mod sending;
#[path = "crash/serving.rs"]
mod serving;
#[path = "crash/setting_up.rs"]
mod setting_up;
#[path = "crash/survivor.rs"]
mod survivor;
#[path = "crash/sweep.rs"]
mod sweep;
#[path = "crash/tracing.rs"]
mod tracing;

use place::Setting;
use sweep::sweep;
use waits::STRATEGIES;

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("survivor") => sweep::survivor(),
        Some("nursery") => nursery::nursery(),
        Some(other) => panic!("no such part: {other}"),
    }
}

/// Over shared memory, whatever the survivor waits by, whoever of the two listens.
fn over_shared_memory(scene: &'static str) {
    for wait in STRATEGIES {
        sweep(Setting::of(scene).waiting(wait));
    }
    sweep(Setting::of(scene).victim_listens());
}

/// Over the socket as well.
fn over_both(scene: &'static str) {
    over_shared_memory(scene);
    sweep(Setting::of(scene).over_socket());
}

/// Over shared memory and the socket, of a survivor that sleeps: for what takes long.
fn asleep(scene: &'static str) {
    sweep(Setting::of(scene));
    sweep(Setting::of(scene).over_socket());
}

#[test]
fn a_sender_dies() {
    over_both("send");
    over_shared_memory("send around the end");
    over_shared_memory("reserve and commit");
    over_both("batch");
}

#[test]
fn a_sender_of_a_large_message_dies() {
    sweep(Setting::of("send 20 kB"));
    sweep(Setting::of("send 20 kB").over_socket().by_calls());
}

#[test]
fn a_sender_that_waits_for_room_dies() {
    over_shared_memory("send into a full ring");
}

#[test]
fn who_leaves_dies_on_the_way() {
    asleep("leave");
    asleep("finish");
}

#[test]
fn a_receiver_dies() {
    over_both("receive");
    over_shared_memory("drain");
    over_shared_memory("receive from an empty ring");
    asleep("arm");
}

#[test]
fn a_caller_dies() {
    over_both("call");
    asleep("call of many threads");
    asleep("notify");
}

#[test]
fn a_caller_with_a_large_request_dies() {
    sweep(Setting::of("call in fragments"));
    sweep(Setting::of("call in fragments").over_socket().by_calls());
}

#[test]
fn who_answers_dies() {
    over_both("answer");
    sweep(Setting::of("answer in fragments"));
    sweep(Setting::of("answer in fragments").over_socket().by_calls());
}

#[test]
fn a_client_or_its_service_dies() {
    asleep("call a service");
    sweep(Setting::of("serve").victim_listens());
    sweep(Setting::of("serve").victim_listens().over_socket());
}

#[test]
fn who_connects_dies_on_the_way() {
    sweep(Setting::of("connect").by_calls());
    sweep(Setting::of("connect").over_socket().by_calls());
}

#[test]
fn who_listens_dies_on_the_way() {
    sweep(Setting::of("listen").victim_listens().by_calls());
    sweep(Setting::of("listen").victim_listens().over_socket().by_calls());
}
