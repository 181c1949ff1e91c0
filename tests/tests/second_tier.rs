//! The second tier of `examples/second_tier.rs`, checked. Needs a `redis-server` on the path; without one the test says so
//! and ends.

#[allow(dead_code, reason = "the example's own story")]
#[path = "../examples/second_tier.rs"]
mod second_tier;

use redis::Commands;
use second_tier::{Machine, Server};

#[test]
fn two_machines_share_a_server_and_hear_of_each_others_writes() {
    let Some(server) = Server::start() else {
        eprintln!("SKIPPED: no redis-server on the path");
        return;
    };
    let (one, two) = (Machine::new(&server), Machine::new(&server));
    one.set("user:7", "Ada");
    assert_eq!(two.told.recv().as_deref(), Ok("user:7"));
    assert_eq!(two.get("user:7").as_deref(), Some("Ada"));

    // Within the process from now on: the server may be asked for nothing.
    let mut connection = server.connection();
    let () = connection
        .set("user:7", "unseen")
        .expect("the server answers");
    assert_eq!(two.get("user:7").as_deref(), Some("Ada"));

    one.set("user:7", "Grace");
    assert_eq!(two.told.recv().as_deref(), Ok("user:7"));
    assert_eq!(two.get("user:7").as_deref(), Some("Grace"));
    two.users
        .remove(&"user:7".to_owned())
        .expect("the server answers");
    for told in ["user:7", "user:7", "user:7"] {
        assert_eq!(one.told.recv().as_deref(), Ok(told));
    }
    assert_eq!(one.get("user:7"), None);
}
