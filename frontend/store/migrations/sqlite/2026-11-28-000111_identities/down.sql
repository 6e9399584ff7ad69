DROP TABLE active_teams;
DROP TABLE user_teams;
DROP TABLE identities;
