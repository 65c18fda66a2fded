//! stub
pub fn moves_waiters() {}
