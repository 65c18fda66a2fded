//! Attackers that scribble over their halves while they call, again and again; a victim that must not mind.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::bystander::{Bystander, LOCAL, PLAIN, SERVICE, SHARED};
use crate::process::Child;
use crate::scribble::WAYS;

/// How long each way of scribbling goes on, in milliseconds.
fn millis() -> u64 {
    let told = env::var("TWINRING_ATTACK_SECONDS").ok().map(|text| text.parse::<f64>().expect("seconds"));
    told.map_or(250, |seconds| (seconds * 1000.0) as u64)
}

/// The most that a victim may be late, in milliseconds: a busy machine is, a victim that hangs is later.
const LATE: u64 = 10_000;

/// The most that it may grow by, in KiB: more than its allocator keeps for its threads, less than an attack could fill.
const GROWN: u64 = 32 << 10;

/// The same under AddressSanitizer, which `.ci/asan` gives options: it keeps up to 68 MiB, however long an attack lasts.
const GROWN_WATCHED: u64 = 128 << 10;

/// Numbers by their names.
fn counts(said: &str) -> BTreeMap<String, u64> {
    let words: Vec<_> = said.split_whitespace().collect();
    words.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].parse().expect("a number"))).collect()
}

/// Two attackers, beside bystanders at this place and another; what the victim said.
fn attack(place: &str, other: &str) -> BTreeMap<String, u64> {
    let _together = crate::together();
    let directory = TempDir::new().expect("a directory");
    let path = directory.path();
    let mut victim = Child::start("victim", &[("DIRECTORY", path.as_os_str())]);
    assert_eq!(victim.hear(), "there");
    let mut bystanders = [Bystander::new(path, place), Bystander::new(path, other)];
    victim.go_on();
    assert_eq!(victim.hear(), "measured");
    let over = AtomicBool::new(false);
    let (attacks, asked) = thread::scope(|scope| {
        let asking = bystanders.each_mut().map(|bystander| scope.spawn(|| bystander.ask_until(&over)));
        let attackers = [1, 2].map(|seed| scope.spawn(move || attacker(path, place, seed)));
        let attacks = attackers.map(|attacker| attacker.join());
        over.store(true, Ordering::Relaxed);
        (attacks.map(|attack| attack.expect("an attacker")), asking.map(|asking| asking.join().expect("right answers")))
    });
    victim.go_on();
    let said = victim.hear();
    eprintln!("{place}: {attacks:?}, bystanders {asked:?}, victim: {said}");
    let counts = counts(&said);
    for attack in attacks {
        assert!(attack["connections"] >= WAYS.len() as u64 && attack["words"] > 1000, "no attack: {attack:?}");
    }
    assert!(asked.iter().all(|&asked| asked > 50), "bystanders were held up: {asked:?}");
    let most = if env::var_os("ASAN_OPTIONS").is_some() { GROWN_WATCHED } else { GROWN };
    assert!(counts["grown"] < most, "the victim has grown: {said}");
    assert!(counts["busy"] < 100, "the victim is still busy: {said}");
    assert!(counts.get("late").is_none_or(|&late| late < LATE), "the victim was late: {said}");
    assert_eq!(counts.get("other"), None, "{said}");
    counts
}

fn attacker(directory: &Path, place: &str, seed: u64) -> BTreeMap<String, u64> {
    let (socket, seed, millis) = (directory.join(place), seed.to_string(), millis().to_string());
    let kind = if place == PLAIN { PLAIN } else { "session" };
    let arguments: [(&str, &OsStr); 4] =
        [("SOCKET", socket.as_os_str()), ("KIND", kind.as_ref()), ("SEED", seed.as_ref()), ("MILLIS", millis.as_ref())];
    let mut child = Child::start("scribbler", &arguments);
    let said = child.hear();
    child.finish();
    counts(&said)
}

#[test]
fn who_passes_messages_survives_a_scribbler_and_so_do_its_other_connections() {
    let counts = attack(PLAIN, SHARED);
    assert!(counts["corrupt"] > 0, "no lie was found: {counts:?}");
}

#[test]
fn a_session_of_one_thread_survives_a_scribbler() {
    let counts = attack(LOCAL, SERVICE);
    assert!(counts["corrupt"] > 0, "no lie was found: {counts:?}");
}

#[test]
fn a_shared_session_survives_a_scribbler() {
    let counts = attack(SHARED, PLAIN);
    assert!(counts["corrupt"] > 0, "no lie was found: {counts:?}");
}

#[test]
fn a_service_survives_scribblers_and_parts_with_each_of_them() {
    let counts = attack(SERVICE, LOCAL);
    // The bystander there is still connected.
    assert!(counts["parted"] > WAYS.len() as u64, "nobody was parted with: {counts:?}");
}
