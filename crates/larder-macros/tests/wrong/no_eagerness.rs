#[larder::memoize(early = "much", ttl = "60s")]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
