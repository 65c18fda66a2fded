//! Which two cores the two processes run on, and how they get there.

use std::fs;

use rustix::io::Errno;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::args::Core;
use crate::failure::{Context, Failure};

/// Where the two sides of a measurement run.
#[derive(Clone, Debug)]
pub struct Placement {
    /// The leader's core and the second side's; `None` where they could not be pinned.
    pub pinned: Option<(usize, usize)>,
    /// How many cores this process may use.
    pub usable: usize,
    /// What a reader of the numbers should know.
    pub notes: Vec<String>,
}

impl Placement {
    /// Whether each side has a core of its own, without which spinning measures the scheduler.
    pub fn parallel(&self) -> bool {
        self.usable > 1 && self.pinned.is_none_or(|(one, other)| one != other)
    }

    /// The core of the second side.
    pub fn second(&self) -> Option<usize> {
        self.pinned.map(|(_, second)| second)
    }
}

/// Chooses two cores, or takes the `wanted` ones, sees whether they can be had, and pins the calling thread to the first.
///
/// # Errors
///
/// If a wanted core may not be used. What could not be chosen well is a note, not an error.
pub fn place(wanted: Option<(usize, usize)>) -> Result<Placement, Failure> {
    let allowed = usable()?;
    let mut placement = Placement { pinned: None, usable: allowed.len(), notes: Vec::new() };
    match wanted {
        Some((one, other)) => {
            check_allowed(&allowed, &[one, other])?;
            placement.pinned = Some((one, other));
        }
        None => placement.pinned = choose(&allowed),
    }
    placement.note_sharing();
    if let Some((first, second)) = placement.pinned
        && let Err(refused) = pin(second).and_then(|()| pin(first))
    {
        placement.notes.push(format!("not pinned: the system refused it ({refused}), so numbers vary more"));
        placement.pinned = None;
    }
    Ok(placement)
}

/// Which of two commands that are started apart and talk to each other wants a core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one that asks.
    Asking,
    /// The one that answers.
    Answering,
}

/// Pins the calling thread to the core that was asked for; if nothing was said and it `spins`, to one that the other side does
/// not choose, if there are two. The core, or `None` if it is left to the system.
///
/// # Errors
///
/// If the core that was asked for may not be used.
pub fn take_one(wanted: Option<Core>, side: Side, spins: bool) -> Result<Option<usize>, Failure> {
    let allowed = usable()?;
    match wanted {
        Some(Core::Number(core)) => {
            check_allowed(&allowed, &[core])?;
            pin(core).while_doing(|| format!("could not run on core {core}"))?;
            Ok(Some(core))
        }
        None if spins => Ok(side.of(choose(&allowed)).filter(|&core| pin(core).is_ok())),
        None | Some(Core::None) => Ok(None),
    }
}

impl Side {
    fn of(self, pair: Option<(usize, usize)>) -> Option<usize> {
        pair.map(|(first, second)| if self == Self::Asking { first } else { second })
    }
}

/// How a line of text says where a command runs.
pub fn whereabouts(core: Option<usize>) -> String {
    core.map_or_else(String::new, |core| format!(", pinned to core {core}"))
}

/// Pins the calling thread to one core.
///
/// # Errors
///
/// What the system says.
pub fn pin(core: usize) -> Result<(), Errno> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set)
}

/// The cores that this process may use.
fn usable() -> Result<Vec<usize>, Failure> {
    let set = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&core| set.is_set(core)).collect())
}

fn check_allowed(allowed: &[usize], wanted: &[usize]) -> Result<(), Failure> {
    match wanted.iter().find(|core| !allowed.contains(core)) {
        None => Ok(()),
        Some(core) => Err(Failure::new(format!("core {core} may not be used here, only {}", list(allowed)))),
    }
}

/// The first two cores that share no physical core, and stay within a package if they can.
fn choose(allowed: &[usize]) -> Option<(usize, usize)> {
    let pairs = || allowed.iter().flat_map(|&one| allowed.iter().map(move |&other| (one, other)));
    let apart = |&(one, other): &(usize, usize)| one < other && !siblings(one).contains(&other);
    let near = |&(one, other): &(usize, usize)| package(one) == package(other);
    pairs()
        .filter(apart)
        .find(near)
        .or_else(|| pairs().find(apart))
        .or_else(|| pairs().find(|(one, other)| one < other))
}

impl Placement {
    fn note_sharing(&mut self) {
        let note = match self.pinned {
            Some((one, other)) if one == other => {
                format!("both processes share core {one}: spinning is left out, it would measure the scheduler")
            }
            Some((one, other)) if siblings(one).contains(&other) => {
                format!("cores {one} and {other} are hardware threads of one physical core: expect other numbers apart")
            }
            None if self.usable < 2 => {
                "one usable core: both processes share it, and spinning is left out (it would measure the scheduler)"
                    .to_owned()
            }
            _ => return,
        };
        self.notes.push(note);
    }
}

/// The hardware threads of a core's physical core, itself included; empty where the system does not say.
fn siblings(core: usize) -> Vec<usize> {
    topology(core, "thread_siblings_list").map_or_else(Vec::new, |text| parse_list(&text))
}

fn package(core: usize) -> Option<String> {
    topology(core, "physical_package_id")
}

fn topology(core: usize, what: &str) -> Option<String> {
    fs::read_to_string(format!("/sys/devices/system/cpu/cpu{core}/topology/{what}")).ok()
}

/// Reads the kernel's `0-3,8` notation.
fn parse_list(text: &str) -> Vec<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().ok()?;
        let last: usize = last.trim().parse().ok()?;
        Some(first..=last)
    };
    text.trim().split(',').filter_map(range).flatten().collect()
}

/// `0, 1, 2`.
fn list(cores: &[usize]) -> String {
    cores.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores_are_read_as_the_kernel_writes_them() {
        assert_eq!(parse_list("0\n"), [0]);
        assert_eq!(parse_list("0-2,8,10-11\n"), [0, 1, 2, 8, 10, 11]);
        assert_eq!(parse_list(""), [0; 0]);
    }

    #[test]
    fn one_core_makes_no_pair() {
        assert_eq!(choose(&[3]), None);
    }

    #[test]
    fn two_sides_choose_different_cores_or_none() {
        let (asking, answering) = (Side::Asking, Side::Answering);
        assert_eq!((asking.of(Some((2, 5))), answering.of(Some((2, 5)))), (Some(2), Some(5)));
        assert_eq!((asking.of(None), answering.of(None)), (None, None));
    }

    #[test]
    fn a_core_that_may_not_be_used_is_refused_with_the_ones_that_may() {
        let refused = check_allowed(&[0, 1], &[1, 7]).unwrap_err().to_string();
        assert_eq!(refused, "core 7 may not be used here, only 0, 1");
    }
}
