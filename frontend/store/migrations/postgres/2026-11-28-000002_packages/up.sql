-- How the package is built when nobody says otherwise; NULL: nobody said.
ALTER TABLE packages ADD COLUMN source TEXT;
ALTER TABLE packages ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
