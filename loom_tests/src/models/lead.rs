//! The lead: threads that wait for replies, of which one receives for all. A hand-over that is lost is a deadlock.

use loom::thread;

use crate::calls::{Caller, Calls};
use crate::mutation::Mutation;

/// What the replies say.
const FIRST: u64 = 101;
const SECOND: u64 = 102;
const THIRD: u64 = 103;

/// Two callers whose replies have come: the second one's before the first one's. Whoever leads may have its own at once, or
/// meet the other's, which is falling asleep.
pub fn two(mutation: Mutation) {
    two_callers(&Calls::new(mutation, 0));
}

/// The same, and a signal ends the first sleep.
pub fn interrupted(mutation: Mutation) {
    two_callers(&Calls::new(mutation, 1));
}

fn two_callers(calls: &Calls) {
    let (here, there) = (calls.caller(), calls.caller());
    let (first, second) = (here.begin(), here.begin());
    here.post(second, SECOND);
    here.post(first, FIRST);
    let waiting = thread::spawn(move || assert!(there.wait(second, SECOND)));
    assert!(here.wait(first, FIRST));
    waiting.join().expect("the other caller has its reply");
    calls.check_left();
}

/// The same, with a peer that answers meanwhile: a leader sleeps for what comes.
pub fn posted(mutation: Mutation) {
    let calls = Calls::new(mutation, 0);
    let (here, there, peer) = (calls.caller(), calls.caller(), calls.caller());
    let (first, second) = (here.begin(), here.begin());
    let posting = thread::spawn(move || {
        peer.post(second, SECOND);
        peer.post(first, FIRST);
    });
    let waiting = thread::spawn(move || assert!(there.wait(second, SECOND)));
    assert!(here.wait(first, FIRST));
    waiting.join().expect("the other caller has its reply");
    posting.join().expect("the peer has answered");
}

/// A leader without a call leaves, and chooses the follower to lead; another takes the lead meanwhile, and answers the
/// follower.
pub fn newcomer(mutation: Mutation) {
    let calls = Calls::new(mutation, 0);
    let (leader, newcomer, follower) = (calls.caller(), calls.caller(), calls.caller());
    let first = leader.begin();
    leader.post(first, FIRST);
    assert!(leader.try_lead());
    let waiting = thread::spawn(move || assert!(follower.wait(first, FIRST)));
    let passing = thread::spawn(move || {
        if newcomer.try_lead() {
            newcomer.turn();
            newcomer.leave();
        }
    });
    leader.leave();
    waiting.join().expect("the caller has its reply");
    passing.join().expect("the newcomer has gone");
}

/// A thread without a call leads, has taken nothing, and leaves: two followers fall asleep meanwhile.
pub fn left(mutation: Mutation) {
    led_at_first(mutation, Caller::leave);
}

/// A thread without a call answers the first of two followers, and leaves.
pub fn answers_and_leaves(mutation: Mutation) {
    led_at_first(mutation, |leader| {
        leader.turn();
        leader.leave();
    });
}

fn led_at_first(mutation: Mutation, lead: impl FnOnce(&Caller)) {
    let calls = Calls::new(mutation, 0);
    let (leader, one, other) = (calls.caller(), calls.caller(), calls.caller());
    let (first, second) = (leader.begin(), leader.begin());
    leader.post(first, FIRST);
    leader.post(second, SECOND);
    assert!(leader.try_lead());
    let waiting = [
        thread::spawn(move || assert!(one.wait(first, FIRST))),
        thread::spawn(move || assert!(other.wait(second, SECOND))),
    ];
    lead(&leader);
    for caller in waiting {
        caller.join().expect("the caller has its reply");
    }
}

/// The leader leaves while a follower's time runs out: if that was the one that was chosen, the other one is not forgotten.
pub fn gives_up(mutation: Mutation) {
    let calls = Calls::new(mutation, 0);
    let (leader, hasty, patient) = (calls.caller(), calls.caller(), calls.caller());
    let (first, second) = (leader.begin(), leader.begin());
    leader.post(second, SECOND);
    leader.post(first, FIRST);
    assert!(leader.try_lead());
    let clock = hasty.clock();
    let giving_up = thread::spawn(move || {
        hasty.wait(first, FIRST);
    });
    let waiting = thread::spawn(move || assert!(patient.wait(second, SECOND)));
    clock.run_out();
    leader.leave();
    giving_up.join().expect("the hasty caller has its reply or not");
    waiting.join().expect("the patient caller has its reply");
}

/// A caller gives up while the leader answers it: its place is not written to once the slot is free.
pub fn cancelled(mutation: Mutation) {
    let calls = Calls::new(mutation, 0);
    let (here, there) = (calls.caller(), calls.caller());
    let (first, second) = (here.begin(), here.begin());
    here.post(first, FIRST);
    here.post(second, SECOND);
    let waiting = thread::spawn(move || assert!(there.wait(second, SECOND)));
    here.cancel(first);
    waiting.join().expect("the other caller has its reply");
}

/// A caller gives up and calls again in the same slot, while the leader takes the reply to the first call.
pub fn late(mutation: Mutation) {
    let calls = Calls::new(mutation, 0);
    let (here, there) = (calls.caller(), calls.caller());
    let (first, second) = (here.begin(), here.begin());
    here.post(first, FIRST);
    here.post(second, SECOND);
    let waiting = thread::spawn(move || assert!(there.wait(second, SECOND)));
    here.cancel(first);
    let third = here.begin();
    here.post(third, THIRD);
    assert!(here.wait(third, THIRD));
    waiting.join().expect("the other caller has its reply");
}
