//! Calls that go well.

use std::collections::BTreeMap;

use twinring::rpc::CallError;

use crate::carriers::{ALL, office_over};
use crate::office::{DivideError, OfficeClient, Point, Shape};

#[test]
fn values_of_all_kinds_go_there_and_back() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        assert_eq!(office.add(i64::MIN, 1), Ok(i64::MIN + 1), "{over:?}");
        assert_eq!(office.add(-1, 1), Ok(0));
        let polygon = |by: f64| Shape::Polygon {
            corners: vec![Point { x: by, y: 0.0 }, Point { x: by, y: -1.5 }],
            label: Some("Dreieck ▲".into()),
        };
        assert_eq!(office.moved(polygon(0.0), Point { x: 2.5, y: 0.0 }), Ok(polygon(2.5)));
        assert_eq!(office.moved(Shape::Nothing, Point { x: 0.0, y: 0.0 }), Ok(Shape::Nothing));
        assert_eq!(office.nothing(), Ok(()));
        assert_eq!(office.census(b"abba"), Ok(BTreeMap::from([(b'a', 2), (b'b', 2)])));
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_procedures_own_error_arrives_as_it_was() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        assert_eq!(office.divide(7, 2), Ok(3), "{over:?}");
        assert_eq!(office.divide(7, 0), Err(CallError::Procedure(DivideError::ByZero)));
        let overflow = DivideError::Overflow { of: i64::MIN };
        assert_eq!(office.divide(i64::MIN, -1), Err(CallError::Procedure(overflow)));
        drop(office);
        serving.finish();
    }
}

#[test]
fn large_arguments_and_results_arrive() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        for length in [0, 1, 40, 8_000, 16_384, 70_000, 900_000] {
            let expected: Vec<u8> = (0..length).map(|number| number as u8).collect();
            assert!(office.bytes(length).as_ref() == Ok(&expected), "{over:?}: {length} bytes");
            let census = office.census(&expected).unwrap();
            assert_eq!(census.values().sum::<u64>(), length, "{over:?}");
        }
        drop(office);
        serving.finish();
    }
}

#[test]
fn a_client_is_made_of_what_was_bound_before() {
    for over in ALL {
        let (mut office, _desk, serving) = office_over(over);
        let binding = office.stub().binding().clone();
        let mut again = OfficeClient::bound(office.stub().carrier(), binding);
        assert_eq!(again.add(1, 2), Ok(3), "{over:?}");
        drop(office);
        serving.finish();
    }
}
