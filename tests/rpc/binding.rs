//! Binding: what is compared, and what is said of a difference.

use std::sync::Arc;

use twinring::rpc::{BIND, BindError, Carrier, Context, Difference, Interface, Server};
use twinring::{Call, CallError, Failure};

use crate::carriers::{ALL, Over, connect};
use crate::office::{Clerk, ClerkClient, Desk, Office, OfficeClient, office};

mod other {
    //! Interfaces of the same names, as another program has them.

    #[derive(Clone, Debug, serde::Serialize, serde::Deserialize, twinring::rpc::Schema)]
    pub struct Point {
        pub x: f64,
        pub y: f32,
    }

    pub use crate::office::Shape;

    twinring::interface! {
        pub trait Office, client OfficeClient {
            fn add(a: i32, b: i32) -> i32;
            fn moved(shape: Shape, by: Point) -> Shape;
            fn subtract(a: i64, b: i64) -> i64;
            fn nothing();
            fn note(line: &str);
        }
    }

    twinring::interface! {
        pub trait Clerk, client ClerkClient {
            fn add(left: u8, right: u8) -> u8;
        }
    }

    twinring::interface! {
        pub trait Nobody, client NobodyClient { fn nothing(); }
    }
}

fn served(over: Over, server: Server) -> (crate::carriers::AnyCarrier, crate::carriers::Serving) {
    let (mut carriers, serving) = connect(over, Server::new(), server, 1);
    (carriers.pop().expect("a carrier"), serving)
}

#[test]
fn a_changed_type_is_named_with_both_versions() {
    for over in ALL {
        let (mut carrier, serving) = served(over, office(&Arc::default()));
        let error = other::OfficeClient::bind(&mut carrier).unwrap_err();
        let BindError::Differs { interface, differences } = &error else { panic!("{error:?}") };
        assert_eq!(interface, "Office");
        let shape = "Shape { Nothing, Circle(Point { x: f64, y: f64 }, f64), \
                     Polygon { corners: [Point { x: f64, y: f64 }], label: Option<String> } }";
        let difference = |procedure: &str, here: &str, there: Option<String>| Difference {
            procedure: procedure.into(),
            here: here.into(),
            there,
        };
        let moved = |y| format!("({shape}, Point {{ x: f64, y: {y} }}) -> {shape}");
        assert_eq!(
            *differences,
            [
                difference("add", "(i32, i32) -> i32", Some("(i64, i64) -> i64".into())),
                difference("moved", &moved("f32"), Some(moved("f64"))),
                difference("subtract", "(i64, i64) -> i64", None),
                difference("note", "(String) -> ()", Some("oneway (String)".into())),
            ]
        );
        let text = error.to_string();
        assert!(text.starts_with(
            "interface `Office` differs; procedure `add`: this side has (i32, i32) -> i32, the server has (i64, i64) -> i64;"
        ));
        assert!(
            text.contains("procedure `subtract`: this side has (i64, i64) -> i64, the server has none of this name")
        );
        drop(carrier);
        serving.finish();
    }
}

#[test]
fn a_part_of_an_interface_binds_whatever_its_arguments_are_called() {
    for over in ALL {
        let desk = Arc::new(Desk::default());
        let server = office(&desk).register::<dyn Clerk>(desk.clone());
        let (mut carrier, serving) = served(over, server);
        let mut clerk = other::ClerkClient::bind(&mut carrier).unwrap();
        assert_eq!(clerk.add(200, 55), Ok(255), "{over:?}");
        drop(carrier);
        serving.finish();
    }
}

#[test]
fn several_interfaces_are_served_side_by_side() {
    for over in ALL {
        let desk = Arc::new(Desk::default());
        let server = office(&desk).register::<dyn Clerk>(desk.clone());
        let (mut carrier, serving) = served(over, server);
        let office = OfficeClient::bind(&mut carrier).unwrap().stub().binding().clone();
        let mut clerk = ClerkClient::bind(&mut carrier).unwrap();
        assert_eq!(clerk.add(1, 2), Ok(3));
        assert!(clerk.name().is_ok());
        assert_eq!(OfficeClient::bound(&mut carrier, office).add(1, 2), Ok(3), "{over:?}");
        let error = other::NobodyClient::bind(&mut carrier).unwrap_err();
        assert_eq!(error.to_string(), "the peer does not serve the interface `Nobody`, but: Office, Clerk");
        drop(carrier);
        serving.finish();
    }
}

#[test]
fn the_last_of_two_of_one_name_is_found() {
    struct Other;
    impl other::Clerk for Other {
        fn add(&self, _: &mut Context<'_>, left: u8, right: u8) -> u8 {
            left - right
        }
    }
    let server =
        Server::new().register::<dyn Clerk>(Arc::new(Desk::default())).register::<dyn other::Clerk>(Arc::new(Other));
    let (carrier, serving) = served(Over::Unix, server);
    let mut clerk = other::ClerkClient::bind(carrier).unwrap();
    assert_eq!(clerk.add(3, 2), Ok(1));
    drop(clerk);
    serving.finish();
}

#[test]
fn who_serves_nothing_typed_says_so() {
    let (here, there) = twinring::pair().unwrap();
    let options = twinring::SessionOptions::new();
    let _there = twinring::Session::new(there, &options, ()).unwrap();
    let here = twinring::Session::new(here, &options, ()).unwrap();
    let error = OfficeClient::bind(here).unwrap_err();
    assert_eq!(error.to_string(), "the peer serves no typed procedures");
}

#[test]
fn what_is_not_typed_is_served_beside() {
    let (here, there) = twinring::pair().unwrap();
    let options = twinring::SessionOptions::new();
    let selector = |call: &mut Call<'_>| -> Result<(), Failure> {
        let selector = call.selector().to_string();
        call.reply().extend_from_slice(selector.as_bytes());
        Ok(())
    };
    let server = office(&Arc::default()).beside(selector);
    let _there = twinring::Session::new(there, &options, server).unwrap();
    let here = twinring::Session::new(here, &options, ()).unwrap();
    assert_eq!(here.call(7, b"").unwrap(), b"7");
    assert_eq!(OfficeClient::bind(&here).unwrap().add(1, 2), Ok(3));
}

#[test]
fn a_question_or_answer_that_is_none_is_an_error() {
    struct Says(Vec<u8>);
    impl Carrier for Says {
        fn call(
            &mut self,
            number: u32,
            _: &[u8],
            reply: &mut Vec<u8>,
            _: Option<std::time::Duration>,
        ) -> Result<(), CallError> {
            assert_eq!(number, BIND);
            reply.clone_from(&self.0);
            Ok(())
        }
        fn notify(&mut self, _: u32, _: &[u8]) -> Result<(), twinring::NotifyError> {
            Ok(())
        }
    }
    for answer in [&b""[..], b"\x07", b"\x00\x01\x05", b"\x00\xff\xff\xff\xff\x0f", b"\x00\x00\x00"] {
        let error = OfficeClient::bind(Says(answer.to_vec())).unwrap_err();
        assert!(matches!(error, BindError::BadReply(_)), "{answer:?}: {error:?}");
    }
    let few = OfficeClient::bind(Says(vec![0, 1, 5])).unwrap_err();
    assert_eq!(few.to_string(), "the answer to binding is none: 1 numbers for 14 procedures");
    // A place that was not asked for is none.
    let strange = OfficeClient::bind(Says(vec![2, 1, 99, 0])).unwrap_err();
    assert_eq!(strange, BindError::Differs { interface: "Office".into(), differences: Vec::new() });

    let (mut carrier, serving) = served(Over::Unix, office(&Arc::default()));
    let mut reply = Vec::new();
    let error = carrier.call(BIND, b"\xff\xff\xff", &mut reply, None).unwrap_err();
    assert!(matches!(error, CallError::Failed(_)), "{error:?}");
    drop(carrier);
    serving.finish();
}

#[test]
fn a_question_that_asks_for_one_thing_a_thousand_times_has_a_short_answer() {
    let (mut carrier, serving) = served(Over::Unix, office(&Arc::default()));
    let mut question = b"\x06Office".to_vec();
    question.extend(b"\xe8\x07");
    (0..1000).for_each(|_| question.extend(b"\x05moved\x00\x00"));
    let mut reply = Vec::new();
    carrier.call(BIND, &question, &mut reply, None).unwrap();
    assert!(reply.len() < 100 * 300, "{} bytes", reply.len());
    drop(carrier);
    serving.finish();
}

#[test]
fn a_fingerprint_is_the_same_in_every_build() {
    let description = <dyn Office as Interface>::DESCRIPTION;
    assert_eq!(description.name, "Office");
    let add = &description.procedures[0];
    assert_eq!(add.types(), "(i64, i64) -> i64");
    assert_eq!(add.fingerprint(), 0xb5af_af2f_cc81_2b2e);
    assert_eq!(
        description.procedures[1].types(),
        "(i64, i64) -> Result<i64, DivideError { ByZero, Overflow { of: i64 } }>"
    );
    assert_eq!(description.procedures[3].types(), "([u8]) -> {u8: u64}");
}

#[test]
fn types_that_could_keep_a_decoder_busy_are_refused() {
    use std::collections::BTreeMap;
    use twinring::rpc::{Description, Procedure, Schema};
    type Unit = ();
    fn is_refused<T: Schema>() -> bool {
        let returns = Box::leak(Box::new([Procedure {
            name: "any",
            oneway: false,
            arguments: &[],
            returns: T::SCHEMA,
            fails: None,
        }]));
        std::panic::catch_unwind(|| Description { name: "Any", procedures: returns }.checked()).is_err()
    }
    assert!(is_refused::<Vec<Unit>>());
    assert!(is_refused::<Option<(u8, Vec<((), [(); 3])>)>>());
    assert!(is_refused::<BTreeMap<(), ()>>());
    assert!(is_refused::<Result<u8, Vec<()>>>());
    assert!(!is_refused::<Vec<(Unit, u8)>>());
    assert!(!is_refused::<Vec<Option<()>>>());
    assert!(!is_refused::<BTreeMap<(), u8>>());
    assert!(!is_refused::<Vec<crate::office::Shape>>());
}
