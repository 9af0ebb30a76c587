-- Volumes in pools of hosts' own follow their instances to other hosts. Each copy has a number of its own among the contents of its
-- volume, so what an attempt leaves behind, on whatever host and for however long, is never taken for the content.

-- No table is changed while a function's body knows its rows.
DROP FUNCTION usage_of(volume);
ALTER TABLE volume ADD COLUMN generations integer NOT NULL DEFAULT 1;
CREATE FUNCTION usage_of(ordered volume) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ordered.state = 'deleted' THEN 0 ELSE ordered.size END;
UPDATE volume SET generations = generation;

CREATE OR REPLACE FUNCTION volume_counts_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.base_image IS NOT NULL AND NEW.base_image IS DISTINCT FROM OLD.base_image)
        OR (NEW.base_volume IS NOT NULL AND NEW.base_volume IS DISTINCT FROM OLD.base_volume) THEN
        NEW.content := 'pending';
    END IF;
    IF NEW.generation = OLD.generation AND (
        (NEW.content <> 'made' AND NEW.content <> OLD.content)
        OR (NEW.content = 'pending' AND (NEW.base_image, NEW.base_volume) IS DISTINCT FROM (OLD.base_image, OLD.base_volume))) THEN
        NEW.generation := greatest(OLD.generation, OLD.generations) + 1;
    END IF;
    IF NEW.revert IS NOT NULL AND NEW.revert IS DISTINCT FROM OLD.revert AND NEW.reverts = OLD.reverts THEN
        NEW.reverts := OLD.reverts + 1;
    END IF;
    RETURN NEW;
END $$;

-- Behind volume_counts_orders, which comes before it in the order of names. What was given stays given, whatever somebody writes.
CREATE FUNCTION volume_counts_generations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.generations := greatest(NEW.generations, NEW.generation);
    IF TG_OP = 'UPDATE' THEN
        NEW.generations := greatest(NEW.generations, OLD.generations);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER volume_generations_grow BEFORE INSERT OR UPDATE ON volume FOR EACH ROW EXECUTE FUNCTION volume_counts_generations();

CREATE TABLE host_volume_copy (
    host       uuid    NOT NULL,
    volume     uuid    NOT NULL,
    instance   uuid    NOT NULL,
    fill       text    NOT NULL,
    generation integer,
    CONSTRAINT host_volume_copy_pkey PRIMARY KEY (host, volume),
    CONSTRAINT host_volume_copy_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE CASCADE,
    CONSTRAINT host_volume_copy_volume_fkey FOREIGN KEY (volume) REFERENCES volume (uuid) ON DELETE CASCADE,
    CONSTRAINT host_volume_copy_instance_fkey FOREIGN KEY (instance) REFERENCES instance (uuid) ON DELETE CASCADE,
    CONSTRAINT host_volume_copy_fill_list CHECK (fill IN ('hypervisor', 'fetch')),
    CONSTRAINT host_volume_copy_generation_range CHECK (generation BETWEEN 1 AND 2147483647)
);
COMMENT ON TABLE host_volume_copy IS 'A copy of a volume on a host to which its instance moves.';
COMMENT ON CONSTRAINT host_volume_copy_pkey ON host_volume_copy IS 'A copy of this volume is made on the host already.';
COMMENT ON CONSTRAINT host_volume_copy_host_fkey ON host_volume_copy IS 'There is no such host.';
COMMENT ON CONSTRAINT host_volume_copy_volume_fkey ON host_volume_copy IS 'There is no such volume.';
COMMENT ON CONSTRAINT host_volume_copy_instance_fkey ON host_volume_copy IS 'There is no such instance.';
COMMENT ON CONSTRAINT host_volume_copy_fill_list ON host_volume_copy IS 'The copy of a volume is filled by hypervisor or by fetch.';
COMMENT ON CONSTRAINT host_volume_copy_generation_range ON host_volume_copy IS 'The generation of a copy is 1 to 2147483647.';
CREATE INDEX host_volume_copy_volume_index ON host_volume_copy (volume);
CREATE INDEX host_volume_copy_instance_index ON host_volume_copy (instance);

CREATE CONSTRAINT TRIGGER host_volume_copy_host_gone AFTER INSERT OR UPDATE OF host ON host_volume_copy
    FOR EACH ROW EXECUTE FUNCTION refuses_gone_host();
COMMENT ON CONSTRAINT host_volume_copy_host_gone ON host_volume_copy IS 'The host is gone.';

-- The next number of the volume, whose row is locked by that: of two copies each gets its own.
CREATE FUNCTION host_volume_copy_is_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.volume SET generations = generations + 1 WHERE uuid = NEW.volume RETURNING generations INTO NEW.generation;
    RETURN NEW;
END $$;
CREATE TRIGGER host_volume_copy_is_numbered BEFORE INSERT ON host_volume_copy
    FOR EACH ROW EXECUTE FUNCTION host_volume_copy_is_numbered();

-- What is in the copy is what its number says, for as long as it is there.
CREATE CONSTRAINT TRIGGER host_volume_copy_fixed AFTER UPDATE ON host_volume_copy
    FOR EACH ROW WHEN (NEW IS DISTINCT FROM OLD) EXECUTE FUNCTION refuse_row('generation');
COMMENT ON CONSTRAINT host_volume_copy_fixed ON host_volume_copy IS 'A copy is never changed. Remove it, and make another.';

-- A copy that is the volume's content by now is kept with it; any other is removed by its host.
CREATE FUNCTION host_volume_copy_leaves_tombstone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.tombstone (type, target, storage_pool, host, size)
    SELECT 'orphan', format('volume-%s.%s', OLD.volume, OLD.generation), v.storage_pool, h.uuid, v.size
    FROM public.volume v CROSS JOIN public.host h
    WHERE v.uuid = OLD.volume AND h.uuid = OLD.host AND h.state <> 'gone'
        AND NOT (v.generation = OLD.generation AND EXISTS (SELECT FROM public.host_volume k WHERE k.volume = OLD.volume AND k.host = OLD.host))
    -- Whoever gives the host up waits, or is waited for and seen.
    FOR SHARE OF h;
    RETURN OLD;
END $$;
CREATE TRIGGER host_volume_copy_leaves_tombstone BEFORE DELETE ON host_volume_copy
    FOR EACH ROW EXECUTE FUNCTION host_volume_copy_leaves_tombstone();

-- When the volume goes, its own trigger runs while its row is still there, and so finds what to remove where.
CREATE FUNCTION volume_drops_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_volume_copy WHERE volume = OLD.uuid;
    RETURN OLD;
END $$;
CREATE TRIGGER volume_drops_copies BEFORE DELETE ON volume FOR EACH ROW EXECUTE FUNCTION volume_drops_copies();

-- What was fetched is what the volume was then. Who orders something that makes it another thing takes it back.
CREATE FUNCTION volume_outdates_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_volume_copy WHERE volume = NEW.uuid AND fill = 'fetch' AND generation <> NEW.generation;
    RETURN NULL;
END $$;
CREATE TRIGGER volume_outdates_copies AFTER UPDATE ON volume
    FOR EACH ROW WHEN ((NEW.content, NEW.reverts) IS DISTINCT FROM (OLD.content, OLD.reverts)) EXECUTE FUNCTION volume_outdates_copies();

CREATE FUNCTION snapshot_outdates_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_volume_copy WHERE (volume = NEW.volume OR instance = NEW.instance) AND fill = 'fetch';
    RETURN NULL;
END $$;
CREATE TRIGGER snapshot_outdates_copies AFTER INSERT ON snapshot FOR EACH ROW EXECUTE FUNCTION snapshot_outdates_copies();

-- Another instance may have written to it since, also where this one gets it back.
CREATE FUNCTION vdisk_outdates_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_volume_copy WHERE volume = OLD.volume;
    RETURN NULL;
END $$;
CREATE TRIGGER vdisk_outdates_copies AFTER DELETE ON vdisk
    FOR EACH ROW WHEN (OLD.volume IS NOT NULL) EXECUTE FUNCTION vdisk_outdates_copies();
CREATE TRIGGER vdisk_outdates_copies_too AFTER UPDATE OF volume, instance ON vdisk
    FOR EACH ROW WHEN (OLD.volume IS NOT NULL AND (NEW.volume, NEW.instance) IS DISTINCT FROM (OLD.volume, OLD.instance))
    EXECUTE FUNCTION vdisk_outdates_copies();

-- Whoever becomes the keeper without a copy, such as a host that was given up and is back, may let it be used at once.
CREATE FUNCTION host_volume_outdates_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_volume_copy c USING public.volume v
    WHERE c.volume = NEW.volume AND v.uuid = c.volume AND c.fill = 'fetch' AND (c.host, c.generation) IS DISTINCT FROM (NEW.host, v.generation);
    RETURN NULL;
END $$;
CREATE TRIGGER host_volume_outdates_copies AFTER INSERT OR UPDATE OF host ON host_volume
    FOR EACH ROW EXECUTE FUNCTION host_volume_outdates_copies();

-- A host that is gone gets nothing.
CREATE FUNCTION host_drops_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_volume_copy WHERE host = OLD.uuid;
    RETURN OLD;
END $$;
CREATE TRIGGER host_drops_copies AFTER UPDATE OF state ON host
    FOR EACH ROW WHEN (NEW.state = 'gone' AND OLD.state <> 'gone') EXECUTE FUNCTION host_drops_copies();

ALTER TABLE host_volume_copy REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE host_volume_copy;
