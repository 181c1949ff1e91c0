#[larder::memo_evict]
fn f(id: u64) -> u64 {
    id
}

fn main() {}
