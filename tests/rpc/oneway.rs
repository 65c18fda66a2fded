//! Calls without an answer.

use crate::carriers::{ALL, office_over};

#[test]
fn notes_arrive_in_order_and_one_that_panics_holds_up_nothing() {
    for over in ALL {
        let (mut office, desk, serving) = office_over(over);
        let expected: Vec<_> = (0..200).map(|number| format!("line {number}")).collect();
        for line in &expected {
            office.panic_quietly().unwrap();
            office.note(line).unwrap();
        }
        drop(office);
        // Leaving in order: what was sent is run.
        crate::carriers::until("all notes", || desk.lines.lock().unwrap().len() == expected.len());
        let mut lines = desk.lines.lock().unwrap().clone();
        if !over.keeps_order() {
            lines.sort_by_key(|line| line[5..].parse::<u32>().unwrap());
        }
        assert_eq!(lines, expected, "{over:?}");
        drop(serving);
    }
}
