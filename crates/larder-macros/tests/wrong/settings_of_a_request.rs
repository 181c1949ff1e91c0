#[larder::memoize(scope = cx(memos), ttl = "60s")]
fn length(memos: &larder::Memos, text: &str) -> usize {
    text.len()
}

fn main() {}
