//! The command as its users run it: real processes, their output, and their exit status.

mod bench;
mod calls;
mod echo;
mod endpoints;
mod help;
mod running;
mod talk;
mod tour;
