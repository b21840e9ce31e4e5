-- What pictures are searched for: their name, prompt, description and source in lower case.
ALTER TABLE images ADD COLUMN words TEXT NOT NULL DEFAULT '';
UPDATE images SET words = lower(name || char(10) || coalesce(source, '') || char(10)
    || coalesce(json_extract(by_model, '$.prompt'), '') || char(10)
    || coalesce(json_extract(by_model, '$.description'), ''));
-- The oldest of all owners are found without reading every row.
CREATE INDEX images_by_age ON images (created_at, id);
-- What each owner has stored. The triggers are part of every statement that writes pictures, so the sums are always right.
CREATE TABLE storage_use (
    owner    TEXT PRIMARY KEY,
    bytes    INTEGER NOT NULL,
    pictures INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO storage_use SELECT owner, sum(json_extract(facts, '$.bytes')), count(*) FROM images GROUP BY owner;
CREATE TRIGGER images_stored AFTER INSERT ON images BEGIN
    INSERT INTO storage_use SELECT new.owner, 0, 0
        WHERE NOT EXISTS (SELECT 1 FROM storage_use WHERE owner = new.owner);
    UPDATE storage_use SET bytes = bytes + json_extract(new.facts, '$.bytes'), pictures = pictures + 1
        WHERE owner = new.owner;
END;
CREATE TRIGGER images_replaced AFTER UPDATE OF facts ON images BEGIN
    UPDATE storage_use SET bytes = bytes + json_extract(new.facts, '$.bytes') - json_extract(old.facts, '$.bytes')
        WHERE owner = new.owner;
END;
CREATE TRIGGER images_deleted AFTER DELETE ON images BEGIN
    UPDATE storage_use SET bytes = bytes - json_extract(old.facts, '$.bytes'), pictures = pictures - 1
        WHERE owner = old.owner;
END;
