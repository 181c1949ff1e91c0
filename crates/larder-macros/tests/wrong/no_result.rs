#[larder::memoize]
fn f(id: u64) {
    drop(id);
}

fn main() {}
