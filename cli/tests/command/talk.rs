//! `listen` and `connect`: bytes both ways, and what happens when one of the two does not end well.

use std::io::{Read, Write};
use std::thread;

use super::running::{Place, Running, random_bytes};

fn pair(place: &Place) -> (Running, Running) {
    (place.start(&["listen", "files"]), place.start(&["connect", "files", "--timeout", "30"]))
}

/// Feeds a command from a thread of its own, in pieces of the lengths that come round and round.
fn feed(running: &mut Running, bytes: Vec<u8>, pieces: &'static [usize]) -> thread::JoinHandle<()> {
    let mut stdin = running.0.stdin.take().unwrap();
    thread::spawn(move || {
        let mut rest = bytes.as_slice();
        for &length in pieces.iter().cycle() {
            let (piece, later) = rest.split_at(length.min(rest.len()));
            stdin.write_all(piece).unwrap();
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    })
}

#[track_caller]
fn assert_same(received: &[u8], sent: &[u8]) {
    assert_eq!(received.len(), sent.len());
    let differs = received.iter().zip(sent).position(|(one, other)| one != other);
    assert_eq!(differs, None, "the first byte that differs");
}

#[test]
fn files_of_many_mebibytes_go_both_ways() {
    let place = Place::new();
    let (mut here, mut there) = pair(&place);
    let (up, down) = (random_bytes(24 << 20, 3), random_bytes((9 << 20) + 12_345, 4));
    let (from_here, from_there) = (here.output(), there.output());
    let feeding = [feed(&mut here, down.clone(), &[1 << 20]), feed(&mut there, up.clone(), &[1 << 20])];
    assert_same(&from_here.join().unwrap(), &up);
    assert_same(&from_there.join().unwrap(), &down);
    for fed in feeding {
        fed.join().unwrap();
    }
    here.end_well();
    there.end_well();
}

#[test]
fn a_stream_in_pieces_of_every_kind_arrives_whole() {
    let place = Place::new();
    let (mut here, mut there) = pair(&place);
    drop(here.0.stdin.take());
    let bytes = random_bytes(3 << 20, 5);
    let received = here.output();
    let fed = feed(&mut there, bytes.clone(), &[512, 1, 10_240, 511, 7, 65_536, 513, 200_000, 3, 4_096]);
    assert_same(&received.join().unwrap(), &bytes);
    fed.join().unwrap();
    here.end_well();
    there.end_well();
}

#[test]
fn a_file_as_standard_input_arrives_whole() {
    let place = Place::new();
    let file = std::env::current_exe().unwrap();
    let mut here = place.start(&["listen", "files"]);
    drop(here.0.stdin.take());
    let received = here.output();
    let mut command = place.command(&["connect", "files", "--timeout", "30"]);
    let mut there = Running::new(command.stdin(std::fs::File::open(&file).unwrap()));
    assert_same(&received.join().unwrap(), &std::fs::read(&file).unwrap());
    here.end_well();
    there.end_well();
}

#[test]
fn one_direction_goes_on_after_the_other_has_ended() {
    let place = Place::new();
    let (mut here, mut there) = pair(&place);
    drop(here.0.stdin.take());
    let mut answer = Vec::new();
    there.0.stdout.as_mut().unwrap().read_to_end(&mut answer).unwrap();
    // The end of that direction has arrived; this one is still open.
    let received = here.output();
    there.0.stdin.as_mut().unwrap().write_all(b"late").unwrap();
    drop(there.0.stdin.take());
    assert_same(&received.join().unwrap(), b"late");
    here.end_well();
    there.end_well();
}

/// Lets bytes flow from `sender` to `receiver` until some have come out, and goes on feeding the sender.
fn flow(sender: &mut Running, receiver: &mut Running) -> thread::JoinHandle<()> {
    let mut stdin = sender.0.stdin.take().unwrap();
    let fed = thread::spawn(move || while stdin.write_all(&[7; 65_536]).is_ok() {});
    let mut some = vec![0; 4 << 20];
    receiver.0.stdout.as_mut().unwrap().read_exact(&mut some).unwrap();
    fed
}

#[test]
fn a_receiver_killed_half_way_is_an_error_of_the_sender() {
    for connecting_receives in [false, true] {
        let place = Place::new();
        let (mut listening, mut connecting) = pair(&place);
        let (receiver, sender) =
            if connecting_receives { (&mut connecting, &mut listening) } else { (&mut listening, &mut connecting) };
        // The other direction ends in order first, so that only this one can tell.
        drop(receiver.0.stdin.take());
        sender.output().join().unwrap();
        let fed = flow(sender, receiver);
        receiver.kill();
        sender.end_badly("of standard input");
        fed.join().unwrap();
    }
}

#[test]
fn a_sender_killed_half_way_is_an_error_of_the_receiver_and_no_end_of_file() {
    for connecting_sends in [false, true] {
        let place = Place::new();
        let (mut listening, mut connecting) = pair(&place);
        let (sender, receiver) =
            if connecting_sends { (&mut connecting, &mut listening) } else { (&mut listening, &mut connecting) };
        let fed = flow(sender, receiver);
        let rest = receiver.output();
        sender.kill();
        receiver.end_badly("bytes were received, and the end was not");
        fed.join().unwrap();
        rest.join().unwrap();
    }
}

#[test]
fn a_receiver_killed_before_it_has_written_the_last_bytes_is_an_error_of_the_sender() {
    let place = Place::new();
    let (mut here, mut there) = pair(&place);
    drop(here.0.stdin.take());
    // More than the pipe behind the receiver holds, less than the ring: the sender is through, the receiver is not.
    let fed = feed(&mut there, vec![7; 600_000], &[65_536]);
    fed.join().unwrap();
    let mut one = [0];
    here.0.stdout.as_mut().unwrap().read_exact(&mut one).unwrap();
    here.kill();
    there.end_badly("died");
}

#[test]
fn a_terminal_that_nobody_types_at_keeps_no_broken_connection() {
    let place = Place::new();
    let (mut here, mut there) = pair(&place);
    // This direction ends in order before the peer dies.
    drop(there.0.stdin.take());
    let mut nothing = Vec::new();
    here.0.stdout.as_mut().unwrap().read_to_end(&mut nothing).unwrap();
    there.kill();
    here.end_badly(&format!("process {}", there.0.id()));
}

#[test]
fn a_closed_standard_output_is_an_error_of_both() {
    let place = Place::new();
    let (mut here, mut there) = pair(&place);
    drop(here.0.stdout.take());
    there.0.stdin.as_mut().unwrap().write_all(b"nobody reads this").unwrap();
    here.end_badly("standard output was closed by its reader");
    there.end_badly("died or hung up");
}

#[test]
fn a_name_is_refused_while_somebody_listens_there() {
    let place = Place::new();
    let _waiting = place.start(&["listen", "files"]);
    place.await_listener("files");
    place.start(&["listen", "files"]).end_badly("another process listens at");
}

#[test]
fn connecting_to_nobody_gives_up_in_time() {
    let output = Place::new().run(&["connect", "nobody", "--timeout", "0.05"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("twinring: could not connect to nobody: "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_path_is_a_name_too() {
    let place = Place::new();
    let path = std::env::temp_dir().join(format!("twinring-test-{}.sock", std::process::id()));
    let path = path.to_str().unwrap();
    let mut here = place.start(&["listen", path]);
    let mut there = place.start(&["connect", path, "--timeout", "30"]);
    drop(here.0.stdin.take());
    let received = here.output();
    let fed = feed(&mut there, b"by path".to_vec(), &[100]);
    assert_same(&received.join().unwrap(), b"by path");
    fed.join().unwrap();
    here.end_well();
    there.end_well();
}
