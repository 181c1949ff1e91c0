//! `Hash`: `get` and `set` of a field, in a hash of 10 fields and in one of a million; bytes per hash at the start. One thread.
//!
//! A small hash is one of many, as objects are: 64 Ki keys with 10 fields, 240 bytes of fields and values each.

use criterion::{BenchmarkId, Criterion};
use larder::{Hash, Store};
use larder_benches::{Draws, NumberedKey, run};

/// Small hashes, a power of two.
const OBJECTS: u64 = 1 << 16;

/// Fields of a small hash: 8 bytes each, as `field-03`, with values of 16.
const FIELDS: u64 = 10;

/// Fields of the large hash: 16 bytes each, as their values.
const LARGE: u64 = 1_000_000;

type Text = [u8; 16];

fn main() {
    run(|criterion| {
        let objects = objects();
        bench_objects(criterion, &objects);
        drop(objects);
        let store = Store::new();
        bench_large(criterion, &large(&store));
    });
}

fn field(number: u64) -> String {
    format!("field-{number:02}")
}

/// The value of a field of a small hash.
fn value(object: u64, field: u64) -> Text {
    Text::numbered(object * FIELDS + field)
}

fn objects() -> Store {
    let store = Store::new();
    let before = store.bytes();
    for object in 0..OBJECTS {
        let pairs = (0..FIELDS).map(|number| (field(number), value(object, number)));
        let added = store
            .hash::<Vec<u8>>(Text::numbered(object))
            .set_many(pairs);
        assert_eq!(added, Ok(FIELDS as usize));
    }
    let each = (store.bytes() - before) as f64 / OBJECTS as f64;
    println!("a hash of 10 fields with 240 bytes, and its key of 16: {each:.1} bytes in the store");
    store
}

fn bench_objects(criterion: &mut Criterion, store: &Store) {
    let mut group = criterion.benchmark_group("hash");
    let id = |what| BenchmarkId::new(what, "fields=10 keys=64K value=16B");
    let mut draws = Draws::default();
    group.bench_function(id("get"), |bencher| {
        bencher.iter(|| {
            let (object, number) = (draws.below(OBJECTS), draws.below(FIELDS));
            let hash = store.hash::<Vec<u8>>(Text::numbered(object));
            let found = hash.get(field(number)).expect("a hash");
            assert_eq!(found.as_deref(), Some(&value(object, number)[..]));
        });
    });
    group.bench_function(id("set"), |bencher| {
        bencher.iter(|| {
            let (object, number) = (draws.below(OBJECTS), draws.below(FIELDS));
            let hash = store.hash::<Vec<u8>>(Text::numbered(object));
            let added = hash.set(field(number), value(object, number));
            assert_eq!(added, Ok(false));
        });
    });
    group.finish();
}

fn large(store: &Store) -> Hash<'_, Vec<u8>> {
    let before = store.bytes();
    let hash = store.hash::<Vec<u8>>("large");
    for number in 0..LARGE {
        let text = Text::numbered(number);
        assert_eq!(hash.set(text, text), Ok(true));
    }
    let each = (store.bytes() - before) as f64 / LARGE as f64;
    println!("a field of 16 bytes with 16 more, in a hash of a million: {each:.1} bytes");
    hash
}

fn bench_large(criterion: &mut Criterion, hash: &Hash<'_, Vec<u8>>) {
    let mut group = criterion.benchmark_group("hash");
    let id = |what| BenchmarkId::new(what, "fields=1M field=16B value=16B");
    let mut draws = Draws::default();
    group.bench_function(id("get"), |bencher| {
        bencher.iter(|| {
            let text = Text::numbered(draws.below(LARGE));
            let found = hash.get(text).expect("a hash");
            assert_eq!(found.as_deref(), Some(&text[..]));
        });
    });
    group.bench_function(id("set"), |bencher| {
        bencher.iter(|| {
            let text = Text::numbered(draws.below(LARGE));
            assert_eq!(hash.set(text, text), Ok(false));
        });
    });
    group.finish();
}
