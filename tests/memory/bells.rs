//! What stands in for the futexes of a private page: it is asked first, and the futex only where it says so.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use twinring::Deadline;
use twinring::memory::{Bell, Mapped, Memory, Ordering, Own};

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(20);

/// The words that are slept on.
const SHARED: usize = 3;
const PRIVATE: usize = 5;

/// Notes what it is asked, and whether nothing had changed.
struct Noting {
    stands_in: bool,
    slept: Arc<Mutex<Vec<bool>>>,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Bell for Noting {
    fn wake(&self, word: usize) -> bool {
        self.woken.lock().expect("no panic").push(word);
        self.stands_in
    }

    fn sleep(&self, unchanged: &dyn Fn() -> bool, _deadline: Deadline) -> bool {
        self.slept.lock().expect("no panic").push(unchanged());
        self.stands_in
    }
}

/// A page with a bell, and what that is asked.
struct Page {
    own: Own<Mapped>,
    slept: Arc<Mutex<Vec<bool>>>,
    woken: Arc<Mutex<Vec<usize>>>,
}

impl Page {
    fn new(stands_in: bool) -> Self {
        let (slept, woken) = <(Arc<_>, Arc<_>)>::default();
        let bell = Noting { stands_in, slept: Arc::clone(&slept), woken: Arc::clone(&woken) };
        Self { own: Mapped::private_with(4096, bell).expect("a page"), slept, woken }
    }

    /// Sleeps while the words are these.
    fn sleep(&self, shared: u64, private: u64, deadline: Duration) {
        let memory: &Mapped = &self.own;
        memory.sleep(SHARED, shared, (memory, PRIVATE, private), Deadline::after(deadline));
    }

    fn slept(&self) -> Vec<bool> {
        self.slept.lock().expect("no panic").clone()
    }
}

#[test]
fn who_stands_in_learns_whether_either_word_has_changed() {
    let page = Page::new(true);
    page.own.store(SHARED, 7, Ordering::Relaxed);
    page.own.store(PRIVATE, 9, Ordering::Relaxed);
    let started = Instant::now();
    [(7, 9), (8, 9), (7, 8), (8, 8)].into_iter().for_each(|(shared, private)| page.sleep(shared, private, LONG));
    assert_eq!(page.slept(), [true, false, false, false]);
    assert!(started.elapsed() < LONG, "it slept by the futex as well");
}

#[test]
fn where_nobody_stands_in_the_futex_is_slept_on() {
    let page = Page::new(false);
    let started = Instant::now();
    page.sleep(0, 0, SHORT);
    assert!(started.elapsed() >= SHORT && page.slept() == [true]);
    page.sleep(1, 0, LONG);
    page.sleep(0, 1, LONG);
    assert!(started.elapsed() < LONG, "it slept on a word that had changed");
}

#[test]
fn where_nobody_stands_in_the_futex_is_woken() {
    let page = Page::new(false);
    thread::scope(|scope| {
        let sleeping = scope.spawn(|| {
            let started = Instant::now();
            page.sleep(0, 0, LONG);
            started.elapsed()
        });
        while !sleeping.is_finished() {
            page.own.wake(SHARED);
            thread::sleep(Duration::from_millis(1));
        }
        assert!(sleeping.join().expect("who sleeps") < LONG, "only its deadline woke it");
    });
    assert!(page.woken.lock().expect("no panic").iter().all(|&word| word == SHARED));
}
