#[larder::memoize(cache = LENGTHS, scope = thread)]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
