//! stub
pub fn forks_and_passes_on() {}
