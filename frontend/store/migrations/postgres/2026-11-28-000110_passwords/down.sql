DROP TABLE invitations;
DROP TABLE passwords;
