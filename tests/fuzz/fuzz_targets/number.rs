//! Texts as numbers: integers in their one canonical form, and decimals that are added exactly.
#![no_main]

use larder::{Error, Store};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&str, i64, f64)| {
    let (text, by, fraction) = input;
    let store = Store::new();
    let set = |text: &str| store.set("key", text).expect("a small value");

    set(text);
    let canonical = text
        .parse::<i64>()
        .ok()
        .filter(|int| int.to_string() == text);
    let expected = match canonical {
        None => Err(Error::NotAnInteger),
        Some(int) => int.checked_add(by).ok_or(Error::Overflow),
    };
    assert_eq!(store.incr("key", by), expected);

    set(text);
    if store.incr_by_float("key", fraction).is_ok() {
        let sum: String = store.get("key").expect("a string").expect("it is there");
        // A sum that is finite is a number again, and adding nothing does not change it.
        store.incr_by_float("key", 0.0).expect("a sum is a number");
        let again: Option<String> = store.get("key").expect("a string");
        assert_eq!(again, Some(sum));
    } else {
        let unchanged: Option<String> = store.get("key").expect("a string");
        assert_eq!(unchanged.as_deref(), Some(text));
    }
});
