-- Who a user is elsewhere: each of them is a way to log in.
CREATE TABLE identities (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    -- The provider's own, never changing word for the person.
    subject TEXT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    -- How the provider calls the person.
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    UNIQUE (provider, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

-- The teams of a user as a provider told at the last login.
CREATE TABLE user_teams (
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider TEXT NOT NULL,
    team TEXT NOT NULL,
    PRIMARY KEY (user_id, provider, team)
);
CREATE INDEX user_teams_by_team ON user_teams (provider, team);

-- Teams that own projects here: their members are the members of the group.
CREATE TABLE active_teams (
    provider TEXT NOT NULL,
    team TEXT NOT NULL,
    group_id BIGINT NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    PRIMARY KEY (provider, team)
);
CREATE INDEX active_teams_by_group ON active_teams (group_id);
