//! The tags of keys: giving and taking them.

use super::Store;
use super::options::{SetOptions, SetOutcome, Setting};
use super::stored::Stored;
use super::strings::holds;
use crate::bytes::ToValue;
use crate::error::Error;
use crate::tags::Stamp;

impl Store {
    /// Gives a key tags, in the place of those it has; `false` if there is no such key, or one of the tags was invalidated
    /// since the stamp was made, in which case the key is removed.
    ///
    /// When one of them is invalidated, the key is gone for every call that begins afterwards. The tags are those of the
    /// store's registry, [`Tags::shared`](crate::Tags::shared) unless [`StoreBuilder::tags`](crate::StoreBuilder::tags) says another, which
    /// caches and memoized functions may share.
    ///
    /// ```
    /// use larder::{Store, Tags};
    ///
    /// let tags = Tags::new();
    /// let store = Store::builder().tags(&tags).build()?;
    /// store.hash::<String>("user:7").set("name", "Ada").expect("it is small");
    /// assert!(store.tag("user:7", tags.stamp(["org:1".into()])));
    /// tags.invalidate("org:1");
    /// assert!(!store.exists("user:7"));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); one stripe's lock, and another of the tagged keys. Some 100 bytes per tagged key. Invalidating is O(1); from
    /// then until upkeep has swept the tagged keys, each call on a key looks whether it is among them.
    ///
    /// # Consistency
    ///
    /// Tags stay with the key through all that is written to it. A key that is removed loses them, at the latest by some
    /// later upkeep: made again before that, it may still have them. [`len`](Store::len) counts invalidated keys until
    /// they are asked for or swept; a transaction sees its keys as they were when it began.
    pub fn tag(&self, key: impl AsRef<[u8]>, stamp: Stamp) -> bool {
        let (core, key) = (&*self.core, key.as_ref());
        let tagging = core.tagged.get_or_make();
        let tagged = core.write_at(core.key(key), &core.clock.present(), |seat| {
            Ok(seat.exists() && tagging.note_or_expel(seat, stamp.clone()))
        });
        self.core.ask_for_sweep(tagging);
        tagged.unwrap_or(false)
    }

    /// Sets a key as [`set_with`](Store::set_with) does and gives it tags, in one step; nothing is done if one of the tags
    /// was invalidated since the stamp was made.
    ///
    /// Make the stamp before the value is read from where it comes from: an invalidation in between is then noticed.
    ///
    /// ```
    /// use larder::{SetOptions, Store, Tags};
    ///
    /// let tags = Tags::new();
    /// let store = Store::builder().tags(&tags).build()?;
    /// let stamp = tags.stamp(["org:1".into()]);
    /// let slow = "read from the database";
    /// tags.invalidate("org:1");
    /// let outcome = store.set_tagged("user:7", slow, SetOptions::new(), stamp).expect("it is small");
    /// assert!(!outcome.is_set() && !store.exists("user:7"));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`set_with`](Store::set_with) and [`tag`](Store::tag).
    ///
    /// # Consistency
    ///
    /// As [`tag`](Store::tag).
    ///
    /// # Errors
    ///
    /// As [`set_with`](Store::set_with); then nothing has changed.
    pub fn set_tagged(
        &self,
        key: impl AsRef<[u8]>,
        value: impl ToValue,
        options: SetOptions<'_>,
        stamp: Stamp,
    ) -> Result<SetOutcome, Error> {
        let (core, key) = (&*self.core, key.as_ref());
        let tagging = core.tagged.get_or_make();
        let time = core.clock.present();
        let Setting {
            expiry,
            guard,
            return_old,
        } = options.resolve(&time)?;
        let raw = value.to_value();
        let stored = Stored::new(&raw);
        let outcome = core.write_at(core.key(key), &time, |seat| {
            let held = holds(&guard, seat)?;
            let old = if return_old { seat.value()? } else { None };
            let set = held && tagging.tags.is_valid(&stamp);
            if set {
                seat.assign(&stored, expiry)?;
                tagging.note_or_expel(seat, stamp.clone());
            }
            Ok(SetOutcome { set, old })
        });
        core.ask_for_sweep(tagging);
        outcome
    }

    /// Takes a key's tags away; whether it had any.
    ///
    /// ```
    /// use larder::{Store, Tags};
    ///
    /// let tags = Tags::new();
    /// let store = Store::builder().tags(&tags).build()?;
    /// store.set("a", 1).expect("it is small");
    /// store.tag("a", tags.stamp(["group".into()]));
    /// assert!(store.untag("a"));
    /// tags.invalidate("group");
    /// assert!(store.exists("a"));
    /// # Ok::<(), larder::BuildError>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(1); a lock of the tagged keys.
    pub fn untag(&self, key: impl AsRef<[u8]>) -> bool {
        let key = self.core.key(key.as_ref()).bytes;
        let tagging = self.core.tagged.tagging.get();
        tagging.is_some_and(|tagging| tagging.untag(key))
    }
}
