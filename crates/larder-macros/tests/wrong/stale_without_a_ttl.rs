#[larder::memoize(stale = "30s")]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
