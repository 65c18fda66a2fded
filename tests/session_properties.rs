//! What stands in frames, messages from fragments, and replies to calls: random inputs against reference models.

#[path = "session_properties/header.rs"]
mod header;
#[path = "session_properties/hello.rs"]
mod hello;
#[path = "session_properties/inputs.rs"]
mod inputs;
#[path = "session_properties/matching.rs"]
mod matching;
#[path = "session_properties/reassembly.rs"]
mod reassembly;
