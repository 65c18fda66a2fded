//! What is particular to messages over a socket: how it is chosen, what a lie on it does, how it ends, where no memory can be
//! shared, and streams of any kind. What is as over shared memory is tested by the `…_over_socket.rs` beside this file.

#[path = "support/content.rs"]
mod content;
#[path = "support/leaks.rs"]
mod leaks;
#[path = "support/process.rs"]
mod process;
#[path = "support/raw.rs"]
mod raw;
#[path = "support/refusing.rs"]
mod refusing;
#[path = "support/waits.rs"]
mod waits;

#[path = "over_socket/choosing.rs"]
mod choosing;
#[path = "over_socket/ending.rs"]
mod ending;
#[path = "over_socket/lies.rs"]
mod lies;
#[path = "over_socket/load.rs"]
mod load;
#[path = "over_socket/moving.rs"]
mod moving;
#[path = "over_socket/namespaces.rs"]
mod namespaces;
#[path = "over_socket/properties.rs"]
mod properties;
#[path = "over_socket/sandbox.rs"]
mod sandbox;
#[path = "over_socket/streams.rs"]
mod streams;
#[path = "over_socket/thread.rs"]
mod thread;

/// What most connections here are made with.
fn options() -> twinring::Options {
    twinring::Options::new().transport(twinring::Transport::Socket).wait(twinring::WaitStrategy::Park)
}

#[test]
fn second_process() {
    match process::part().as_deref() {
        None => {}
        Some("echo") => load::echo(),
        Some("stuck") => ending::stuck(),
        Some("is answered") => moving::is_answered(),
        Some("only sends") => moving::only_sends(),
        Some("sandboxed") => sandbox::sandboxed(),
        Some("keeps what has ended") => thread::keeps_what_has_ended(),
        Some("may not wait") => thread::may_not_wait(),
        Some("may not watch") => thread::may_not_watch(),
        Some("may not send") => sandbox::may_not_send(),
        Some("of another namespace") => namespaces::of_another_namespace(),
        Some(other) => panic!("no such part: {other}"),
    }
}
