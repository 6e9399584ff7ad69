CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    mail TEXT,
    is_admin BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE groups (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL
);

CREATE TABLE memberships (
    group_id BIGINT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id);

CREATE TABLE api_tokens (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    login TEXT NOT NULL UNIQUE,
    token_hash TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

CREATE TABLE mock_chroots (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    is_active BOOLEAN NOT NULL,
    comment TEXT NOT NULL,
    branch TEXT NOT NULL,
    definition TEXT NOT NULL
);

CREATE TABLE projects (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    is_unlisted BOOLEAN NOT NULL,
    delete_on BIGINT,
    settings TEXT NOT NULL,
    key_fingerprint TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (owner, name)
);

CREATE TABLE project_dirs (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE project_chroots (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    mock_chroot_id BIGINT NOT NULL REFERENCES mock_chroots (id),
    is_enabled BOOLEAN NOT NULL,
    disabled_on BIGINT,
    settings TEXT NOT NULL,
    UNIQUE (project_id, mock_chroot_id)
);

CREATE TABLE packages (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

CREATE TABLE batches (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    waits_for BIGINT REFERENCES batches (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX batches_by_waits_for ON batches (waits_for);

CREATE TABLE builds (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    dir TEXT NOT NULL,
    package TEXT,
    header TEXT,
    submitter_id BIGINT REFERENCES users (id),
    submitted_on BIGINT NOT NULL,
    source TEXT NOT NULL,
    source_state TEXT NOT NULL
        CHECK (source_state IN ('pending', 'starting', 'running', 'importing', 'succeeded', 'failed', 'canceled')),
    source_attempt BIGINT NOT NULL,
    source_builder TEXT,
    source_started_on BIGINT,
    source_ended_on BIGINT,
    srpm_url TEXT,
    options TEXT NOT NULL,
    failure TEXT,
    batch_id BIGINT REFERENCES batches (id),
    touched_on BIGINT NOT NULL
);
CREATE INDEX builds_by_project ON builds (project_id, id);
CREATE INDEX builds_by_package ON builds (project_id, package, id);
CREATE INDEX builds_by_batch ON builds (batch_id);
CREATE INDEX builds_unfinished_sources ON builds (touched_on)
    WHERE source_state IN ('pending', 'starting', 'running', 'importing');

CREATE TABLE build_chroots (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    build_id BIGINT NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    chroot TEXT NOT NULL,
    state TEXT NOT NULL
        CHECK (state IN ('waiting', 'pending', 'starting', 'running', 'succeeded', 'failed', 'canceled', 'skipped', 'forked')),
    stage TEXT CHECK (stage IN ('building', 'signing', 'publishing')),
    attempt BIGINT NOT NULL,
    started_on BIGINT,
    ended_on BIGINT,
    result_dir TEXT,
    git_commit TEXT,
    builder TEXT,
    failure TEXT,
    UNIQUE (build_id, chroot)
);
CREATE INDEX build_chroots_unfinished ON build_chroots (build_id)
    WHERE state IN ('waiting', 'pending', 'starting', 'running');

CREATE TABLE attempts (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    build_id BIGINT NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    task TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    builder TEXT,
    started_on BIGINT,
    ended_on BIGINT,
    outcome TEXT,
    UNIQUE (task, attempt)
);
CREATE INDEX attempts_by_build ON attempts (build_id);

CREATE TABLE built_packages (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    build_chroot_id BIGINT NOT NULL REFERENCES build_chroots (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    epoch BIGINT,
    version TEXT NOT NULL,
    release TEXT NOT NULL,
    arch TEXT NOT NULL
);
CREATE INDEX built_packages_by_chroot ON built_packages (build_chroot_id);

CREATE TABLE actions (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('create_key', 'publish', 'delete_builds', 'delete_project')),
    owner TEXT NOT NULL,
    project TEXT NOT NULL,
    message TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'success', 'failure')),
    error TEXT,
    created_at BIGINT NOT NULL,
    ended_on BIGINT,
    touched_on BIGINT NOT NULL
);
CREATE INDEX actions_waiting ON actions (touched_on) WHERE state = 'waiting';

CREATE TABLE outbox (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    stream TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE inbox (
    key TEXT NOT NULL PRIMARY KEY,
    handled_at BIGINT NOT NULL
);
CREATE INDEX inbox_by_time ON inbox (handled_at);
