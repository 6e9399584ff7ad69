-- What a user or a group tells on its page; `pinned` is a JSON list of ids of projects.
CREATE TABLE profiles (
    owner TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL,
    pinned TEXT NOT NULL
);
