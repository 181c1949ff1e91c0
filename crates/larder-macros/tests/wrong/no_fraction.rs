#[larder::memoize(jitter = 1.5, ttl = "60s")]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
