//! The usual guide to Redis sets, call by call, done with larder and no server; and the visitors that they count.

use larder::{Error, Store};
use std::collections::BTreeSet;

fn tagged() -> Result<Store, Error> {
    let store = Store::new();
    store
        .set_of::<String>("tags:article1")
        .add_many(["python", "redis", "database"])?;
    store
        .set_of::<String>("tags:article2")
        .add_many(["python", "django", "web"])?;
    Ok(store)
}

fn sorted(members: Vec<String>) -> Vec<String> {
    members
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

const ARTICLES: [&str; 2] = ["tags:article1", "tags:article2"];

#[test]
fn members_are_added_once() -> Result<(), Error> {
    let store = Store::new();
    let tags = store.set_of::<String>("tags:article1");
    assert_eq!(tags.add_many(["python", "redis", "database"])?, 3);
    assert_eq!(tags.add_many(["python", "cache"])?, 1);
    assert_eq!(tags.len()?, 4);
    Ok(())
}

#[test]
fn all_members_are_read() -> Result<(), Error> {
    let store = tagged()?;
    let tags = store.set_of::<String>("tags:article1").members()?;
    assert_eq!(sorted(tags), ["database", "python", "redis"]);
    Ok(())
}

#[test]
fn a_member_is_looked_for() -> Result<(), Error> {
    let store = tagged()?;
    let tags = store.set_of::<String>("tags:article1");
    assert!(tags.contains("python")?);
    assert!(!tags.contains("django")?);
    Ok(())
}

#[test]
fn common_tags_are_found() -> Result<(), Error> {
    assert_eq!(tagged()?.intersection::<String>(ARTICLES)?, ["python"]);
    Ok(())
}

#[test]
fn all_tags_are_found() -> Result<(), Error> {
    let all = tagged()?.union::<String>(ARTICLES)?;
    assert_eq!(
        sorted(all),
        ["database", "django", "python", "redis", "web"]
    );
    Ok(())
}

#[test]
fn tags_of_the_first_only_are_found() -> Result<(), Error> {
    let only = tagged()?.difference::<String>(ARTICLES)?;
    assert_eq!(sorted(only), ["database", "redis"]);
    Ok(())
}

#[test]
fn a_random_member_is_one_of_them_and_stays() -> Result<(), Error> {
    let store = tagged()?;
    let tags = store.set_of::<String>("tags:article1");
    let tag = tags.random()?.expect("the set is not empty");
    assert!(tags.contains(&tag)?);
    assert_eq!(tags.len()?, 3);
    Ok(())
}

#[test]
fn a_member_is_removed() -> Result<(), Error> {
    let store = tagged()?;
    let tags = store.set_of::<String>("tags:article1");
    assert!(tags.remove("database")?);
    assert!(!tags.remove("database")?);
    assert_eq!(sorted(tags.members()?), ["python", "redis"]);
    Ok(())
}

#[test]
fn visitors_are_counted_once_a_day_and_over_days() -> Result<(), Error> {
    let store = Store::new();
    for visit in 0..1000_u32 {
        let day = format!("visitors:{}", visit % 2);
        store.set_of::<u32>(day).add(visit % 150)?;
    }
    let days = ["visitors:0", "visitors:1"];
    assert_eq!(store.set_of::<u32>("visitors:0").len()?, 75);
    assert_eq!(store.union_len(days, None)?, 150);
    assert_eq!(store.intersection_len(days, None)?, 0);
    Ok(())
}
