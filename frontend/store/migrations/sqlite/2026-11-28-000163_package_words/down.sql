CREATE INDEX packages_by_name ON packages (name COLLATE NOCASE);
DROP TABLE package_words;
