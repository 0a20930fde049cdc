CREATE TABLE IF NOT EXISTS kept_replies (
    key TEXT PRIMARY KEY,
    thread_id TEXT NOT NULL,
    request TEXT NOT NULL,
    reply TEXT NOT NULL,
    kept_until DOUBLE PRECISION NOT NULL
);
CREATE INDEX IF NOT EXISTS kept_replies_thread ON kept_replies (thread_id);
CREATE INDEX IF NOT EXISTS kept_replies_until ON kept_replies (kept_until);
CREATE TABLE IF NOT EXISTS feedback (
    run_id TEXT PRIMARY KEY,
    thread_id TEXT NOT NULL,
    rating TEXT NOT NULL,
    comment TEXT,
    given_at DOUBLE PRECISION NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_thread ON feedback (thread_id);
CREATE INDEX IF NOT EXISTS feedback_given ON feedback (given_at, run_id);
CREATE TABLE IF NOT EXISTS endpoint_records (
    endpoint TEXT NOT NULL,
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    thread_id TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (endpoint, owner, key)
);
CREATE INDEX IF NOT EXISTS endpoint_records_thread ON endpoint_records (thread_id);
CREATE INDEX IF NOT EXISTS endpoint_records_newest ON endpoint_records (endpoint, owner, updated_at);
CREATE INDEX IF NOT EXISTS checkpoints_run ON checkpoints ((@run));
CREATE INDEX IF NOT EXISTS checkpoints_companions ON checkpoints ((@root)) WHERE thread_id <> @root;
