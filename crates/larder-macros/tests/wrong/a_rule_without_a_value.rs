#[larder::memoize(ttl_fn)]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
