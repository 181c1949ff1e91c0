#[larder::memoize(cache_if = 5)]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
