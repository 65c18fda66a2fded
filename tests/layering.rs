//! The order of the house: a file names only what stands above it, and dangerous things stay in few files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The modules, from the ground up: each may name itself and those before it.
const ORDER: [&str; 15] = [
    "trace",
    "os",
    "memory",
    "ring",
    "wait",
    "channel",
    "region",
    "ledger",
    "carrier",
    "connection",
    "session",
    "monitor",
    "service",
    "rpc",
    "asynchronous",
];

/// The files that name the processor's atomics.
const ATOMIC_FILES: [&str; 6] =
    ["memory.rs", "memory/copy.rs", "memory/counts.rs", "memory/heap.rs", "memory/mapped.rs", "os/futex.rs"];

/// The places above the memory where unsafe code may stand, and how often they say so: a contract that the caller answers
/// for, and a value that comes with a lock of our own.
const UNSAFE_ABOVE: [(&str, usize); 2] = [("connection/receiver.rs", 2), ("session/led.rs", 3)];

/// What is wrong with a file, by its path under `src/` and its text.
fn faults(path: &str, text: &str) -> Vec<String> {
    let code = without_comments(text);
    let mut faults = Vec::new();
    let mut fault = |text: String| faults.push(format!("src/{path}: {text}"));
    for name in names_from_the_root(&code) {
        if !may_name(path, &name) {
            fault(format!("names crate::{name}, which does not stand above it"));
        }
    }
    if climbs_to_the_root(path, &code) {
        fault("climbs to the crate's root by super".to_owned());
    }
    if code.contains("sync::atomic") && !ATOMIC_FILES.contains(&path) {
        fault("names atomics: only the memory does".to_owned());
    }
    let unsafes = words(&code).filter(|&word| word == "unsafe").count();
    let allowed = UNSAFE_ABOVE.iter().find(|(file, _)| *file == path).map_or(0, |&(_, times)| times);
    if !matches!(module(path), "os" | "memory") && unsafes > allowed {
        fault(format!("says unsafe {unsafes} times, {allowed} are allowed"));
    }
    if words(&code).any(|word| word == "loom") {
        fault("knows of loom".to_owned());
    }
    if path.ends_with("mod.rs") {
        fault("is a mod.rs".to_owned());
    }
    faults
}

/// The module that a file belongs to.
fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

fn may_name(path: &str, name: &str) -> bool {
    // The root puts them together.
    path == "lib.rs" || {
        let place = |module: &str| ORDER.iter().position(|&known| known == module);
        place(name).zip(place(module(path))).is_some_and(|(named, own)| named <= own)
    }
}

/// The code without its comments. No string in the house holds what starts one.
fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// What follows each `crate::`: one name, or those of a group. Macros live at the root wherever they are written.
fn names_from_the_root(code: &str) -> Vec<String> {
    code.split("crate::").skip(1).filter(|rest| !names_a_macro(rest)).flat_map(first_names).collect()
}

fn names_a_macro(rest: &str) -> bool {
    rest.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').starts_with('!')
}

fn first_names(rest: &str) -> Vec<String> {
    let name = |text: &str| words(text.trim_start()).next().unwrap_or_default().to_owned();
    match rest.strip_prefix('{') {
        None => vec![name(rest)],
        Some(group) => outermost(group).iter().map(|part| name(part)).filter(|name| !name.is_empty()).collect(),
    }
}

/// The parts of a group that stand in no group within it.
fn outermost(group: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            c if depth == 0 => parts.last_mut().expect("a part").push(c),
            _ => {}
        }
    }
    parts
}

/// Whether `super` leads out of the module: once from a module's own file, twice from one in its folder.
fn climbs_to_the_root(path: &str, code: &str) -> bool {
    let climb = "super::".repeat(path.matches('/').count() + 1);
    path != "lib.rs" && code.contains(&climb)
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory of sources").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

/// The paths under `src/`, and the texts.
fn house() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).expect("a path under src").to_str().expect("a plain name").to_owned();
        (name, fs::read_to_string(path).expect("a source"))
    };
    sources(&root).into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")).map(read).collect()
}

#[test]
fn the_house_is_in_order() {
    let house = house();
    assert!(house.len() > 30, "only {} sources found", house.len());
    let faults: Vec<_> = house.iter().flat_map(|(path, text)| faults(path, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let mut modules: Vec<_> = house().iter().map(|(path, _)| module(path).to_owned()).collect();
    modules.sort();
    modules.dedup();
    modules.retain(|name| name != "lib");
    let mut known = ORDER.map(str::to_owned);
    known.sort();
    assert_eq!(modules, known, "a module is new or gone: give it its place in ORDER");
}

#[test]
fn the_files_with_atomics_are_known() {
    let named = |(path, text): &(String, String)| without_comments(text).contains("sync::atomic").then(|| path.clone());
    let mut files: Vec<_> = house().iter().filter_map(named).collect();
    files.sort();
    assert_eq!(files, ATOMIC_FILES);
}

#[test]
fn the_checker_finds_what_is_planted() {
    let bad = [
        ("wait/sleeper.rs", "use crate::channel::End;", "crate::channel"),
        ("os/cpus.rs", "use crate::memory::WORD;", "crate::memory"),
        ("ring.rs", "use crate::{memory::{Own, Foreign}, region::Half};", "crate::region"),
        ("channel.rs", "use crate::{\n    connection,\n    ring,\n};", "crate::connection"),
        ("ring/frame.rs", "fn f() -> crate::End { crate::End::Closed }", "crate::End"),
        ("ring/frame.rs", "use super::super::region::Half;", "by super"),
        ("wait.rs", "use super::channel;", "by super"),
        ("ring/frame.rs", "use core::sync::atomic::AtomicU64;", "atomics"),
        ("connection.rs", "use std::sync::atomic::{AtomicU64, Ordering};", "atomics"),
        ("ring/producer.rs", "let x = unsafe { f() };", "unsafe 1 times"),
        ("connection/receiver.rs", "unsafe fn a() { unsafe { b() } unsafe { c() } }", "unsafe 3 times"),
        ("memory/heap.rs", "#[cfg(loom)] mod x;", "loom"),
        ("ring/mod.rs", "", "mod.rs"),
    ];
    for (path, text, expected) in bad {
        let found = faults(path, text).join("\n");
        assert!(found.contains(expected), "{path}: {text:?}: {found:?} lacks {expected:?}");
    }
}

#[test]
fn the_checker_lets_pass_what_is_allowed() {
    let good = [
        (
            "connection/sender.rs",
            "use crate::{channel::{End, Outgoing}, memory::Mapped};\nuse super::error::SendError;",
        ),
        ("os/cpus.rs", "/// See [`crate::wait::Patience`].\npub(crate) fn f() {}"),
        ("region.rs", "const P: u64 = crate::os::memfd::HUGE_PAGE as u64;"),
        ("memory/mapped.rs", "use core::sync::atomic::AtomicU64; fn f() { unsafe { g() } }"),
        ("connection/receiver.rs", "#[allow(unsafe_code)] pub unsafe fn as_slice() { unsafe { f() } }"),
        ("os/cpus.rs", "macro_rules! m { () => { $crate::m! {} }; }"),
        ("lib.rs", "mod os; pub use crate::connection::connect;"),
    ];
    for (path, text) in good {
        assert_eq!(faults(path, text), Vec::<String>::new(), "{path}");
    }
}

/// How often each file says `unsafe`, by its path under `src/`.
fn unsafes() -> BTreeMap<String, usize> {
    let count = |text: &str| words(&without_comments(text)).filter(|&word| word == "unsafe").count();
    house().into_iter().map(|(path, text)| (path, count(&text))).filter(|&(_, times)| times > 0).collect()
}

#[test]
fn unsafe_code_is_as_listed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/SAFETY.md");
    let safety = fs::read_to_string(path).expect("a document");
    let (_, list) = safety.split_once("\n## Unsafe code\n").expect("a list of unsafe code");
    let list = list.split("\n## ").next().unwrap_or(list);
    let row = |line: &str| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    };
    let listed: BTreeMap<String, usize> = list.lines().filter_map(row).collect();
    assert_eq!(listed, unsafes(), "listed and found");
}
