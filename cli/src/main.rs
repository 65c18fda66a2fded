//! The `twinring` command.
fn main() {}
