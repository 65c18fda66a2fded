//! What victims do, by name, and who survives it.

use Points::{Calls, Instructions};
use Start::{AtOnce, Awaited, Sleeps};

use crate::ledger::Ledger;
use crate::place::Place;
use crate::survivor::{Connected, Survivor};
use crate::{answering, calling, receiving, sending, serving, setting_up};

/// What a victim does, and who survives it.
pub struct Scene {
    pub name: &'static str,
    pub victim: fn(&Place, &Ledger),
    pub survivor: fn(&Place) -> Box<dyn Survivor>,
    pub start: Start,
    pub points: Points,
}

/// When a victim begins its stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At once.
    AtOnce,
    /// When its survivor waits for it: asleep, unless it spins.
    Awaited,
    /// At once, and it will sleep in it, until its survivor does something.
    Sleeps,
}

/// Where a victim is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Points {
    /// After each instruction.
    Instructions,
    /// As it enters and leaves the kernel, and at instructions between.
    Calls,
}

type Survive = fn(&Place) -> Box<dyn Survivor>;

const RECEIVES: Survive = |place| Connected::boxed(place, sending::receive_all, sending::all_that_was_committed);
const HOLDS_BACK_AND_RECEIVES: Survive =
    |place| Connected::boxed(place, sending::hold_back_and_receive_all, sending::all_that_was_committed);
const RECEIVES_THE_END: Survive =
    |place| Connected::boxed(place, sending::receive_all, sending::all_and_perhaps_the_end);
const SENDS: Survive = |place| Connected::boxed(place, receiving::send_all, receiving::no_more_than_was_sent);
const HOLDS_BACK_AND_SENDS: Survive =
    |place| Connected::boxed(place, receiving::hold_back_and_send_all, receiving::no_more_than_was_sent);
const WAITS: Survive = |place| Connected::boxed(place, receiving::wait_for_nothing, receiving::no_more_than_was_sent);
const ANSWERS: Survive = |place| Connected::boxed(place, calling::answer_all, sending::all_that_was_committed);
const CALLS: Survive = |place| Connected::boxed(place, answering::call_all, sending::all_that_was_committed);

const fn scene(
    name: &'static str,
    victim: fn(&Place, &Ledger),
    survivor: Survive,
    start: Start,
    points: Points,
) -> Scene {
    Scene { name, victim, survivor, start, points }
}

/// All of them.
static ALL: [Scene; 22] = [
    scene("send", sending::send, RECEIVES, Awaited, Instructions),
    scene("send around the end", sending::send_around_the_end, RECEIVES, Awaited, Instructions),
    scene("send 20 kB", sending::send_large, RECEIVES, Awaited, Instructions),
    scene("reserve and commit", sending::reserve_and_commit, RECEIVES, Awaited, Instructions),
    scene("batch", sending::batch, RECEIVES, Awaited, Instructions),
    scene("send into a full ring", sending::send_into_a_full_ring, HOLDS_BACK_AND_RECEIVES, Sleeps, Instructions),
    scene("leave", sending::leave, RECEIVES_THE_END, Awaited, Instructions),
    scene("finish", sending::finish, RECEIVES_THE_END, Awaited, Instructions),
    scene("receive", receiving::receive, SENDS, Awaited, Instructions),
    scene("drain", receiving::drain, SENDS, Awaited, Instructions),
    scene(
        "receive from an empty ring",
        receiving::receive_from_an_empty_ring,
        HOLDS_BACK_AND_SENDS,
        Sleeps,
        Instructions,
    ),
    scene("arm", receiving::arm, WAITS, Awaited, Instructions),
    scene("call", calling::call, ANSWERS, Awaited, Instructions),
    scene("call in fragments", calling::call_in_fragments, ANSWERS, Awaited, Instructions),
    scene("call of many threads", calling::call_of_many_threads, ANSWERS, Awaited, Instructions),
    scene("notify", calling::notify, ANSWERS, Awaited, Instructions),
    scene("answer", answering::answer, CALLS, Awaited, Instructions),
    scene("answer in fragments", answering::answer_in_fragments, CALLS, Awaited, Instructions),
    scene("call a service", serving::call_a_service, serving::Serving::boxed, AtOnce, Instructions),
    scene("serve", serving::serve, CALLS, Awaited, Instructions),
    scene("connect", setting_up::connect, setting_up::Accepting::boxed, AtOnce, Calls),
    scene("listen", setting_up::listen, setting_up::Connecting::boxed, AtOnce, Calls),
];

/// The scene of that name.
pub fn named(name: &str) -> &'static Scene {
    ALL.iter().find(|scene| scene.name == name).unwrap_or_else(|| panic!("no scene is called {name}"))
}
