DROP TABLE legal_flags;
