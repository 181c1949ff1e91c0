//! `GET` of 100 bytes through the `redis` crate's `Commands`: on larder in the process, and on a real server over
//! loopback where one is found. One thread, one connection, 1,000 keys, hits only.

use criterion::Criterion;
use larder_benches::{Draws, run};
use larder_redis::{Client, Connection};
use larder_tests::servers::Program;
use redis::Commands;

const KEYS: u64 = 1_000;

fn main() {
    run(|criterion| {
        let larder = Client::open("larder://").expect("the URL is right");
        bench(
            criterion,
            "larder",
            larder.get_connection().expect("in this process"),
        );
        let programs = Program::all();
        if programs.is_empty() {
            eprintln!("skipped: no redis-server or valkey-server to compare with");
        }
        for program in programs {
            let server = program.start();
            let client = Client::open(format!("redis://127.0.0.1:{}", server.port));
            let connection = client.expect("the URL is right").get_connection();
            bench(
                criterion,
                &program.version,
                connection.expect("the server listens"),
            );
        }
    });
}

fn bench(criterion: &mut Criterion, name: &str, mut connection: Connection) {
    let value = vec![b'x'; 100];
    let key = |number: u64| format!("key:{number:012}");
    for number in 0..KEYS {
        let () = connection
            .set(key(number), &value)
            .expect("a store without a bound");
    }
    let keys: Vec<String> = (0..KEYS).map(key).collect();
    let mut draws = Draws::default();
    criterion.bench_function(
        &format!("redis_rs GET key=16B value=100B {name}"),
        |bencher| {
            bencher.iter(|| {
                let key = &keys[draws.below(KEYS) as usize];
                let read: Vec<u8> = connection.get(key).expect("a string");
                assert_eq!(read.len(), value.len());
            });
        },
    );
}
