//! Every place in the source that reads what a peer wrote is one that some scenario reaches, and that is lied to.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::campaign::Scenario;
use crate::{reading, receiving, ringing, sending, sleeping, writing};

/// How memory is read.
const READS: [&str; 5] = [".load(", ".copy_out(", ".append(", ".slice(", ".pointer("];

/// Who is read there, of what is not called a peer, and why nobody need lie here.
const OTHERS: [(&str, &str, &str); 17] = [
    ("", "self.private", "memory of this process alone"),
    ("ring/consumer.rs", "self.consumer", "hands on to a place that is lied to"),
    ("channel/incoming.rs", "self.consumer", "hands on to a place that is lied to"),
    ("channel/incoming.rs", "self.memory()", "payload, as a peer may rewrite it at any time"),
    ("connection/receiver.rs", "self.incoming", "hands on to a place that is lied to"),
    ("connection/receiver.rs", "self.receiver.incoming", "hands on to a place that is lied to"),
    ("connection/receiver.rs", "self.receiver.incoming.memory()", "payload, lent as it stands"),
    ("connection/half.rs", "memory", "the header of a half: the handshake is lied to elsewhere"),
    ("ledger/guard.rs", "own", "this process's ledger, written by it alone"),
    ("ledger/book.rs", "memory", "the same"),
    ("ledger/guard.rs", "foreign", "a stranger's ledger: `fuzz::ledger` has it say anything"),
    ("ledger/reading.rs", "foreign", "the same"),
    ("monitor/asking.rs", "ledger.memory", "the same, and shown as it is"),
    ("session/lead.rs", "private", "memory of this process alone"),
    ("session/lead.rs", "self", "a method of its own, over memory of this process alone"),
    ("session/inbox.rs", "incoming", "payload"),
    ("carrier/outward.rs", "self.from", "a ring of this process alone"),
];

/// What a peer's memory lets one do, besides saying how large it is and asking for its lines.
const METHODS: [&str; 9] = ["new", "load", "copy_out", "prefetch", "words", "raw", "append", "pointer", "slice"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory).expect("sources").map(|entry| entry.expect("an entry").path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The lines of the code above the memory that read some, by file: who is read.
fn places() -> Vec<(String, usize, String)> {
    let root = source();
    let mut found = Vec::new();
    for path in files(&root) {
        let name = path.strip_prefix(&root).expect("a path under src").to_str().expect("a plain name").to_owned();
        if name.starts_with("memory") || name.starts_with("os/") {
            continue;
        }
        for (line, text) in (1..).zip(fs::read_to_string(&path).expect("a source").lines()) {
            let code = text.split("//").next().unwrap_or(text);
            let readers = READS.iter().flat_map(|read| code.match_indices(read)).map(|(at, _)| receiver(&code[..at]));
            found.extend(readers.map(|reader| (name.clone(), line, reader)));
        }
    }
    found
}

/// What a method is called on.
fn receiver(before: &str) -> String {
    let part = |c: char| c.is_alphanumeric() || "_.".contains(c);
    let mut start = before.len();
    loop {
        let rest = &before[..start];
        match rest.strip_suffix("()").or_else(|| rest.strip_suffix(part)) {
            Some(shorter) => start = shorter.len(),
            None => return before[start..].to_owned(),
        }
    }
}

fn all() -> Vec<Scenario> {
    let all = [
        reading::scenarios(),
        writing::scenarios(),
        ringing::scenarios(),
        sleeping::scenarios(),
        receiving::scenarios(),
        sending::scenarios(),
    ];
    all.into_iter().flatten().collect()
}

#[test]
fn no_place_that_reads_a_peers_word_is_left_out() {
    let reached: BTreeSet<_> = all()
        .iter()
        .flat_map(Scenario::record)
        .map(|heard| (heard.place.file().trim_start_matches("src/").to_owned(), heard.place.line() as usize))
        .collect();
    let (of_a_peer, others): (Vec<_>, Vec<_>) =
        places().into_iter().partition(|(_, _, reader)| reader.rsplit('.').next() == Some("peer"));
    let expected: BTreeSet<_> = of_a_peer.into_iter().map(|(file, line, _)| (file, line)).collect();
    assert_eq!(reached, expected, "reached by a scenario, and in the source");
    assert!(expected.len() >= 15, "only {} places", expected.len());
    let mut known = BTreeSet::new();
    for (file, line, reader) in others {
        let of = OTHERS.iter().position(|&(of, name, _)| (of.is_empty() || of == file) && name == reader);
        let Some(of) = of else { panic!("src/{file}:{line} reads {reader}: whose is that?") };
        known.insert(of);
    }
    assert_eq!(known.len(), OTHERS.len(), "only {known:?} of the exceptions are left");
}

#[test]
fn a_peers_memory_can_be_read_in_no_other_way() {
    let mut methods = BTreeSet::new();
    for file in ["memory/view.rs", "memory/mapped.rs"] {
        let text = fs::read_to_string(source().join(file)).expect("a source");
        let blocks = text.split("\nimpl").filter(|block| block.lines().next().unwrap_or_default().contains("Foreign<"));
        let functions = blocks.flat_map(|block| block.split("\n}").next().unwrap_or_default().split(" fn ").skip(1));
        methods.extend(
            functions.map(|rest| rest.split(['(', '<']).next().unwrap_or_default().to_owned()).collect::<Vec<_>>(),
        );
    }
    assert_eq!(methods, METHODS.map(str::to_owned).into());
}
