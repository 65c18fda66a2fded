//! For all values and all bytes.

use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use twinring::rpc::{BIND, Binding, Carrier, FIRST, decode, write_returned};
use twinring::{CallError, NotifyError};

use crate::office::{Desk, Office, OfficeClient, Point, Shape, office};

/// Carries calls to a server in this very thread, and may change what it carries.
struct Direct<'a> {
    server: &'a twinring::rpc::Server,
    reply: Option<&'a [u8]>,
}

struct Nobody;

impl Carrier for Nobody {
    fn call(&mut self, _: u32, _: &[u8], _: &mut Vec<u8>, _: Option<Duration>) -> Result<(), CallError> {
        Err(CallError::Busy)
    }

    fn notify(&mut self, _: u32, _: &[u8]) -> Result<(), NotifyError> {
        Ok(())
    }
}

impl Carrier for Direct<'_> {
    fn call(&mut self, number: u32, request: &[u8], reply: &mut Vec<u8>, _: Option<Duration>) -> Result<(), CallError> {
        reply.clear();
        match self.reply {
            Some(bytes) => reply.extend_from_slice(bytes),
            None => self.server.run(number, request, reply, &mut Nobody).map_err(|_| CallError::NoSelector)?,
        }
        Ok(())
    }

    fn notify(&mut self, number: u32, event: &[u8]) -> Result<(), NotifyError> {
        self.server.run_event(number, event, &mut Nobody);
        Ok(())
    }
}

fn finite() -> impl Strategy<Value = f64> {
    any::<f64>().prop_filter("equal to itself", |number| !number.is_nan())
}

fn point() -> impl Strategy<Value = Point> {
    (finite(), finite()).prop_map(|(x, y)| Point { x, y })
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Nothing),
        (point(), finite()).prop_map(|(center, radius)| Shape::Circle(center, radius)),
        (vec(point(), 0..5), any::<Option<String>>()).prop_map(|(corners, label)| Shape::Polygon { corners, label }),
    ]
}

proptest! {
    #[test]
    fn what_is_called_with_arrives(shape in shape(), a: i64, b: i64, bytes: Vec<u8>, line: String) {
        let desk = Arc::new(Desk::default());
        let server = office(&desk);
        let mut office = OfficeClient::bind(Direct { server: &server, reply: None }).unwrap();
        prop_assert_eq!(office.add(a, b), Ok(a.wrapping_add(b)));
        prop_assert_eq!(office.moved(shape.clone(), Point { x: 0.0, y: 0.0 }), Ok(shape));
        let counted = office.census(&bytes).unwrap();
        prop_assert_eq!(counted.values().sum::<u64>(), bytes.len() as u64);
        office.note(&line).unwrap();
        prop_assert_eq!(office.notes(), Ok(vec![line]));
    }

    #[test]
    fn bytes_decode_to_one_value_or_none(bytes in vec(any::<u8>(), 0..40)) {
        // What is accepted is written back as bytes that mean the same.
        if let Ok(shape) = decode::<Shape>(&bytes) {
            let mut written = Vec::new();
            write_returned(&mut written, &shape);
            let again: Shape = decode(&written[1..]).unwrap();
            prop_assert_eq!(format!("{shape:?}"), format!("{again:?}"));
            let longer: Vec<u8> = written[1..].iter().copied().chain([0]).collect();
            prop_assert!(decode::<Shape>(&longer).is_err());
        }
    }

    #[test]
    fn any_request_by_any_number_is_answered(number in numbers(), request in vec(any::<u8>(), 0..60)) {
        let server = office(&Arc::new(Desk::default()));
        let mut reply = vec![9];
        let result = server.run(number, &request, &mut reply, &mut Nobody);
        prop_assert!(result.is_err() || reply.first().is_some_and(|&outcome| outcome <= 4));
        server.run_event(number, &request, &mut Nobody);
    }

    #[test]
    fn any_reply_is_a_value_or_an_error(reply in vec(any::<u8>(), 0..60)) {
        let server = office(&Arc::default());
        let binding = Binding::<dyn Office>::ask(&mut Direct { server: &server, reply: None }).unwrap();
        let mut office = OfficeClient::bound(Direct { server: &server, reply: Some(&reply) }, binding);
        let returned = [
            office.add(1, 2).is_ok(),
            office.moved(Shape::Nothing, Point { x: 0.0, y: 0.0 }).is_ok(),
            office.notes().is_ok(),
            office.nothing().is_ok(),
        ];
        prop_assert!(reply.first() == Some(&0) || returned == [false; 4]);
        let _ = office.divide(1, 2);
        let _ = OfficeClient::bind(Direct { server: &server, reply: Some(&reply) });
    }
}

/// All but the procedures that wait or panic, and `bytes`, which would make as many as it is told to.
fn numbers() -> impl Strategy<Value = u32> {
    let plain = [0, 1, 2, 3, 5, 7, 9, 11, 12, 13, 14, 15].map(|place| FIRST + place);
    prop_oneof![
        prop::sample::select(plain.to_vec()),
        Just(BIND),
        any::<u32>().prop_filter("not these", |&number| { ![4, 6, 8, 10].contains(&number.wrapping_sub(FIRST)) })
    ]
}
