//! `list` and `attach`: who listens here, and what a service says.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use serde_json::Value;
use twinring::{Selector, Service, ServiceOptions, Session, SessionOptions};

use super::running::{PATIENCE, Place};

/// A service of this process in that place, as `ServiceOptions::publish` would name it.
fn published(place: &Place, name: &str) -> Service {
    let directory = place.path("twinring");
    if fs::create_dir(&directory).is_ok() {
        fs::set_permissions(&directory, Permissions::from_mode(0o700)).unwrap();
    }
    let path = place.path(&format!("twinring/{name}.{}.sock", std::process::id()));
    let service = ServiceOptions::new().bind(path.as_str()).unwrap();
    service.handle(Selector::new(1, 2), |request| {
        let payload = request.payload();
        request.reply().extend(payload.iter().rev());
        Ok(())
    });
    service.start(1).unwrap();
    service
}

#[track_caller]
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", said(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn rows(place: &Place) -> Vec<Value> {
    let text = printed(&place.run(&["list", "--json"]));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn list_shows_who_listens_and_how_many_are_connected() {
    let place = Place::new();
    assert_eq!(rows(&place), Vec::<Value>::new());
    let service = published(&place, "viewed");
    let options = SessionOptions::new().call_timeout(PATIENCE);
    let connect = || Session::new(twinring::connect(service.path(), PATIENCE).unwrap(), &options, ()).unwrap();
    let clients = [connect(), connect()];
    for client in &clients {
        client.call(Selector::new(1, 2).packed(), b"here").unwrap();
    }
    let echo = place.start(&["echo", "door"]);
    place.await_listener("door");
    let rows = rows(&place);
    assert_eq!(rows.len(), 2, "{rows:?}");
    let own = format!("viewed.{}", std::process::id());
    let (door, viewed) = (&rows[0], &rows[1]);
    assert_eq!((&door["name"], &door["service"], &door["connections"]), (&"door".into(), &false.into(), &Value::Null));
    assert_eq!(door["pid"], echo.0.id());
    assert!(door["program"].as_str().unwrap().ends_with("twinring"), "{door}");
    assert_eq!((&viewed["name"], &viewed["pid"]), (&own.as_str().into(), &std::process::id().into()));
    assert_eq!((&viewed["service"], &viewed["connections"]), (&true.into(), &2.into()));
    let table = printed(&place.run(&["list"]));
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains(&own), "{table}");
}

#[test]
fn what_a_dead_process_left_is_not_listed_and_removed() {
    let place = Place::new();
    let mut echo = place.start(&["echo", "door"]);
    place.await_listener("door");
    echo.0.kill().unwrap();
    echo.0.wait().unwrap();
    let (socket, lock) = (place.path("twinring/door.sock"), place.path("twinring/door.sock.lock"));
    assert!(fs::exists(&socket).unwrap() && fs::exists(&lock).unwrap(), "it left nothing behind");
    assert_eq!(rows(&place), Vec::<Value>::new());
    assert!(!fs::exists(&socket).unwrap() && !fs::exists(&lock).unwrap(), "something is left");
}

#[test]
fn attach_talks_to_the_service_of_a_process() {
    let place = Place::new();
    let pid = std::process::id().to_string();
    let nobody = place.run(&["attach", &pid]);
    assert_eq!(
        said(&nobody),
        format!("twinring: process {pid} listens nowhere here: `twinring list` shows who does\n")
    );
    let echo = place.start(&["echo", "door"]);
    place.await_listener("door");
    let listener = place.run(&["attach", &echo.0.id().to_string()]);
    assert!(said(&listener).starts_with("twinring: what listens at door is no service"), "{}", said(&listener));
    let _service = published(&place, "viewed");
    let about = printed(&place.run(&["attach", &pid]));
    assert!(about.starts_with(&format!("pid {pid}\n")) && about.contains("\ncall 1:2\n"), "{about}");
    assert_eq!(printed(&place.run(&["attach", &pid, "1:2", "hello"])), "olleh");
    let unknown = place.run(&["attach", &pid, "3:4"]);
    assert!(said(&unknown).contains("no handler for this selector"), "{}", said(&unknown));
    let _other = published(&place, "other");
    let both = place.run(&["attach", &pid]);
    assert!(said(&both).contains(&format!("choose with --name: other.{pid}, viewed.{pid}")), "{}", said(&both));
    let name = format!("viewed.{pid}");
    assert_eq!(printed(&place.run(&["attach", &pid, "1:2", "ab", "--name", &name])), "ba");
    let wrong = place.run(&["attach", &pid, "1"]);
    assert!(said(&wrong).contains("expected SERVICE:ID"), "{}", said(&wrong));
}
