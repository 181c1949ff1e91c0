#[larder::memoize(errors = "2s")]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
