//! Each system call refused, for each reason: an error that says so, or a way without.
//!
//! `refused.txt` is the table of what comes of each. A line of it: the call, the errors that it was refused with, and which
//! steps of the scenario failed how; all others went well, nothing was left over, and no wait was a busy loop.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::SYS_accept4;
use tempfile::TempDir;

use crate::calls::{NEEDED, OURS};
use crate::leaks::Held;
use crate::peer;
use crate::process::{self, Child};
use crate::scenario::{self, LONG, OUTCOMES};
use crate::supervisor::{End, supervise};

/// What calls are refused with, one of them unless `TWINRING_ERRORS=all`. `ENOSYS` is an old kernel's word, `EPERM` a sandbox's, `ENOMEM` that of one short of memory.
const ERRORS: [Errno; 3] = [Errno::ENOSYS, Errno::EPERM, Errno::ENOMEM];

/// No case takes longer, or it hangs.
const MOST: Duration = Duration::from_secs(20);

/// Cases that are played at a time: most of their time is spent waiting.
const AT_A_TIME: usize = 6;

/// How long a client waits for a service to which no connection comes: that is met by nothing but the deadline.
const IN_VAIN: Duration = Duration::from_secs(3);

const TABLE: &str = include_str!("refused.txt");

/// Plays the scenario with `call` refused by `error`, or with no call (-1); what the child said.
fn play(call: i64, error: i32) -> Vec<String> {
    let directory = TempDir::new().expect("a directory");
    let socket = directory.path().join("socket");
    let _peer = peer::start(&socket);
    let (call, error) = (call.to_string(), error.to_string());
    let arguments = [("SOCKET", socket.as_os_str()), ("CALL", OsStr::new(&call)), ("ERROR", OsStr::new(&error))];
    let mut child = Child::start("refused", &arguments);
    let mut said: Vec<_> = std::iter::from_fn(|| child.try_hear()).collect();
    let status = child.wait();
    if !status.success() {
        said.push(format!("ENDED by {status}"));
    }
    said
}

/// The part: the scenario under a supervisor, and what came of it.
pub fn refused() {
    let socket = PathBuf::from(process::argument("SOCKET"));
    let call: i64 = process::argument("CALL").to_str().and_then(|text| text.parse().ok()).expect("a number");
    let error = process::number("ERROR") as i32;
    let (before, files, place) = (Held::lasting(), files(&socket), socket.clone());
    let (only, mut made) = ((call >= 0).then_some(call), [0_usize; 512]);
    let end = supervise(
        only,
        MOST,
        move || scenario::play_with(&socket, if only == Some(SYS_accept4) { IN_VAIN } else { LONG }),
        |asked| {
            made[asked.number as usize] += 1;
            // Memory of no file is the allocator's, too.
            let anonymous = asked.number == nix::libc::SYS_mmap && asked.arguments[4] as i32 == -1;
            (only.is_some() && !anonymous).then_some(error)
        },
    );
    match end {
        End::All => {}
        End::Worker => process::say("left over: threads"),
        End::Nobody => process::say("HANGS"),
    }
    for (step, outcome) in OUTCOMES.lock().expect("no panic").iter() {
        if let Err(error) = outcome {
            process::say(&format!("{step}: {error}"));
        }
    }
    say_what_is_left(before, &files, &place);
    made.iter().enumerate().filter(|made| *made.1 > 0).for_each(|(number, _)| process::say(&format!("made {number}")));
    // Whoever hangs is not waited for.
    std::process::exit(0);
}

fn files(socket: &Path) -> usize {
    fs::read_dir(socket.parent().expect("a directory")).expect("a directory").count()
}

fn say_what_is_left(before: Held, files_before: &usize, socket: &Path) {
    let after = Held::lasting();
    if after.descriptors > before.descriptors {
        process::say("left over: descriptors");
    }
    if after.mappings > before.mappings {
        process::say("left over: mappings");
    }
    if files(socket) > *files_before {
        process::say("left over: files");
    }
}

/// What came of a case, in words that do not depend on where and how often it was played.
fn outcome(call: i64, error: Errno) -> String {
    let reason = std::io::Error::from(error).to_string();
    let mut steps: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in play(call, error as i32) {
        let line = line.replace(&reason, "REFUSED");
        match line.split_once(" over ").and_then(|(step, rest)| Some((step, rest.split_once(": ")?))) {
            _ if line.starts_with("made ") => {}
            Some((step, (transport, text))) => {
                let step = format!("{step} over {transport}");
                let known = steps.entry(plain(text)).or_default();
                if !known.contains(&step) {
                    known.push(step);
                }
            }
            None => drop(steps.entry(line).or_default()),
        }
    }
    let texts = steps.into_iter().map(|(text, steps)| match steps.is_empty() {
        true => text,
        false => format!("{} ({text})", steps.join(", ")),
    });
    let outcome = texts.collect::<Vec<_>>().join("; ");
    if outcome.is_empty() { "done without".to_owned() } else { outcome }
}

/// An error without paths, and without what depends on which thread was faster.
fn plain(text: &str) -> String {
    if ["the peer has closed its end", "the peer has died or hung up"].iter().any(|end| text.ends_with(end)) {
        return "the end of the connection".to_owned();
    }
    let words = text.split(' ').map(|word| match (word.starts_with('/'), word.ends_with(':')) {
        (true, true) => "SOCKET:",
        (true, false) => "SOCKET",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The lines of the table for one call: one for each outcome, with the errors that lead to it.
fn lines(number: i64, name: &str) -> String {
    let mut outcomes: Vec<(String, Vec<String>)> = Vec::new();
    let all = std::env::var_os("TWINRING_ERRORS").is_some_and(|which| which == "all");
    for error in ERRORS.into_iter().filter(|&error| all || error == Errno::EPERM) {
        let (outcome, error) = (outcome(number, error), format!("{error:?}"));
        match outcomes.iter_mut().find(|known| known.0 == outcome) {
            Some(known) => known.1.push(error),
            None => outcomes.push((outcome, vec![error])),
        }
    }
    outcomes.iter().fold(String::new(), |mut lines, (outcome, errors)| {
        writeln!(lines, "{name} {}: {outcome}", errors.join(" ")).expect("a string");
        lines
    })
}

/// Whether the table expects that: of each error no more steps than it says, because some refusals are met or not by which side
/// is faster; and an error if it says so.
fn is_known(line: &str) -> bool {
    let Some((refused, outcome)) = line.split_once(": ") else { return false };
    let of_all = |known: &str| refused.split(' ').all(|word| known.split(' ').any(|also| also == word));
    let known = TABLE.lines().filter_map(|line| line.split_once(": ")).find(|&(known, _)| of_all(known));
    known.is_some_and(|(_, known)| outcome.split("; ").all(|part| known.split("; ").any(|also| is_part(part, also))))
}

/// Whether an error of some steps is one of at least these in the table.
fn is_part(found: &str, known: &str) -> bool {
    let (Some(found), Some(known)) = (found.split_once(" ("), known.split_once(" (")) else { return found == known };
    found.1 == known.1 && found.0.split(", ").all(|step| known.0.split(", ").any(|also| also == step))
}

#[test]
fn each_call_that_is_refused_is_an_error_or_done_without() {
    let left = Mutex::new(OURS.iter());
    let found = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("no panic").next();
                    let Some(&(number, name)) = next else { return };
                    let lines = lines(number, name);
                    found.lock().expect("no panic").insert(name, lines);
                }
            });
        }
    });
    let found: String = found.into_inner().expect("no panic").into_values().collect();
    println!("{found}");
    let changed: Vec<_> = found.lines().filter(|line| !is_known(line)).collect();
    assert!(changed.is_empty(), "not in the table:\n{}", changed.join("\n"));
}

#[test]
fn each_call_that_is_made_is_in_the_table() {
    let said = play(-1, 0);
    let made: Vec<i64> = said.iter().filter_map(|line| line.strip_prefix("made ")?.parse().ok()).collect();
    assert!(made.len() > 40 && made.len() == said.len(), "{said:?}");
    for number in made {
        let ours = OURS.iter().any(|&(known, name)| known == number && TABLE.contains(&format!("\n{name} ")));
        assert!(ours || NEEDED.contains(&number), "system call {number} is new: refuse it");
    }
}
