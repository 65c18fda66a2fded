//! Memory that is mapped: what the processor makes of its fences, and what its copies are at every offset.

#[path = "memory/bounds.rs"]
mod bounds;
#[path = "memory/copies.rs"]
mod copies;
#[path = "memory/fences.rs"]
mod fences;
