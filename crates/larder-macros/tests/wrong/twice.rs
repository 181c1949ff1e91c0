#[larder::memoize(max_entries = 3, unbounded)]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
