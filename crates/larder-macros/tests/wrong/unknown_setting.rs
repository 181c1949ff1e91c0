#[larder::memoize(size = 3)]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
