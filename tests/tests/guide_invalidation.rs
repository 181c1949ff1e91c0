//! The usual guide's invalidation: one key, a pattern, all that belongs to a user; and its scan over everything.

use larder::{Cache, Glob, Loaded, Store, Tag, Tags, Upkeep};

/// All that the guide's example keeps of so many users.
const KEYS: [&str; 4] = [
    "user:{}",
    "user:{}:profile",
    "user:{}:mail",
    "orders:user:{}:1",
];

fn keys(user: u32) -> impl Iterator<Item = String> {
    KEYS.iter()
        .map(move |key| key.replace("{}", &user.to_string()))
}

fn filled(cache: &Cache<String, u32>, users: u32) {
    for user in 0..users {
        keys(user).for_each(|key| assert!(!cache.insert(key, user).is_rejected()));
    }
}

/// The guide's patterns for one user.
fn patterns(user: u32) -> [Glob; 3] {
    ["user:{}", "user:{}:*", "orders:user:{}:*"]
        .map(|key| Glob::new(key.replace("{}", &user.to_string())))
}

#[test]
fn one_key_is_removed() {
    let cache = Cache::<String, u32>::new(100);
    filled(&cache, 2);
    assert_eq!(cache.remove("user:1"), Some(1));
    assert_eq!((cache.get("user:1"), cache.get("user:0")), (None, Some(0)));
}

#[test]
fn a_pattern_or_a_prefix_is_removed_in_one_walk() {
    let cache = Cache::<String, u32>::new(1000);
    filled(&cache, 100);
    assert_eq!(cache.remove_matching([&Glob::new("user:1:*")]), 2);
    assert_eq!(cache.remove_prefix("orders:user:1:"), 1);
    assert_eq!(cache.len(), 397);
}

#[test]
fn several_patterns_are_removed_in_one_walk_and_by_no_more_than_they_say() {
    let cache = Cache::<String, u32>::new(1000);
    filled(&cache, 100);
    assert_eq!(cache.remove_matching(&patterns(1)), 4);
    assert!(
        keys(10).all(|key| cache.get(&key) == Some(10)),
        "`user:10` does not match `user:1`"
    );
}

#[test]
fn the_keys_of_a_store_are_removed_by_pattern_as_the_guide_does() -> Result<(), larder::Error> {
    let store = Store::new();
    for user in 0..10 {
        for key in keys(user) {
            store.set(&key, user)?;
        }
    }
    let found = ["user:1", "user:1:*", "orders:user:1:*"].map(|pattern| store.keys(pattern));
    let found: Vec<_> = found.into_iter().flatten().collect();
    assert_eq!(store.remove_many(&found), 4);
    assert_eq!(
        store.keys("*1*").len(),
        9,
        "the first orders of the other nine"
    );
    Ok(())
}

#[test]
fn what_a_predicate_says_is_removed() {
    let cache = Cache::<String, u32>::new(1000);
    filled(&cache, 100);
    assert_eq!(cache.retain(|_, user| user % 2 == 0), 200);
}

#[test]
fn trap_scan_all_that_belongs_to_a_user_goes_by_its_tag_and_no_key_is_looked_at() {
    let tags = Tags::new();
    let user_of = |key: &String, tags: &mut Vec<Tag>| {
        let user = key.split(':').skip_while(|part| *part != "user").nth(1);
        tags.extend(user.map(|user| Tag::new(format!("user:{user}"))));
    };
    let cache: Cache<String, u32> = Cache::builder()
        .max_entries(1_000)
        .tags(&tags)
        .tag_by(user_of)
        .build()
        .expect("the settings are valid");
    filled(&cache, 100);

    // The guide's way looks at each of the keys for each of the patterns.
    let mut looked_at = 0;
    cache.for_each(|_, _| looked_at += patterns(1).len());
    assert_eq!(looked_at, 1_200);

    tags.invalidate("user:1");
    assert!(keys(1).all(|key| cache.get(&key).is_none()));
    assert!(
        keys(10)
            .chain(keys(11))
            .all(|key| cache.get(&key).is_some())
    );
}

#[test]
fn trap_scan_all_that_belongs_to_a_user_goes_by_its_prefixes_and_no_key_is_looked_at() {
    let cache: Cache<String, u32> = Cache::builder()
        .max_entries(1_000)
        .prefixes(b':')
        .build()
        .expect("the settings are valid");
    filled(&cache, 100);
    cache.invalidate_matching(&patterns(1));
    // Nobody has looked at them: they are counted until somebody asks.
    assert_eq!(cache.len(), 400);
    assert!(keys(1).all(|key| cache.get(&key).is_none()));
    assert!(
        keys(10)
            .chain(keys(11))
            .all(|key| cache.get(&key).is_some())
    );
    // What comes afterwards stays.
    filled(&cache, 2);
    assert!(keys(1).all(|key| cache.get(&key) == Some(1)));
}

#[test]
fn trap_scan_the_keys_of_a_store_go_by_their_prefixes_too() -> Result<(), larder::Error> {
    let store = Store::builder()
        .upkeep(Upkeep::Manual)
        .prefixes(b':')
        .build();
    let store = store.expect("the settings are valid");
    for user in 0..100 {
        for key in keys(user) {
            store.set(&key, user)?;
        }
    }
    store.invalidate_matching(&patterns(1));
    assert_eq!(store.len(), 400, "nobody has looked at them");
    assert!(keys(1).all(|key| !store.exists(&key)));
    assert!(keys(10).chain(keys(11)).all(|key| store.exists(&key)));
    store.set("user:1:profile", 7)?;
    store.tick();
    assert_eq!((store.len(), store.get("user:1:profile")?), (397, Some(7)));
    // A prefix that is no group is looked for.
    store.invalidate_prefix("user:1");
    assert_eq!(store.keys("user:1*").len(), 0);
    Ok(())
}

#[test]
fn trap_scan_what_is_being_loaded_is_covered_too() {
    // The guide's way: what a scan cannot see yet is stored after it, from before it.
    let plain = Cache::<String, u32>::new(100);
    let store = Store::new();
    store.set("seen", 0).expect("there is room");
    let loaded = {
        let read = 1;
        store.remove_many(store.keys("user:1*"));
        store.set("user:1", read).expect("there is room");
        store.get::<u32>("user:1")
    };
    assert_eq!(loaded, Ok(Some(1)), "the guide's way");

    let walked = plain.get_or_load("user:1", || {
        assert_eq!(plain.remove_prefix("user:1"), 0);
        1
    });
    assert_eq!((walked, plain.get("user:1")), (Ok(1), None));

    let tags = Tags::new();
    let tagged: Cache<String, u32> = Cache::builder()
        .max_entries(100)
        .tags(&tags)
        .build()
        .expect("the settings are valid");
    let fetched = tagged.fetch("user:1", || {
        tags.invalidate("user:1");
        Ok::<_, String>(Loaded::new(1).tag("user:1"))
    });
    assert_eq!((fetched, tagged.get("user:1")), (Ok(1), None));
}

#[test]
fn tags_by_the_million_are_bounded_and_none_comes_back() {
    let tags = Tags::with_capacity(1_000);
    let cache: Cache<u32, u32> = Cache::builder()
        .max_entries(2_000)
        .tags(&tags)
        .build()
        .expect("the settings are valid");
    for key in 0..1_000 {
        cache.insert_loaded(key, Loaded::new(key).tag(&key.to_le_bytes()));
    }
    for key in 0..1_000_000_u32 {
        tags.invalidate(&key.to_le_bytes());
    }
    assert!((0..1_000).all(|key| cache.get(&key).is_none()));
}
