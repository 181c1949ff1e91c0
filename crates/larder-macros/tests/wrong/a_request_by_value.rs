#[larder::memoize(scope = cx(memos))]
fn length(memos: larder::Memos, text: &str) -> usize {
    text.len()
}

fn main() {}
