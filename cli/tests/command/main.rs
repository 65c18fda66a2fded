//! The command as its users run it: real processes, their output, and their exit status.

mod bench;
mod browser;
mod calls;
mod echo;
mod endpoints;
mod help;
mod page;
mod rivals;
mod running;
mod sample;
mod stat;
mod talk;
mod top;
mod tour;
