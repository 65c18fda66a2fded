//! What victims do, by name, and who survives it.

use Start::{AtOnce, Awaited, Sleeps};

use crate::ledger::Ledger;
use crate::place::Place;
use crate::survivor::{Connected, Survivor};
use crate::{answering, calling, receiving, sending, serving, setting_up};

/// What a victim does, and who survives it.
pub struct Scene {
    pub name: &'static str,
    pub victim: fn(&Place, &Ledger),
    pub survivor: Survive,
    pub start: Start,
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

/// Makes a survivor for a sweep.
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

const fn scene(name: &'static str, victim: fn(&Place, &Ledger), survivor: Survive, start: Start) -> Scene {
    Scene { name, victim, survivor, start }
}

/// All of them.
static ALL: [Scene; 22] = [
    scene("send", sending::send, RECEIVES, Awaited),
    scene("send around the end", sending::send_around_the_end, RECEIVES, Awaited),
    scene("send 20 kB", sending::send_large, RECEIVES, Awaited),
    scene("reserve and commit", sending::reserve_and_commit, RECEIVES, Awaited),
    scene("batch", sending::batch, RECEIVES, Awaited),
    scene("send into a full ring", sending::send_into_a_full_ring, HOLDS_BACK_AND_RECEIVES, Sleeps),
    scene("leave", sending::leave, RECEIVES_THE_END, Awaited),
    scene("finish", sending::finish, RECEIVES_THE_END, Awaited),
    scene("receive", receiving::receive, SENDS, Awaited),
    scene("drain", receiving::drain, SENDS, Awaited),
    scene("receive from an empty ring", receiving::receive_from_an_empty_ring, HOLDS_BACK_AND_SENDS, Sleeps),
    scene("arm", receiving::arm, WAITS, Awaited),
    scene("call", calling::call, ANSWERS, Awaited),
    scene("call in fragments", calling::call_in_fragments, ANSWERS, Awaited),
    scene("call of many threads", calling::call_of_many_threads, ANSWERS, Awaited),
    scene("notify", calling::notify, ANSWERS, Awaited),
    scene("answer", answering::answer, CALLS, Awaited),
    scene("answer in fragments", answering::answer_in_fragments, CALLS, Awaited),
    scene("call a service", serving::call_a_service, serving::Serving::boxed, AtOnce),
    scene("serve", serving::serve, CALLS, Awaited),
    scene("connect", setting_up::connect, setting_up::Accepting::boxed, AtOnce),
    scene("listen", setting_up::listen, setting_up::Connecting::boxed, AtOnce),
];

/// The scene of that name.
pub fn named(name: &str) -> &'static Scene {
    ALL.iter().find(|scene| scene.name == name).unwrap_or_else(|| panic!("no scene is called {name}"))
}
