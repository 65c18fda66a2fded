//! A sandbox that closes around this process: from then on the kernel refuses a call.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter_all_threads,
};

/// Refuses `call`.
pub fn refuse(call: i64) {
    close(call, Vec::new(), nix::libc::EPERM);
}

/// Answers `call` by `errno` where its argument number `place` is `value`.
pub fn answer_where(call: i64, (place, value): (u8, u64), errno: i32) {
    let condition = SeccompCondition::new(place, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    let rule = SeccompRule::new(vec![condition.expect("a condition")]).expect("a rule");
    close(call, vec![rule], errno);
}

fn close(call: i64, rules: Vec<SeccompRule>, errno: i32) {
    let architecture = std::env::consts::ARCH.try_into().expect("a processor with a filter");
    let (rules, answer) = (BTreeMap::from([(call, rules)]), SeccompAction::Errno(errno as u32));
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture).expect("a filter");
    let program: BpfProgram = filter.try_into().expect("a program");
    apply_filter_all_threads(&program).expect("a kernel with filters");
}
