"""A large copy in shards: planned once, each shard run anywhere, the results merged."""
