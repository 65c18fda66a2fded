//! A typed call of plain values allocates nothing, at either side.

use crate::carriers::{Over, office_over};
use crate::counting::asked;

const CALLS: i64 = 2000;

/// Allocations that do not grow with the calls.
const FEW: u64 = 32;

#[test]
fn calls_of_plain_values_allocate_nothing() {
    for (over, most) in [(Over::Local, 0), (Over::Session, FEW), (Over::Unix, FEW), (Over::Pipes, FEW)] {
        let (mut office, _desk, serving) = office_over(over);
        let mut counts = |calls: i64| {
            (0..calls).for_each(|number| {
                assert_eq!(office.add(number, 1), Ok(number + 1));
                assert!(office.divide(number, 1).is_ok());
                office.nothing().unwrap();
            });
            (office.allocations().unwrap(), asked())
        };
        counts(CALLS);
        let (there, here) = counts(1);
        let (there_later, here_later) = counts(CALLS);
        assert!(here_later - here <= most, "{over:?}: the side that calls: {}", here_later - here);
        // Over a stream two threads take turns, each of which counts for itself.
        if matches!(over, Over::Local | Over::Session) {
            assert!(there_later - there <= most, "{over:?}: the other side: {}", there_later - there);
        }
        drop(office);
        serving.finish();
    }
}
