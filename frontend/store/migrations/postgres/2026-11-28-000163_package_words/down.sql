CREATE INDEX packages_by_name ON packages (name text_pattern_ops);
DROP TABLE package_words;
