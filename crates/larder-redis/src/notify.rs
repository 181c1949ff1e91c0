//! `Notified`: which keyspace events are told, as `notify-keyspace-events` says it.
//!
//! The stores tell all; what a client listens to and was not switched on is held back where messages leave a session.

use std::sync::atomic::{AtomicU32, Ordering};

/// The letters in the order in which CONFIG GET shows those that are set, each with its bit. `A` stands for those of
/// [`ALL`].
const CLASSES: &[u8] = b"g$lshzxetdnmocKE";
/// Letters that `A` stands for.
const ALL: &[u8] = b"g$lshzxetd";

const KEYSPACE: &[u8] = b"__keyspace@";
const KEYEVENT: &[u8] = b"__keyevent@";

/// See the module's text; nothing at first.
#[derive(Debug, Default)]
pub(crate) struct Notified(AtomicU32);

/// Classes that may be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Classes(u32);

impl Classes {
    /// Reads their letters; `None` if there is one that there is not.
    pub(crate) fn read(letters: &[u8]) -> Option<Self> {
        let mut sum = 0;
        for letter in letters {
            sum |= match letter {
                b'A' => bits(ALL),
                letter => bit(*letter)?,
            };
        }
        Some(Classes(sum))
    }
}

fn bit(class: u8) -> Option<u32> {
    let at = CLASSES.iter().position(|known| *known == class)?;
    Some(1 << at)
}

fn bits(classes: &[u8]) -> u32 {
    classes
        .iter()
        .filter_map(|class| bit(*class))
        .fold(0, |sum, bit| sum | bit)
}

impl Notified {
    /// Sets the classes.
    pub(crate) fn set(&self, classes: Classes) {
        self.0.store(classes.0, Ordering::Relaxed);
    }

    /// The classes, as CONFIG GET shows them.
    pub(crate) fn classes(&self) -> String {
        let set = self.0.load(Ordering::Relaxed);
        let all = set & bits(ALL) == bits(ALL);
        let shown = CLASSES.iter().filter(|class| {
            let named = bit(**class).is_some_and(|bit| set & bit != 0);
            named && !(all && ALL.contains(class))
        });
        let first = if all { "A" } else { "" };
        first
            .chars()
            .chain(shown.map(|class| char::from(*class)))
            .collect()
    }

    /// Whether a message may be told: it is no event, or its class is switched on.
    #[inline]
    pub(crate) fn admits(&self, channel: &[u8], payload: &[u8]) -> bool {
        if !channel.starts_with(b"__key") {
            return true;
        }
        self.admits_event(channel, payload)
    }

    fn admits_event(&self, channel: &[u8], payload: &[u8]) -> bool {
        let after = |prefix| {
            let rest = channel.strip_prefix(prefix)?;
            let colon = rest.iter().position(|byte| *byte == b':')?;
            Some(&rest[colon + 1..])
        };
        let (way, event) = if let Some(event) = after(KEYEVENT) {
            (b'E', event)
        } else if after(KEYSPACE).is_some() {
            (b'K', payload)
        } else {
            return true;
        };
        let Some(class) = class(event) else {
            return true;
        };
        let wanted = bits(&[way, class]);
        self.0.load(Ordering::Relaxed) & wanted == wanted
    }
}

/// The class of an event, by its name.
fn class(event: &[u8]) -> Option<u8> {
    let event = std::str::from_utf8(event).ok()?;
    Some(match event {
        "del" | "rename_from" | "rename_to" | "copy_to" | "expire" | "persist" | "move_from"
        | "move_to" | "restore" | "flushdb" => b'g',
        "set" | "incrby" | "incrbyfloat" | "append" | "setrange" | "setbit" | "pfadd" => b'$',
        "sortstore" => b'l',
        "expired" => b'x',
        "evicted" => b'e',
        "new" => b'n',
        "keymiss" => b'm',
        "overwritten" => b'o',
        "type_changed" => b'c',
        "geosearchstore" => b'z',
        _ => match event.as_bytes().first()? {
            b'l' | b'r' => b'l',
            b's' => b's',
            b'h' => b'h',
            b'z' => b'z',
            _ => return None,
        },
    })
}

#[cfg(test)]
mod tests {
    use larder::EventKind;

    use super::*;

    #[test]
    fn every_event_has_a_class() {
        for kind in EventKind::ALL {
            assert!(class(kind.name().as_bytes()).is_some(), "{kind}");
        }
    }

    #[test]
    fn classes_are_shown_as_a_server_shows_them() {
        let notified = Notified::default();
        for (set, shown) in [
            ("KEA", "AKE"),
            ("KExz", "zxKE"),
            ("", ""),
            ("Eg$lshzxetdK", "AKE"),
            ("nK", "nK"),
        ] {
            notified.set(Classes::read(set.as_bytes()).expect("there are such classes"));
            assert_eq!(notified.classes(), shown);
        }
        assert_eq!(Classes::read(b"Kq"), None);
    }

    #[test]
    fn only_events_that_are_switched_on_are_told() {
        let notified = Notified::default();
        assert!(notified.admits(b"news", b"set"));
        assert!(!notified.admits(b"__keyspace@0__:key", b"set"));
        notified.set(Classes::read(b"K$").expect("there are such classes"));
        assert!(notified.admits(b"__keyspace@0__:key", b"set"));
        assert!(!notified.admits(b"__keyspace@0__:key", b"del"));
        assert!(!notified.admits(b"__keyevent@0__:set", b"key"));
    }
}
