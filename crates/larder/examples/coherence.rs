//! Two components of one program, each with a cache of its own, kept coherent by the store's keyspace events.
//!
//! The store holds users as hashes. Each component caches users in the form in which it needs them, which takes it more than a
//! look-up to make, and listens to what happens to their keys: whatever is told of, it forgets. Nobody who writes has to
//! know who caches. Three things make it correct: an event is sent before the call that caused it returns; what is
//! forgotten while it is being loaded does not land in the cache; and a gap (more events than there was room for) makes a
//! component forget everything, since any user may have been among them.
//!
//! ```text
//! cargo run -p larder --example coherence
//! ```

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use larder::{
    BusError, Cache, Event, EventMask, KeyEvent, LoadError, ManualClock, Overflow, Store,
    Subscription,
};

/// A part of the program with its own view of the users.
struct Component {
    store: Store,
    /// What it makes of a user.
    view: fn(&Store, &str) -> String,
    cache: Cache<String, String>,
    events: Subscription<Arc<KeyEvent>>,
    loads: usize,
}

impl Component {
    fn new(
        store: &Store,
        unread: usize,
        view: fn(&Store, &str) -> String,
    ) -> Result<Self, BusError> {
        Ok(Component {
            store: store.clone(),
            view,
            cache: Cache::new(1_000),
            events: store.events_with(EventMask::ALL, "user:*", Overflow::lag(unread))?,
            loads: 0,
        })
    }

    /// Forgets what has changed since; returns how much it forgot.
    fn catch_up(&mut self) -> usize {
        let (mut forgotten, cache) = (0, &self.cache);
        let mut forget = |event: Event<&Arc<KeyEvent>>| match event {
            Event::Message(event) => {
                let key = String::from_utf8_lossy(event.key());
                forgotten += usize::from(cache.remove(&*key).is_some());
            }
            Event::Gap { .. } => {
                forgotten += cache.len();
                cache.clear();
            }
        };
        while self.events.try_recv_with(&mut forget).is_ok() {}
        forgotten
    }

    fn show(&mut self, key: &str) -> Result<String, LoadError<Infallible>> {
        self.catch_up();
        let (store, view, loads) = (&self.store, self.view, &mut self.loads);
        self.cache.get_or_load(&key.to_owned(), || {
            *loads += 1;
            view(store, key)
        })
    }
}

/// A user as the profile page shows it.
fn as_profile(store: &Store, key: &str) -> String {
    let user = store.hash::<String>(key);
    let name = user.get("name").ok().flatten();
    name.map_or_else(|| "nobody".to_owned(), |name| format!("profile of {name}"))
}

/// A user as the bill shows it.
fn as_bill(store: &Store, key: &str) -> String {
    let owed = store.hash::<i64>(key).get("owes").ok().flatten();
    format!("owes {}", owed.unwrap_or(0))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let time = ManualClock::new();
    let store = Store::builder().clock(time.clock()).build()?;
    let mut profile = Component::new(&store, 16, as_profile)?;
    let mut billing = Component::new(&store, 16, as_bill)?;

    store
        .hash::<String>("user:1")
        .set_many([("name", "Ada"), ("owes", "3")])?;
    for _ in 0..100 {
        assert_eq!(profile.show("user:1")?, "profile of Ada");
        assert_eq!(billing.show("user:1")?, "owes 3");
    }
    assert_eq!((profile.loads, billing.loads), (1, 1));
    println!("200 reads, 2 loads");

    store.hash::<i64>("user:1").incr("owes", 4)?;
    assert_eq!(billing.show("user:1")?, "owes 7");
    store.rename("user:1", "user:2")?;
    assert_eq!(profile.show("user:1")?, "nobody");
    assert_eq!(profile.show("user:2")?, "profile of Ada");
    println!("changes of fields and names are seen by both");

    store.expire("user:2", Duration::from_secs(60))?;
    assert_eq!(profile.show("user:2")?, "profile of Ada");
    time.advance(Duration::from_secs(60));
    store.tick();
    assert_eq!(profile.show("user:2")?, "nobody");
    println!("what expires is forgotten");

    for id in 0..100 {
        billing.show(&format!("user:{id}"))?;
    }
    for id in 0..100 {
        store.hash::<i64>(format!("user:{id}")).set("owes", id)?;
    }
    let forgotten = billing.catch_up();
    assert_eq!(forgotten, 100);
    println!("after 100 changes and room for 16, billing forgets all {forgotten}");
    for id in 0..100 {
        assert_eq!(billing.show(&format!("user:{id}"))?, format!("owes {id}"));
    }
    println!("no stale user is shown");
    Ok(())
}
