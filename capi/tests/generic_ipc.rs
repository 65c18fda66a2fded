//! Programs written to the interface of Generic IPC, linked with this library and run as its users run them: two processes whose
//! executables lie in one directory.

#[path = "support/programs.rs"]
mod programs;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use programs::{How, Programs, Running};
use rustix::process::{Pid, Signal, kill_process};
use twinring::{Call, Listener, Session, SessionOptions};

const PATIENCE: Duration = Duration::from_secs(20);

fn compiled(how: How, sources: &[&str]) -> Option<Programs> {
    let programs = Programs::new(how)?;
    sources.iter().for_each(|source| programs.compile(source));
    Some(programs)
}

#[test]
fn an_existing_client_and_server_only_relink() {
    for (how, server_first) in
        [(How::Shared, true), (How::Shared, false), (How::Static, true), (How::Sanitized, true), (How::Valgrind, false)]
    {
        let Some(programs) = compiled(how, &["ipc_server.c", "ipc_client.c"]) else { continue };
        let server = || programs.start("ipc_server.c", &[]);
        let client = || programs.start("ipc_client.c", &[]);
        let (mut server, mut client) = if server_first {
            let server = server();
            (server, client())
        } else {
            let client = client();
            (server(), client)
        };
        assert_eq!(server.line(), "server: 40 answered");
        assert_eq!(client.line(), "client: 60 answered");
        for mut side in [server, client] {
            side.go_on();
            side.finish();
        }
    }
}

/// Both sides send so many requests from so many threads at the same time.
fn storm(how: How, threads: u32, requests: u32) {
    let Some(programs) = compiled(how, &["ipc_storm.c"]) else { return };
    let arguments = [threads.to_string(), requests.to_string()];
    let [threads_text, requests_text] = arguments.each_ref().map(String::as_str);
    let start = |role| programs.start("ipc_storm.c", &[role, threads_text, requests_text]);
    let mut sides = ["client", "server"].map(start);
    let expected = format!("{} answered", threads * requests);
    sides.iter_mut().for_each(|side| assert_eq!(side.line(), expected));
    for mut side in sides {
        side.go_on();
        side.finish();
    }
}

/// `TWINRING_REQUESTS` in the environment says how many each way; 100,000 if it does not.
#[test]
fn requests_from_8_threads_both_ways_are_all_answered() {
    let requests = std::env::var("TWINRING_REQUESTS").map_or(100_000, |text| text.parse().expect("a number"));
    storm(How::Shared, 8, requests / 8);
}

#[test]
fn requests_from_many_threads_leak_nothing() {
    storm(How::Sanitized, 8, 100);
    storm(How::Valgrind, 3, 30);
}

#[test]
fn what_cannot_be_done_fails_in_time() {
    for how in [How::Shared, How::Sanitized, How::Valgrind] {
        let Some(programs) = Programs::new(how) else { continue };
        // Watched, a forked child would be said to leak what only the parent's threads know.
        let what: &[&str] = if how == How::Shared { &["fork"] } else { &[] };
        assert_eq!(programs.run("ipc_rules.c", what), "all of it\n");
    }
}

/// A side that does `words`, one for each line that it is sent, and is ready.
fn side(programs: &Programs, role: &str, words: &[&str]) -> Running {
    let arguments: Vec<_> = [role].into_iter().chain(words.iter().copied()).collect();
    let mut side = programs.start("ipc_peer.c", &arguments);
    assert_eq!(side.line(), "ready");
    side
}

/// The next word's answer.
fn next(side: &mut Running) -> String {
    side.go_on();
    side.line()
}

/// The next words' answer, `words` being enough of the same: a new peer takes a moment to be there.
fn answered(side: &mut Running, peer: &Running) {
    let expected = format!("answered {}", peer.id());
    let heard: Vec<_> = (0..WORDS).map(|_| next(side)).collect();
    assert_eq!(heard.last(), Some(&expected), "{heard:?}");
}

/// How often a side asks when one answer is needed.
const WORDS: usize = 10;

const WHO: [&str; WORDS] = ["who"; WORDS];

#[test]
fn a_killed_peer_is_told_of_at_once_and_the_next_takes_its_place() {
    for (survivor, victim) in [("client", "server"), ("server", "client")] {
        let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
        let words = [&WHO[..], &["sleep", "who"], &WHO[..]].concat();
        let mut survivor = side(&programs, survivor, &words);
        let mut first = side(&programs, victim, &[]);
        answered(&mut survivor, &first);
        survivor.go_on();
        assert_eq!(first.line(), "sleeps");
        let killed = Instant::now();
        first.kill();
        assert_eq!(survivor.line(), "failed");
        assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
        assert_eq!(next(&mut survivor), "failed");
        let second = side(&programs, victim, &[]);
        answered(&mut survivor, &second);
        for mut side in [survivor, second] {
            side.go_on();
            side.finish();
        }
    }
}

#[test]
fn a_peer_that_cleans_and_initialises_again_is_found_again() {
    let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
    let mut server = side(&programs, "server", &[&["clean"], &WHO[..]].concat());
    let mut client = side(&programs, "client", &[&WHO[..], &["clean"], &WHO[..], &WHO[..]].concat());
    answered(&mut client, &server);
    assert_eq!(next(&mut client), "again");
    answered(&mut client, &server);
    assert_eq!(next(&mut server), "again");
    answered(&mut client, &server);
    answered(&mut server, &client);
    for mut side in [client, server] {
        side.go_on();
        side.finish();
    }
}

#[test]
fn a_handler_may_clean() {
    let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
    let mut server = side(&programs, "server", &[]);
    let mut client = side(&programs, "client", &[&WHO[..], &["clean-other"]].concat());
    answered(&mut client, &server);
    client.go_on();
    assert_eq!(server.line(), "cleaned");
    // Whether its response came before the end is a race.
    let heard = client.line();
    assert!(heard == "failed" || heard == "answered", "{heard}");
    for mut side in [client, server] {
        side.go_on();
        side.finish();
    }
}

#[test]
fn a_slow_handler_holds_up_no_other() {
    let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
    let mut server = side(&programs, "server", &[]);
    let mut client = side(&programs, "client", &[&WHO[..], &["sleep-aside", "who"]].concat());
    answered(&mut client, &server);
    client.go_on();
    assert_eq!(server.line(), "sleeps");
    assert_eq!(next(&mut client), format!("answered {}", server.id()));
    server.kill();
    assert_eq!(client.line(), "failed");
    client.go_on();
    client.finish();
}

#[test]
fn a_second_server_is_refused() {
    let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
    let mut first = side(&programs, "server", &[]);
    let (code, printed, errors) = programs.start("ipc_peer.c", &["server"]).end();
    assert!(code == Some(1) && printed.is_empty() && errors.contains("generic_ipc_init"), "{code:?} {errors}");
    first.go_on();
    first.finish();
}

#[test]
fn requests_and_responses_larger_than_a_session_takes_by_default_pass() {
    let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
    let mut server = side(&programs, "server", &[]);
    let mut client = side(&programs, "client", &[&WHO[..], &["large"]].concat());
    answered(&mut client, &server);
    assert_eq!(next(&mut client), "same");
    for side in [&mut client, &mut server] {
        side.go_on();
    }
    client.finish();
    server.finish();
}

#[test]
fn a_server_that_is_stopped_while_it_is_sought_fails_the_request() {
    let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
    let mut server = side(&programs, "server", &[]);
    let pid = Pid::from_raw(server.id().cast_signed()).expect("a process");
    kill_process(pid, Signal::STOP).expect("a process to stop");
    let mut client = side(&programs, "client", &["who"]);
    let asked = Instant::now();
    assert_eq!(next(&mut client), "failed");
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    kill_process(pid, Signal::CONT).expect("a process to go on");
    for side in [&mut client, &mut server] {
        side.go_on();
    }
    client.finish();
    server.finish();
}

/// The endpoint at which programs of that directory meet.
fn endpoint(programs: &Programs) -> PathBuf {
    let found = fs::metadata(programs.directory()).expect("a directory");
    let directory = programs.runtime().join("twinring");
    DirBuilder::new().recursive(true).mode(0o700).create(&directory).expect("a directory of endpoints");
    directory.join(format!("beside-{:x}-{:x}.sock", found.dev(), found.ino()))
}

/// Answers as `ipc_peer.c` does.
fn answer(call: &mut Call<'_>) -> Result<(), twinring::Failure> {
    assert_eq!(call.selector().cast_signed(), -5);
    call.reply().extend_from_slice(std::process::id().to_string().as_bytes());
    Ok(())
}

#[test]
fn the_other_side_may_be_in_rust() {
    let Some(programs) = compiled(How::Shared, &["ipc_peer.c"]) else { return };
    let mut listener = Listener::bind(endpoint(&programs)).expect("a listener");
    let mut client = side(&programs, "client", &WHO);
    let connection = listener.accept_timeout(PATIENCE).expect("a client");
    let session = Session::new(connection, &SessionOptions::new(), answer).expect("a session");
    let heard: Vec<_> = WHO.iter().map(|_| next(&mut client)).collect();
    assert_eq!(heard.last(), Some(&format!("answered {}", std::process::id())), "{heard:?}");
    let asked = session.call_timeout(5_u32.wrapping_neg(), b"x", PATIENCE).expect("an answer");
    assert_eq!(asked, client.id().to_string().as_bytes());
    client.go_on();
    client.finish();
    drop((session, listener));

    let mut server = side(&programs, "server", &[]);
    let connection = twinring::connect(endpoint(&programs), PATIENCE).expect("a server");
    let session = Session::new(connection, &SessionOptions::new(), answer).expect("a session");
    let asked = session.call_timeout(5_u32.wrapping_neg(), b"x", PATIENCE).expect("an answer");
    assert_eq!(asked, server.id().to_string().as_bytes());
    drop(session);
    server.go_on();
    server.finish();
}
