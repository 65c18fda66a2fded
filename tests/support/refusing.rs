//! A sandbox that closes around this process: from then on the kernel refuses a call.
#![allow(dead_code, reason = "each test binary uses what it needs of it")]

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter, apply_filter_all_threads,
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

/// Kills this process once this thread makes one of `calls`.
pub fn kill_for(calls: &[i64]) {
    let rules = calls.iter().map(|&call| (call, Vec::new())).collect();
    apply_filter(&program(rules, SeccompAction::KillProcess)).expect("a kernel with filters");
}

fn close(call: i64, rules: Vec<SeccompRule>, errno: i32) {
    let rules = BTreeMap::from([(call, rules)]);
    apply_filter_all_threads(&program(rules, SeccompAction::Errno(errno as u32))).expect("a kernel with filters");
}

fn program(rules: BTreeMap<i64, Vec<SeccompRule>>, answer: SeccompAction) -> BpfProgram {
    let architecture = std::env::consts::ARCH.try_into().expect("a processor with a filter");
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture).expect("a filter");
    filter.try_into().expect("a program")
}
