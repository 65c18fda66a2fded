//! Other libraries, which this command does not have: it says of each how to get it, and measures the rest.

use super::running::Place;

const SHORT: [&str; 9] = ["bench", "--json", "--rounds", "1", "--time", "2", "--size", "64", "--mode"];

const ALL: [&str; 11] = [
    "iceoryx2",
    "iceoryx2-call",
    "iceoryx2-event",
    "shmem-ipc",
    "ipc-channel",
    "ringfire",
    "ipc-ring",
    "tachyon",
    "tachyon-call",
    "libqb",
    "aeron",
];

/// What is measured in any case, spinning, at one size.
const FLOOR_RING_AND_CALL: usize = 3;

/// How many rows a run has, and what it says that it could not measure.
fn rows_and_notes(arguments: &[&str]) -> (usize, Vec<String>) {
    let output = Place::new().run(&[&SHORT[..], arguments].concat());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let notes = said.lines().filter(|line| line.contains("not measured: ")).map(str::to_owned).collect();
    (String::from_utf8(output.stdout).unwrap().lines().count(), notes)
}

#[test]
fn each_rival_is_named_once_with_the_way_to_get_it_and_ours_is_measured() {
    let (rows, notes) = rows_and_notes(&["spin", "--rivals"]);
    assert_eq!(rows, FLOOR_RING_AND_CALL);
    for rival in ALL {
        let naming = |note: &&String| note.split([' ', ',', ':']).any(|word| word == rival);
        let named: Vec<&String> = notes.iter().filter(naming).collect();
        assert_eq!(named.len(), 1, "{rival} in {notes:?}");
        assert!(named[0].contains("rivals/Cargo.toml"), "{named:?}");
    }
}

#[test]
fn a_rival_alone_is_no_error() {
    let (rows, notes) = rows_and_notes(&["park", "--mechanism", "libqb"]);
    assert_eq!((rows, notes.len()), (0, 1), "{notes:?}");
    assert!(notes[0].contains("libqb-dev"), "{notes:?}");
}

#[test]
fn nobody_hears_of_rivals_who_did_not_ask_for_them() {
    assert_eq!(rows_and_notes(&["spin"]), (FLOOR_RING_AND_CALL, Vec::new()));
}
