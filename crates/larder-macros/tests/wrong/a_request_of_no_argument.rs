#[larder::memoize(scope = cx(request))]
fn length(memos: &larder::Memos, text: &str) -> usize {
    text.len()
}

fn main() {}
