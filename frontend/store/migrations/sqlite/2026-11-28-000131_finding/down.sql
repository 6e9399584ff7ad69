DROP INDEX built_packages_by_name;
DROP INDEX packages_by_name;
