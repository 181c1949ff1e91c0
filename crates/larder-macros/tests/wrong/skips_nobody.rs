#[larder::memoize(skip(database))]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
