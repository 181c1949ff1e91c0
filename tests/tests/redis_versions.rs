//! Both major versions of the `redis` crate beside each other in one process.

use redis::Commands as _;
use redis2::Commands as _;

#[test]
fn clients_of_both_versions_find_the_same_databases_under_a_name() {
    let today = larder_redis::Client::open("larder://both").expect("the URL is right");
    let tomorrow = larder_redis::redis2::Client::open("larder://both").expect("the URL is right");
    let mut writer = today.get_connection().expect("it is in this process");
    let mut reader = tomorrow.get_connection().expect("it is in this process");
    let () = writer.set("key", "value").expect("it is set");
    let value: String = reader.get("key").expect("there is a value");
    assert_eq!(value, "value");
}
