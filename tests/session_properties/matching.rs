//! Replies find their calls: random schedules over a real pair of sessions, against a map.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use twinring::{
    Call, CallError, Failure, Halt, Options, PendingCall, Responder, Session, SessionOptions, WaitStrategy,
};

use super::inputs::cases;

/// What happens next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    Answer(Index),
    Fail(Index),
    Forget(Index),
    Cancel(Index),
    WaitInVain(Index),
    Take(Index),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Begin),
        4 => any::<Index>().prop_map(Step::Answer),
        1 => any::<Index>().prop_map(Step::Fail),
        1 => any::<Index>().prop_map(Step::Forget),
        2 => any::<Index>().prop_map(Step::Cancel),
        1 => any::<Index>().prop_map(Step::WaitInVain),
        4 => any::<Index>().prop_map(Step::Take),
    ]
}

/// The most calls in flight.
const MOST: usize = 8;

type Kept = Arc<Mutex<BTreeMap<u64, Responder>>>;
type Outcome = Result<Vec<u8>, CallError>;

/// Both sides, and what is to come of each call.
struct World {
    here: Session,
    _there: Session,
    kept: Kept,
    pending: BTreeMap<u64, PendingCall>,
    answered: BTreeMap<u64, Outcome>,
    cancelled: u64,
    next: u64,
}

impl World {
    fn new() -> Self {
        let (here, there) = Options::new().ring_capacity(4096).wait(WaitStrategy::Park).pair().expect("a pair");
        let kept = Kept::default();
        let keep = kept.clone();
        let handler = move |call: &mut Call<'_>| {
            let number = u64::from_le_bytes(call.payload().try_into()?);
            let responder = call.defer().ok_or_else(Failure::overloaded)?;
            keep.lock().expect("what is kept").insert(number, responder);
            Ok(())
        };
        let options = SessionOptions::new().call_timeout(Duration::from_secs(30)).wait_for_turn(false);
        // What is cancelled here is still kept there.
        let theirs = options.clone().calls_in_flight(4096);
        let there = Session::new(there, &theirs, handler).expect("a session");
        // As many slots as calls, so that each is soon used again, while late replies to its last call are under way.
        let here = Session::new(here, &options.calls_in_flight(MOST as u32), ()).expect("a session");
        Self { here, _there: there, kept, pending: BTreeMap::new(), answered: BTreeMap::new(), cancelled: 0, next: 0 }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Begin => self.begin(),
            Step::Answer(which) => self.respond(which, |number, responder| {
                responder.reply(&(number * 3).to_le_bytes());
                Ok((number * 3).to_le_bytes().to_vec())
            }),
            Step::Fail(which) => self.respond(which, |number, responder| {
                responder.fail(&Failure::new(number));
                Err(CallError::Failed(number.to_string()))
            }),
            Step::Forget(which) => self.respond(which, |_, responder| {
                drop(responder);
                Err(CallError::NotAnswered)
            }),
            Step::Cancel(which) => {
                if let Some((number, pending)) = pick(&mut self.pending, which, |_| true) {
                    drop(pending);
                    self.gave_up(number);
                }
            }
            Step::WaitInVain(which) => {
                let answered = &self.answered;
                if let Some((number, pending)) = pick(&mut self.pending, which, |number| !answered.contains_key(number))
                {
                    let result = pending.wait_timeout(Duration::from_micros(100));
                    assert_eq!(result, Err(CallError::NoReply(Halt::Timeout)));
                    self.gave_up(number);
                }
            }
            Step::Take(which) => {
                let answered = &self.answered;
                if let Some((number, pending)) = pick(&mut self.pending, which, |number| answered.contains_key(number))
                {
                    assert_eq!(Some(pending.wait()), self.answered.remove(&number));
                }
            }
        }
    }

    fn begin(&mut self) {
        if self.pending.len() < MOST {
            let number = self.next;
            self.next += 1;
            self.pending.insert(number, self.here.begin(0, &number.to_le_bytes()).expect("a free slot"));
            // It is there before the next step.
            until(|| self.kept.lock().expect("what is kept").contains_key(&number));
        }
    }

    fn respond(&mut self, which: Index, answer: impl FnOnce(u64, Responder) -> Outcome) {
        let picked = pick(&mut self.kept.lock().expect("what is kept"), which, |_| true);
        if let Some((number, responder)) = picked {
            let outcome = answer(number, responder);
            match self.pending.get(&number) {
                None => self.cancelled += 1,
                Some(pending) => {
                    until(|| pending.is_answered());
                    self.answered.insert(number, outcome);
                }
            }
        }
    }

    /// Its reply, if it has not come, will be late.
    fn gave_up(&mut self, number: u64) {
        self.answered.remove(&number);
    }

    fn end(mut self) {
        while let Some(number) = { self.kept.lock().expect("what is kept").keys().next().copied() } {
            let responder = self.kept.lock().expect("what is kept").remove(&number).expect("a responder");
            responder.reply(b"at last");
            if self.pending.contains_key(&number) {
                self.answered.insert(number, Ok(b"at last".to_vec()));
            } else {
                self.cancelled += 1;
            }
        }
        for (number, pending) in self.pending {
            assert_eq!(Some(pending.wait()), self.answered.remove(&number));
        }
        assert!(self.answered.is_empty());
        // Shown as 0 while somebody receives.
        until(|| self.here.counters().late_replies == self.cancelled);
    }
}

fn pick<T>(from: &mut BTreeMap<u64, T>, which: Index, fits: impl Fn(&u64) -> bool) -> Option<(u64, T)> {
    let fitting: Vec<_> = from.keys().copied().filter(fits).collect();
    let number = *fitting.get(which.index(fitting.len().max(1)))?;
    from.remove(&number).map(|value| (number, value))
}

fn until(mut look: impl FnMut() -> bool) {
    let started = Instant::now();
    while !look() {
        assert!(started.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::yield_now();
    }
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn every_reply_finds_its_call(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        steps.into_iter().for_each(|step| world.play(step));
        world.end();
    }
}
