struct Repository {
    users: larder::Cache<u64, u64>,
}

impl Repository {
    #[larder::memoize(ttl = "60s", scope = field(self.users))]
    fn user(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
