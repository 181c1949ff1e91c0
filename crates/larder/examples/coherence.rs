//! Two components of one program, each with a cache of its own, kept coherent by events on a bus.
//!
//! Whoever changes a record says so on a topic; the other forgets what it holds of it. Two things make it correct: a change is
//! published after it was made, so that who forgets loads the new record; and a gap (more changes than the reader had
//! room for) makes it forget everything, since any record may have been among them.
//!
//! ```text
//! cargo run -p larder --example coherence
//! ```

#![allow(clippy::disallowed_methods, reason = "an example may lock")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use larder::{Bus, BusError, Cache, Event, LoadError, Overflow, Subscription, Topic};

/// The records that both components read and write.
type Records = Arc<Mutex<HashMap<u64, String>>>;

/// A record was changed.
struct Changed {
    id: u64,
}

/// A part of the program with its own view of the records.
struct Component {
    records: Records,
    cache: Cache<u64, String>,
    changes: Topic<Changed>,
    news: Subscription<Arc<Changed>>,
}

impl Component {
    fn new(records: &Records, bus: &Bus, unread: usize) -> Result<Self, BusError> {
        let changes = bus.topic("records")?;
        let news = changes.subscribe_with(Overflow::lag(unread))?;
        Ok(Component {
            records: Arc::clone(records),
            cache: Cache::new(1_000),
            changes,
            news,
        })
    }

    /// Forgets what others have changed; returns how much it forgot.
    fn catch_up(&mut self) -> usize {
        let mut forgotten = 0;
        let cache = &self.cache;
        let mut forget = |event: Event<&Arc<Changed>>| match event {
            Event::Message(changed) => {
                forgotten += usize::from(cache.remove(&changed.id).is_some())
            }
            Event::Gap { .. } => {
                forgotten += cache.len();
                cache.clear();
            }
        };
        while self.news.try_recv_with(&mut forget).is_ok() {}
        forgotten
    }

    fn read(&mut self, id: u64) -> Result<String, LoadError<std::convert::Infallible>> {
        self.catch_up();
        let records = &self.records;
        self.cache.get_or_load(&id, || {
            let records = records.lock().unwrap_or_else(|lock| lock.into_inner());
            records.get(&id).cloned().unwrap_or_default()
        })
    }

    fn write(&self, id: u64, text: &str) {
        let mut records = self.records.lock().unwrap_or_else(|lock| lock.into_inner());
        records.insert(id, text.to_owned());
        drop(records);
        self.changes.publish(Changed { id });
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (records, bus) = (Records::default(), Bus::new());
    let mut profile = Component::new(&records, &bus, 16)?;
    let mut billing = Component::new(&records, &bus, 16)?;

    profile.write(1, "Ada");
    assert_eq!(billing.read(1)?, "Ada");
    profile.write(1, "Ada Lovelace");
    assert_eq!(billing.read(1)?, "Ada Lovelace");
    println!("a change in one component is seen in the other");

    for id in 0..100 {
        billing.read(id)?;
    }
    for id in 0..100 {
        profile.write(id, "changed");
    }
    println!(
        "after 100 changes and room for 16, billing forgets {}",
        billing.catch_up()
    );
    for id in 0..100 {
        assert_eq!(billing.read(id)?, "changed");
        assert_eq!(profile.read(id)?, "changed");
    }
    println!("no stale record is read");
    Ok(())
}
