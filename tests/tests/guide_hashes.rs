//! The usual guide to Redis hashes, call by call, done with larder and no server; and fields with deadlines of their own.

use larder::{Error, ManualClock, Store};
use std::collections::BTreeMap;
use std::time::Duration;

const USER: [(&str, &str); 3] = [
    ("name", "John"),
    ("email", "john@example.com"),
    ("age", "30"),
];

fn store_with_user() -> Result<Store, Error> {
    let store = Store::new();
    store.hash::<String>("user:1").set_many(USER)?;
    Ok(store)
}

#[test]
fn an_object_is_stored_field_by_field() -> Result<(), Error> {
    let store = Store::new();
    let user = store.hash::<String>("user:1");
    assert_eq!(user.set_many(USER)?, 3);
    assert_eq!(user.len()?, 3);
    Ok(())
}

#[test]
fn one_field_is_read() -> Result<(), Error> {
    let store = store_with_user()?;
    let user = store.hash::<String>("user:1");
    assert_eq!(user.get("name")?.as_deref(), Some("John"));
    assert_eq!(user.get("phone")?, None);
    Ok(())
}

#[test]
fn all_fields_are_read() -> Result<(), Error> {
    let store = store_with_user()?;
    let user = store.hash::<String>("user:1").entries::<String>()?;
    let user: BTreeMap<_, _> = user.into_iter().collect();
    let expected = USER.map(|(field, value)| (field.to_owned(), value.to_owned()));
    assert_eq!(user, BTreeMap::from(expected));
    Ok(())
}

#[test]
fn a_field_is_changed() -> Result<(), Error> {
    let store = store_with_user()?;
    let is_new = store.hash::<String>("user:1").set("age", 31)?;
    assert!(!is_new);
    assert_eq!(store.hash::<u32>("user:1").get("age")?, Some(31));
    Ok(())
}

#[test]
fn a_field_is_counted_up() -> Result<(), Error> {
    let store = store_with_user()?;
    let user = store.hash::<String>("user:1");
    assert_eq!(user.incr("age", 1)?, 31);
    assert_eq!(user.get("age")?.as_deref(), Some("31"));
    Ok(())
}

#[test]
fn a_field_is_deleted() -> Result<(), Error> {
    let store = store_with_user()?;
    let user = store.hash::<String>("user:1");
    assert!(user.remove("email")?);
    assert!(!user.remove("email")?);
    assert_eq!(user.len()?, 2);
    Ok(())
}

#[test]
fn a_field_is_looked_for() -> Result<(), Error> {
    let store = store_with_user()?;
    let user = store.hash::<String>("user:1");
    assert!(user.contains("name")?);
    assert!(!user.contains("phone")?);
    Ok(())
}

#[test]
fn a_field_expires_and_the_others_stay() -> Result<(), Error> {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build();
    let store = store.expect("the settings are valid");
    let user = store.hash::<String>("user:1");
    user.set_many([("name", "John"), ("code", "1234")])?;
    user.expire(["code"], Duration::from_secs(60), None)?;
    time.advance(Duration::from_secs(61));
    assert_eq!(user.fields::<String>()?, ["name"]);
    Ok(())
}

#[test]
fn two_fields_change_together_or_not_at_all() -> Result<(), Error> {
    let store = Store::new();
    store
        .hash::<i64>("account")
        .set_many([("a", 10), ("b", 0)])?;
    let pay = |amount: i64| {
        store.atomic(["account"], |tx| {
            let account = tx.hash::<i64>("account");
            account.incr("b", amount)?;
            match account.incr("a", -amount)? {
                0.. => Ok(()),
                _ => Err(Error::OutOfRange),
            }
        })
    };
    assert_eq!(pay(7), Ok(()));
    assert_eq!(pay(7), Err(Error::OutOfRange));
    let account = store.hash::<i64>("account");
    assert_eq!(account.get_many(["a", "b"])?, [Some(3), Some(7)]);
    Ok(())
}
