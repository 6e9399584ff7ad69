-- Packages are found by each word of their name, in whatever letters: one row for each place where a word begins, with
-- the name from there on in small letters.
CREATE TABLE package_words (
    package_id BIGINT NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
    word TEXT NOT NULL,
    PRIMARY KEY (package_id, word)
);
CREATE INDEX package_words_by_word ON package_words (word, package_id DESC);
INSERT INTO package_words (package_id, word)
WITH RECURSIVE rest (id, before, text) AS (
    SELECT id, '-', lower(name) FROM packages
    UNION ALL
    SELECT id, substr(text, 1, 1), substr(text, 2) FROM rest WHERE length(text) > 1
)
SELECT DISTINCT id, text FROM rest
WHERE before IN ('-', '_', '.', '+') AND substr(text, 1, 1) NOT IN ('-', '_', '.', '+');
DROP INDEX packages_by_name;
