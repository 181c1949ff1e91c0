#[larder::memoize(cache = LENGTHS, ttl = "60s")]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
