#[larder::memoize(cache_if = |length| length.leading_zeros())]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
