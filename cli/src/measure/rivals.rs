//! Other libraries for the same work, which this package does not depend on: a program beside it brings them.

use std::fmt;

use super::carrier::Carrier;
use super::passed::Passed;
use super::plan::{Mechanism, Mode, Plan, Subject};
use crate::failure::Failure;

/// One side of a rival, as the measurement uses it.
pub type Side = Box<dyn Carrier>;

/// What remains to be done for the leader's side once the second process has joined.
pub type HalfOpen = Box<dyn FnOnce() -> Result<Side, Failure>>;

/// Another library, and how it is used.
///
/// One that is called has a leader whose `send` requests and whose `receive` waits for the response, and a second process that
/// receives requests and sends responses.
#[derive(Clone, Copy)]
pub struct Rival {
    /// What it is called.
    pub mechanism: Mechanism,
    /// How it can wait.
    pub modes: &'static [Mode],
    /// The leader's side for messages of so many bytes, and what the second process needs for the other.
    pub open: fn(Mode, usize) -> Result<(HalfOpen, Passed), Failure>,
    /// The second process's side.
    pub join: fn(Mode, usize, Passed) -> Result<Side, Failure>,
}

/// A side for which nothing remains to be done.
pub fn ready(side: impl Carrier + 'static) -> HalfOpen {
    Box::new(|| Ok(Box::new(side)))
}

/// The rivals that this program has.
#[derive(Clone, Copy, Default)]
pub struct Brought(pub &'static [Rival]);

impl Brought {
    /// Whether one of them is the mechanism of `subject` and waits in its way.
    pub fn has(self, subject: &Subject) -> bool {
        self.find(subject.mechanism).is_some_and(|rival| rival.modes.contains(&subject.mode))
    }

    /// The leader's side of one of them.
    ///
    /// # Errors
    ///
    /// If it is not here, or cannot carry messages of `size` bytes.
    pub fn open(self, mechanism: Mechanism, mode: Mode, size: usize) -> Result<(HalfOpen, Passed), Failure> {
        (self.known(mechanism)?.open)(mode, size)
    }

    /// The second process's side.
    ///
    /// # Errors
    ///
    /// If it is not here, or what the leader has passed is not what it should be.
    pub fn join(self, mechanism: Mechanism, mode: Mode, size: usize, passed: Passed) -> Result<Side, Failure> {
        (self.known(mechanism)?.join)(mode, size, passed)
    }

    fn known(self, mechanism: Mechanism) -> Result<&'static Rival, Failure> {
        self.find(mechanism).ok_or_else(|| Failure::new(format!("{mechanism:?} is not in this program")))
    }

    fn find(self, mechanism: Mechanism) -> Option<&'static Rival> {
        self.0.iter().find(|rival| rival.mechanism == mechanism)
    }
}

impl fmt::Debug for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|rival| rival.mechanism)).finish()
    }
}

/// Why `rival` cannot be measured as planned at all, and what to do about it.
pub fn why_absent(plan: &Plan, rival: Mechanism) -> Option<String> {
    match plan.brought.find(rival) {
        Some(known) if known.modes.iter().any(|mode| plan.modes.contains(mode)) => None,
        Some(known) => Some(format!("it can only be {}", words(known.modes))),
        None => Some(how_to_get(rival)),
    }
}

fn words(modes: &[Mode]) -> String {
    modes.iter().map(|mode| mode.word()).collect::<Vec<_>>().join(" or ")
}

fn how_to_get(rival: Mechanism) -> String {
    match rival {
        Mechanism::Aeron => {
            "rivals/Cargo.toml has it not yet: it wants a media driver beside the two processes".to_owned()
        }
        _ => format!("{BUILD}{}", needs(rival)),
    }
}

/// How the program that has the rivals is run.
const BUILD: &str = "for it, `cargo run --release --manifest-path rivals/Cargo.toml -- bench --rivals`";

/// What that program needs beyond a Rust compiler.
fn needs(rival: Mechanism) -> &'static str {
    match rival {
        Mechanism::Tachyon | Mechanism::TachyonCall => {
            " with `--features tachyon` (a C++23 compiler: clang-19 with libc++)"
        }
        Mechanism::Libqb => " with `--features libqb` (Debian's libqb-dev)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::plan::RIVALS;

    fn refused(_: Mode, _: usize) -> Result<(HalfOpen, Passed), Failure> {
        Err(Failure::new("it opens nothing"))
    }

    fn no_side(_: Mode, _: usize, _: Passed) -> Result<Side, Failure> {
        Err(Failure::new("it joins nothing"))
    }

    const PARKED: &[Rival] =
        &[Rival { mechanism: Mechanism::IpcChannel, modes: &[Mode::Park], open: refused, join: no_side }];

    #[test]
    fn a_rival_is_here_only_in_the_ways_in_which_it_waits() {
        let has = |mechanism, mode| Brought(PARKED).has(&Subject { mechanism, mode });
        assert!(has(Mechanism::IpcChannel, Mode::Park));
        assert!(!has(Mechanism::IpcChannel, Mode::Spin) && !has(Mechanism::Ringfire, Mode::Park));
        let said = Brought(PARKED).join(Mechanism::Ringfire, Mode::Park, 8, Passed::default()).err().unwrap();
        assert_eq!(said.to_string(), "Ringfire is not in this program");
    }

    #[test]
    fn every_rival_has_a_word_on_how_to_get_it() {
        for rival in RIVALS {
            assert!(rival.is_rival() && how_to_get(rival).contains("rivals/Cargo.toml"));
        }
        assert!(!Mechanism::Pipe.is_rival());
    }
}
