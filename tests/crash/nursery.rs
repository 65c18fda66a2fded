//! Where victims come from: a process with one thread, which forks one at a word. So all have the same addresses, and
//! none begins by loading a program.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork};
use rustix::process::{Signal, set_parent_process_death_signal};

use crate::ledger::Ledger;
use crate::place::Place;
use crate::process::{self, Child};
use crate::scenes;
use crate::tracing::{Traced, mark};

/// The nursery, as the survivor's process has it.
pub struct Nursery(Child);

impl Nursery {
    /// Starts one beside this process, which was told of the sweep in the same way.
    pub fn start(directory: &Path) -> Self {
        Self(Child::start("nursery", &[("DIRECTORY", directory.as_os_str())]))
    }

    /// A victim, traced, on its way to its first mark.
    pub fn bear(&mut self) -> Traced {
        self.0.go_on();
        let victim = Traced::seize(self.0.hear().parse().expect("a pid"));
        // This word is the victim's: the nursery waits for its end.
        self.0.go_on();
        victim
    }
}

/// The nursery's process.
pub fn nursery() {
    let place = Place::told(process::argument("DIRECTORY").into());
    loop {
        process::await_word();
        // SAFETY: this process has one thread, so the child may do all that it may.
        match unsafe { fork() }.expect("a victim") {
            ForkResult::Child => victim(&place),
            ForkResult::Parent { child } => {
                process::say(&child.to_string());
                waitpid(child, None).expect("the victim's end");
            }
        }
    }
}

/// A victim's life. It ends at the second mark at the latest, and by its alarm if nobody stops it.
fn victim(place: &Place) -> ! {
    // A victim that hangs is stopped by its own alarm. Step by step, on a busy machine, one that does not takes long, too.
    nix::unistd::alarm::set(100);
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a signal on the parent's death");
    process::await_word();
    let act = scenes::named(&place.scene).victim;
    let failed = catch_unwind(AssertUnwindSafe(|| act(place, &Ledger::open(&place.page())))).is_err();
    // SAFETY: nothing of this process is to run any more: that is what it is for.
    unsafe { nix::libc::_exit(i32::from(failed)) }
}

/// The stretch in which a victim is killed. What it leaves is kept until it is.
pub fn stretch<T>(act: impl FnOnce() -> T) -> T {
    mark();
    let left = act();
    mark();
    left
}
