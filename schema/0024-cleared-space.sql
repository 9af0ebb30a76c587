-- How much of a volume's space may be offered, where space that others had is handed on.

-- No table is changed while a function's body knows its rows.
DROP FUNCTION usage_of(volume);

ALTER TABLE volume
    ADD COLUMN cleared bigint,
    ADD CONSTRAINT volume_cleared_range CHECK (cleared BETWEEN 1 AND 1073741824);
CREATE FUNCTION usage_of(ordered volume) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ordered.state = 'deleted' THEN 0 ELSE ordered.size END;
COMMENT ON CONSTRAINT volume_cleared_range ON volume IS 'What is cleared of a volume is 1 to 1073741824 MiB.';

-- A guest may have written there: what was offered of a content stays offered, whatever somebody writes. Of a volume that was made before,
-- its keeper says what it offers; nothing is assumed here, since hosts that know nothing of this may offer more by then.
CREATE FUNCTION volume_keeps_cleared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.cleared := greatest(NEW.cleared, OLD.cleared);
    RETURN NEW;
END $$;
CREATE TRIGGER volume_keeps_cleared BEFORE UPDATE ON volume FOR EACH ROW
    WHEN (OLD.cleared IS NOT NULL AND OLD.content = 'made')
    EXECUTE FUNCTION volume_keeps_cleared();
