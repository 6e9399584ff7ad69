-- Packages are found by the beginning of their name, built ones by their whole name.
CREATE INDEX packages_by_name ON packages (name COLLATE NOCASE);
CREATE INDEX built_packages_by_name ON built_packages (name, id);
