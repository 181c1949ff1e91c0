#[larder::memoize]
fn f(x: f64) -> u64 {
    x as u64
}

fn main() {}
