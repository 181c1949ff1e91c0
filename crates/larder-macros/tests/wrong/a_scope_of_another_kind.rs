#[larder::memoize(scope = request)]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
