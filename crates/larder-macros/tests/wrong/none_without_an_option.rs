#[larder::memoize(none = "2s")]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
