//! How keys go from one store to another: as dumps, since tables are keyed by each store's own hash.
//!
//! Both keys are held meanwhile. Stores are locked in the order of their addresses, so that two moves in opposite
//! directions never wait for each other.

use super::core::Store;
use super::site::Site;
use crate::error::Error;
use crate::event::EventKind;
use crate::time::Millis;

/// A value on its way to another store.
struct Luggage {
    dump: Vec<u8>,
    /// In milliseconds since 1970.
    deadline: Option<u64>,
}

/// How a value comes to a key of another store.
#[derive(Clone, Copy)]
struct Guest {
    replaces: bool,
    /// What is told of it; nothing by who tells it afterwards.
    event: Option<EventKind>,
}

/// Runs `work` on a key of one store and a key of another, both held. Two calls in opposite directions lock in the same
/// order.
fn between<R>(
    from: (&Store, &[u8]),
    to: (&Store, &[u8]),
    work: impl FnOnce(Site<'_>, Site<'_>) -> Result<R, Error>,
) -> Result<R, Error> {
    let address = |store: &Store| std::ptr::from_ref(&*store.core).addr();
    if address(from.0) < address(to.0) {
        from.0.atomic([from.1], |source| {
            to.0.atomic([to.1], |target| work(source.site, target.site))
        })
    } else {
        to.0.atomic([to.1], |target| {
            from.0
                .atomic([from.1], |source| work(source.site, target.site))
        })
    }
}

impl Site<'_> {
    /// Takes in what left another store, unless the key is there.
    fn arrive(
        self,
        key: &[u8],
        Luggage { dump, deadline }: &Luggage,
        guard: Guest,
    ) -> Result<bool, Error> {
        let whole = self.read_dump(dump)?;
        let origin = self.core().clock.unix_origin();
        let deadline: Option<Millis> = deadline.map(|unix| unix.saturating_sub(origin));
        self.write(self.key(key), |seat| {
            if seat.exists() && !guard.replaces {
                return Ok(false);
            }
            seat.put_whole(whole.clone(), deadline)?;
            if let Some(event) = guard.event {
                seat.tell(event);
            }
            Ok(true)
        })
    }

    /// A copy of a value, with its deadline.
    fn copy_out(self, key: &[u8]) -> Result<Option<Luggage>, Error> {
        let Some(dump) = self.dump(key)? else {
            return Ok(None);
        };
        let deadline = self.deadline(key).flatten();
        let origin = self.core().clock.unix_origin();
        let deadline = deadline.map(|at| at + origin);
        Ok(Some(Luggage { dump, deadline }))
    }
}

impl Store {
    /// Moves a key to another store, with its time to live; `false` if it is not here, or is there already.
    ///
    /// ```
    /// let (here, there) = (larder::Store::new(), larder::Store::new());
    /// here.set("key", 1)?;
    /// assert!(here.move_to("key", &there)?);
    /// assert_eq!((here.len(), there.get::<i64>("key")?), (0, Some(1)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(elements), under a stripe's lock in each store.
    ///
    /// # Errors
    ///
    /// [`Error::SameKey`] if both are the same store; [`Error::TooLarge`] if the value does not fit the other's bound:
    /// then it stays here.
    #[doc(alias = "MOVE")]
    pub fn move_to(&self, key: impl AsRef<[u8]>, other: &Store) -> Result<bool, Error> {
        let key = key.as_ref();
        let guest = Guest {
            replaces: false,
            event: None,
        };
        let moved = self.hand(key, other, key, |source, target| {
            let Some(value) = source.copy_out(key)? else {
                return Ok(false);
            };
            let moved = target.arrive(key, &value, guest)?;
            if moved {
                source.write(source.key(key), |seat| {
                    seat.remove();
                    Ok(())
                })?;
            }
            Ok(moved)
        })?;
        if moved {
            // In this order, whichever of the two was locked first.
            self.core.announce_one(key, EventKind::MoveFrom);
            other.core.announce_one(key, EventKind::MoveTo);
        }
        Ok(moved)
    }

    /// Copies a key to a key of another store, with its time to live; `false` if it is not here, or is there already.
    ///
    /// ```
    /// let (here, there) = (larder::Store::new(), larder::Store::new());
    /// here.set("key", 1)?;
    /// assert!(here.copy_to("key", &there, "copy")?);
    /// assert_eq!((here.len(), there.get::<i64>("copy")?), (1, Some(1)));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::move_to`].
    ///
    /// # Errors
    ///
    /// As [`Store::move_to`].
    #[doc(alias = "COPY")]
    pub fn copy_to(
        &self,
        from: impl AsRef<[u8]>,
        other: &Store,
        to: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.copy_out_to(from.as_ref(), other, to.as_ref(), false)
    }

    /// [`Store::copy_to`] in the place of whatever is there; `false` if the key is not here.
    ///
    /// ```
    /// let (here, there) = (larder::Store::new(), larder::Store::new());
    /// here.set("key", 1)?;
    /// there.set("key", 2)?;
    /// assert!(here.copy_over_to("key", &there, "key")?);
    /// assert_eq!(there.get::<i64>("key")?, Some(1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::move_to`].
    ///
    /// # Errors
    ///
    /// As [`Store::move_to`].
    #[doc(alias("COPY", "REPLACE"))]
    pub fn copy_over_to(
        &self,
        from: impl AsRef<[u8]>,
        other: &Store,
        to: impl AsRef<[u8]>,
    ) -> Result<bool, Error> {
        self.copy_out_to(from.as_ref(), other, to.as_ref(), true)
    }

    fn copy_out_to(
        &self,
        from: &[u8],
        other: &Store,
        to: &[u8],
        replaces: bool,
    ) -> Result<bool, Error> {
        let event = Some(EventKind::CopyTo);
        self.hand(from, other, to, |source, target| {
            match source.copy_out(from)? {
                Some(value) => target.arrive(to, &value, Guest { replaces, event }),
                None => Ok(false),
            }
        })
    }

    fn hand(
        &self,
        from: &[u8],
        other: &Store,
        to: &[u8],
        work: impl FnOnce(Site<'_>, Site<'_>) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        if std::ptr::eq(&*self.core, &*other.core) {
            return Err(Error::SameKey);
        }
        between((self, from), (other, to), work)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::store::options::SetOptions;
    use crate::time::Ttl;

    #[test]
    fn a_move_takes_the_deadline_along_and_never_overwrites() {
        let (here, there) = (Store::new(), Store::new());
        let options = SetOptions::new().ttl(Duration::from_secs(600));
        here.set_with("key", 1, options).expect("it fits");
        there.set("key", 2).expect("it fits");
        assert_eq!(here.move_to("key", &there), Ok(false));
        there.remove("key");
        assert_eq!(here.move_to("key", &there), Ok(true));
        assert!(!here.exists("key"));
        assert!(matches!(there.ttl("key"), Ttl::Left(left) if left > Duration::from_secs(500)));
        assert_eq!(here.move_to("key", &here.clone()), Err(Error::SameKey));
    }

    #[test]
    fn moves_in_opposite_directions_do_not_wait_for_each_other() {
        let (one, two) = (Store::new(), Store::new());
        one.set("a", 1).expect("it fits");
        two.set("b", 2).expect("it fits");
        std::thread::scope(|scope| {
            for (from, to) in [(&one, &two), (&two, &one)] {
                scope.spawn(move || {
                    for _ in 0..2_000 {
                        for key in ["a", "b"] {
                            from.move_to(key, to).expect("there is room");
                        }
                    }
                });
            }
        });
        assert_eq!(one.len() + two.len(), 2);
    }
}
