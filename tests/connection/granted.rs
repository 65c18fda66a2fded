//! What who authorises grants in place of what its options say.

use twinring::{Connection, Decision, HandshakeError, Options, Terms};

/// Two sides that are each accepted on these terms.
fn granted(terms: Terms) -> Result<(Connection, Connection), HandshakeError> {
    let options: Options = crate::options();
    options.authorise(move |_| Decision::AcceptWith(terms.clone())).pair()
}

/// The largest messages that the two sides of a pair can send.
fn largest((mut here, mut there): (Connection, Connection)) -> [usize; 2] {
    [&mut here, &mut there].map(|side| side.ends().0.largest())
}

#[test]
fn a_ring_is_as_large_as_was_granted() {
    let small = crate::options().ring_capacity(4096).pair().expect("a pair");
    let granted = granted(Terms::new().ring_capacity(4096)).expect("a pair");
    assert_eq!(largest(granted), largest(small));
}

#[test]
fn a_peers_ring_is_no_larger_than_was_granted() {
    let error = granted(Terms::new().largest_peer_ring(4096)).map(drop).expect_err("1 MiB is more");
    assert!(error.to_string().contains("the size of a ring"), "{error}");
    granted(Terms::new().largest_peer_ring(1 << 20)).expect("1 MiB is not");
}
