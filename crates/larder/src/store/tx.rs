//! `Tx`: several calls that happen as one, or not at all.

use std::cell::{Cell, RefCell};
use std::fmt;

use super::core::{Core, Store};
use super::group::{Group, Key, Name};
use super::outside::Gone;
use super::seat::After;
use super::site::{Enter, Site};
use super::take::Service;
use super::undo::{Note, Taken, Undo};
use super::watched::Flag;
use super::words::Words;
use crate::error::Error;
use crate::stripes::Worlds;

/// The store, as a transaction sees it: the calls of [`Store`], on the keys that the transaction named.
///
/// It is what [`Store::atomic`] hands to its closure.
#[derive(Clone, Copy)]
pub struct Tx<'t> {
    pub(crate) site: Site<'t>,
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").finish_non_exhaustive()
    }
}

/// A transaction under way. Dropped without [`Self::commit`], it takes its changes back.
pub(super) struct Open<'w> {
    group: RefCell<Option<Group<'w>>>,
    core: &'w Core,
    /// The keys that were named; none for all.
    named: Option<Vec<Name>>,
    committed: Cell<bool>,
}

impl<'w> Open<'w> {
    pub(super) fn new(core: &'w Core, named: Option<Vec<Name>>) -> Self {
        let worlds = match &named {
            Some(names) => core.lock_named(names),
            None => core.stripes.lock_all(),
        };
        let mut group = Group::new(core, core.clock.exact_present(), worlds);
        group.undo = Some(Undo::default());
        Open {
            group: RefCell::new(Some(group)),
            core,
            named,
            committed: Cell::new(false),
        }
    }
}

impl Open<'_> {
    /// Runs one of several calls, which stands or is taken back by itself.
    pub(super) fn one<R, E>(&self, call: impl FnOnce(&Tx<'_>) -> Result<R, E>) -> Result<R, E> {
        let earlier = self.group.borrow_mut().as_mut().map(|group| {
            let after = After {
                wanted: group.after.wanted,
                ..After::new(group.after.observed)
            };
            std::mem::replace(&mut group.after, after)
        });
        let result = call(&Tx {
            site: Site::Open(self),
        });
        if let Some(group) = self.group.borrow_mut().as_mut()
            && let Some(undo) = group.undo.replace(Undo::default())
        {
            let next = group.undo.take();
            if result.is_ok() {
                group.commit(undo);
            } else {
                group.roll_back(undo);
            }
            group.undo = next;
            if let Some(earlier) = earlier {
                group.after.follow(earlier);
            }
        }
        result
    }
}

impl Enter for Open<'_> {
    fn core(&self) -> &Core {
        self.core
    }

    fn enter(&self, work: &mut dyn FnMut(&mut Group<'_>)) {
        if let Some(group) = self.group.borrow_mut().as_mut() {
            work(group);
        }
    }

    fn admit(&self, key: Key<'_>) -> Result<(), Error> {
        let admitted = self.named.as_ref().is_none_or(|named| {
            named
                .binary_search_by(|(hash, bytes)| (*hash, &bytes[..]).cmp(&(key.hash, key.bytes)))
                .is_ok()
        });
        if admitted {
            Ok(())
        } else {
            Err(Error::KeyNotNamed)
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let Some(mut group) = self.group.get_mut().take() else {
            return;
        };
        if let Some(undo) = group.undo.take() {
            if self.committed.get() {
                group.commit(undo);
            } else {
                group.roll_back(undo);
            }
        }
        let Service { wakes, unserved } = self.core.serve(&mut group);
        let Group {
            core,
            worlds,
            departed,
            mut after,
            spare,
            ..
        } = group;
        core.watched.mark(&after.touched);
        core.stripes.budget.give(spare);
        drop(worlds);
        core.conclude(departed, &mut after);
        core.repay();
        drop(wakes);
        core.serve_later(unserved);
    }
}

impl Group<'_> {
    /// Lets the changes stand.
    fn commit(&mut self, undo: Undo) {
        let (notes, taken) = undo.into_parts();
        for note in &notes {
            self.seat(Key::of(&note.name), |seat| seat.commit());
        }
        self.part(taken);
    }

    /// Has elements dropped after the unlock.
    fn part(&mut self, taken: Taken) {
        for any in taken {
            self.departed.keep(Gone::of(any));
        }
    }

    /// Takes the changes back.
    fn roll_back(&mut self, undo: Undo) {
        let (notes, mut taken) = undo.into_parts();
        for note in &notes {
            self.seat(Key::of(&note.name), |seat| seat.empty(&mut taken));
        }
        for Note { name, held } in notes {
            self.seat(Key::of(&name), |seat| seat.restore(held, &mut taken));
        }
        self.after.forget();
        self.part(taken);
    }
}

/// Keys that are watched for changes, until this is dropped; see [`Store::watch_keys`].
pub struct WatchedKeys {
    store: Store,
    keys: Vec<Name>,
    /// Whether each key existed.
    existed: Vec<bool>,
    flag: Flag,
}

impl fmt::Debug for WatchedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedKeys")
            .field("keys", &self.keys.len())
            .finish_non_exhaustive()
    }
}

impl WatchedKeys {
    /// Whether no key was changed, removed, expired or evicted since the watch began.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let watched = store.watch_keys(["a"]);
    /// assert!(watched.are_unchanged());
    /// store.set("a", 1)?;
    /// assert!(!watched.are_unchanged());
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys), their stripes' locks.
    #[must_use]
    pub fn are_unchanged(&self) -> bool {
        let core = &*self.store.core;
        let keys: Vec<_> = self.keys.iter().map(Key::of).collect();
        core.read_many(&keys, &core.clock.exact_present(), |views| {
            self.hold(|key| views.deadline(key).is_some())
        })
    }

    /// Watches these keys too, from now on; those that were watched before still are.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let mut watched = store.watch_keys(["a"]);
    /// watched.watch_more(["b"]);
    /// store.set("b", 1)?;
    /// assert!(!watched.are_unchanged());
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::watch_keys`].
    #[doc(alias = "WATCH")]
    pub fn watch_more(&mut self, keys: impl IntoIterator<Item = impl AsRef<[u8]>>) {
        let core = &*self.store.core;
        let mut named = core.name(keys);
        named.retain(|name| !self.keys.contains(name));
        let keys: Vec<_> = named.iter().map(Key::of).collect();
        core.read_many(&keys, &core.clock.exact_present(), |views| {
            for key in &keys {
                core.watched.add(key.bytes, &self.flag);
                self.existed.push(views.deadline(*key).is_some());
            }
        });
        self.keys.extend(named);
    }

    /// Whether nothing was changed, as the holder of the keys' stripes sees it.
    fn hold(&self, exists: impl Fn(Key<'_>) -> bool) -> bool {
        let mut each = self.keys.iter().zip(&self.existed);
        !self.flag.load(std::sync::atomic::Ordering::Acquire)
            && each.all(|(key, existed)| exists(Key::of(key)) == *existed)
    }
}

impl Drop for WatchedKeys {
    fn drop(&mut self) {
        let keys = self.keys.iter().map(|(_, key)| &key[..]);
        self.store.core.watched.remove(keys, &self.flag);
    }
}

impl Core {
    /// Locks the stripes of these keys, and those that are needed to serve who waits for them.
    fn lock_named(&self, names: &[Name]) -> Worlds<'_, Words> {
        let mut hashes: Vec<u64> = names.iter().map(|(hash, _)| *hash).collect();
        loop {
            let worlds = self.stripes.lock_many(hashes.iter().copied());
            let mut beyond = self.beyond(names.iter().map(Key::of), &worlds);
            if beyond.is_empty() {
                return worlds;
            }
            drop(worlds);
            hashes.append(&mut beyond);
        }
    }

    /// Keys with their hashes, sorted, each once.
    pub(super) fn name(&self, keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Name> {
        let mut named: Vec<_> = keys
            .into_iter()
            .map(|key| (self.hash(key.as_ref()), key.as_ref().to_vec()))
            .collect();
        named.sort_unstable();
        named.dedup();
        named
    }
}

impl Store {
    /// Runs `work` on these keys as one call: nobody sees a part of what it does, and if it returns an error or panics,
    /// all of it is taken back.
    ///
    /// ```
    /// use larder::{Error, Store};
    ///
    /// let store = Store::new();
    /// store.set_many([("alice", 10), ("bob", 0)])?;
    /// let transfer = |amount: i64| {
    ///     store.atomic(["alice", "bob"], |tx| {
    ///         tx.incr("bob", amount)?;
    ///         let left = tx.decr("alice", amount)?;
    ///         if left < 0 { Err(Error::OutOfRange) } else { Ok(left) }
    ///     })
    /// };
    /// assert_eq!(transfer(7)?, 3);
    /// assert!(transfer(7).is_err());
    /// assert_eq!(store.get_many::<i64>(["alice", "bob"])?, [Some(3), Some(7)]);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// Inside, a key that was not named is an error ([`Error::KeyNotNamed`]); the store itself must not be used there,
    /// only `tx`: its calls would wait for the locks that the transaction holds.
    ///
    /// # Cost
    ///
    /// O(keys) and what `work` does, under the locks of all the keys' stripes, taken in ascending order; so two
    /// transactions cannot wait for each other. Old values up to 3.5 KiB are copied when first touched; larger ones
    /// keep a journal.
    ///
    /// # Errors
    ///
    /// What `work` returns.
    #[doc(alias("MULTI", "EXEC", "DISCARD", "transaction"))]
    pub fn atomic<R, E>(
        &self,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        work: impl FnOnce(&Tx<'_>) -> Result<R, E>,
    ) -> Result<R, E> {
        run(Open::new(&self.core, Some(self.core.name(keys))), work)
    }

    /// [`Store::atomic`] on all keys.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let sum = store.atomic_all(|tx| {
    ///     tx.set("a", 1)?;
    ///     tx.incr("b", 2)
    /// })?;
    /// assert_eq!(sum, 2);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::atomic`], under all locks of the store.
    ///
    /// # Errors
    ///
    /// What `work` returns.
    pub fn atomic_all<R, E>(&self, work: impl FnOnce(&Tx<'_>) -> Result<R, E>) -> Result<R, E> {
        self.core.settle_all();
        run(Open::new(&self.core, None), work)
    }

    /// Watches keys for changes, for a transaction that is to run only if there were none.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// store.set("stock", 5)?;
    /// let watched = store.watch_keys(["stock"]);
    /// let stock: i64 = store.get("stock")?.unwrap_or(0);
    /// let done = store.atomic_if_unchanged(&watched, ["sold"], |tx| {
    ///     tx.set("stock", stock - 1)?;
    ///     tx.incr("sold", 1)
    /// })?;
    /// assert_eq!(done, Some(1));
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// O(keys), their stripes' locks. As long as any key is watched, every write takes note of its key.
    #[doc(alias("WATCH", "UNWATCH"))]
    #[must_use]
    pub fn watch_keys(&self, keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> WatchedKeys {
        let mut watched = WatchedKeys {
            store: self.clone(),
            keys: Vec::new(),
            existed: Vec::new(),
            flag: Flag::default(),
        };
        watched.watch_more(keys);
        watched
    }

    /// [`Store::atomic`] on the watched keys and others, if no watched key has changed; `None`, and nothing done, if one
    /// has.
    ///
    /// ```
    /// let store = larder::Store::new();
    /// let watched = store.watch_keys(["key"]);
    /// store.set("key", "somebody else's")?;
    /// let done = store.atomic_if_unchanged(&watched, ["key"], |tx| tx.set("key", "mine"))?;
    /// assert_eq!(done, None);
    /// # Ok::<(), larder::Error>(())
    /// ```
    ///
    /// # Cost
    ///
    /// As [`Store::atomic`].
    ///
    /// # Errors
    ///
    /// What `work` returns.
    #[doc(alias("WATCH", "EXEC"))]
    pub fn atomic_if_unchanged<R, E>(
        &self,
        watched: &WatchedKeys,
        keys: impl IntoIterator<Item = impl AsRef<[u8]>>,
        work: impl FnOnce(&Tx<'_>) -> Result<R, E>,
    ) -> Result<Option<R>, E> {
        let mut named = self.core.name(keys);
        named.extend(watched.keys.iter().cloned());
        named.sort_unstable();
        named.dedup();
        let open = Open::new(&self.core, Some(named));
        let unchanged = open
            .group
            .borrow()
            .as_ref()
            .is_some_and(|group| watched.hold(|key| group.views().deadline(key).is_some()));
        if unchanged {
            run(open, work).map(Some)
        } else {
            Ok(None)
        }
    }
}

/// Runs `work` in a transaction, which stands if it succeeds.
fn run<R, E>(open: Open<'_>, work: impl FnOnce(&Tx<'_>) -> Result<R, E>) -> Result<R, E> {
    let result = work(&Tx {
        site: Site::Open(&open),
    });
    open.committed.set(result.is_ok());
    result
}
