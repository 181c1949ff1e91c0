struct S;

impl S {
    #[larder::memoize]
    fn f(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
