//! `List`: push and pop at the ends, a short and a long one; `get` in the middle, `range`; a hand-over to a thread that
//! waits. One thread but for that.

use criterion::{BenchmarkId, Criterion, Throughput};
use larder::{End, List, Store};
use larder_benches::run;

/// Lengths, with their names: packed in the key's record, a few blocks, many.
const LENGTHS: [(u64, &str); 3] = [(100, "100"), (10_000, "10K"), (1_000_000, "1M")];

fn main() {
    run(|criterion| {
        for (len, name) in LENGTHS {
            let store = Store::new();
            let list = filled(&store, len);
            bench_ends(criterion, &list, name);
            bench_middle(criterion, &list, len, name);
        }
        bench_handover(criterion);
    });
}

/// An element of 16 bytes.
fn element(number: u64) -> String {
    format!("element-{number:08}")
}

fn filled(store: &Store, len: u64) -> List<'_, Vec<u8>> {
    let list = store.list::<Vec<u8>>("list");
    for number in 0..len {
        list.push_back(element(number))
            .expect("a store without a bound");
    }
    assert_eq!(list.len(), Ok(len as usize));
    list
}

fn bench_ends(criterion: &mut Criterion, list: &List<'_, Vec<u8>>, name: &str) {
    let one = element(7);
    let mut group = criterion.benchmark_group("list");
    let id = |what| BenchmarkId::new(what, format!("element=16B len={name}"));
    group.bench_function(id("push back, pop front"), |bencher| {
        bencher.iter(|| {
            list.push_back(&one).expect("a store without a bound");
            list.pop_front().expect("a list").expect("an element").len()
        });
    });
    group.bench_function(id("push front, pop front"), |bencher| {
        bencher.iter(|| {
            list.push_front(&one).expect("a store without a bound");
            list.pop_front().expect("a list").expect("an element").len()
        });
    });
    group.finish();
}

fn bench_middle(criterion: &mut Criterion, list: &List<'_, Vec<u8>>, len: u64, name: &str) {
    let mut group = criterion.benchmark_group("list");
    let id = |what| BenchmarkId::new(what, format!("element=16B len={name}"));
    group.bench_function(id("get in the middle"), |bencher| {
        bencher.iter(|| {
            list.get(len as i64 / 2)
                .expect("a list")
                .expect("an element")
                .len()
        });
    });
    group.throughput(Throughput::Elements(100));
    group.bench_function(id("range of 100 at the front"), |bencher| {
        bencher.iter(|| assert_eq!(list.range(0..=99).expect("a list").len(), 100));
    });
    group.finish();
}

/// A ping and a pong between two threads that wait.
fn bench_handover(criterion: &mut Criterion) {
    let store = Store::new();
    let mut group = criterion.benchmark_group("list");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let next = || store.take_blocking::<i64>(["ping"], End::Front, None);
            while let Ok(Some((_, number))) = next() {
                if number < 0 {
                    break;
                }
                store
                    .list::<i64>("pong")
                    .push_back(number)
                    .expect("a store without a bound");
            }
        });
        group.bench_function(BenchmarkId::new("there and back", "threads=2"), |bencher| {
            bencher.iter(|| {
                store
                    .list::<i64>("ping")
                    .push_back(1)
                    .expect("a store without a bound");
                let taken = store.take_blocking::<i64>(["pong"], End::Front, None);
                assert_eq!(taken.expect("a list").map(|taken| taken.1), Some(1));
            });
        });
        store
            .list::<i64>("ping")
            .push_back(-1)
            .expect("a store without a bound");
    });
    group.finish();
}
