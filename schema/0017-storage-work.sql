-- Who has which pool and which volume, what a volume's content is still to be made from, and what is left of things whose
-- rows are gone.

-- Pools of hosts

CREATE TABLE host_storage_pool (
    host         uuid    NOT NULL,
    storage_pool uuid    NOT NULL,
    steward      boolean NOT NULL DEFAULT false,
    CONSTRAINT host_storage_pool_pkey PRIMARY KEY (host, storage_pool),
    CONSTRAINT host_storage_pool_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE CASCADE,
    CONSTRAINT host_storage_pool_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE CASCADE,
    CONSTRAINT host_storage_pool_steward_one EXCLUDE (storage_pool WITH =, steward WITH =) WHERE (steward)
);
COMMENT ON TABLE host_storage_pool IS 'The host is to have the pool.';
COMMENT ON CONSTRAINT host_storage_pool_pkey ON host_storage_pool IS 'The host has this pool already.';
COMMENT ON CONSTRAINT host_storage_pool_host_fkey ON host_storage_pool IS 'There is no such host.';
COMMENT ON CONSTRAINT host_storage_pool_storage_pool_fkey ON host_storage_pool IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT host_storage_pool_steward_one ON host_storage_pool IS 'Another host is the steward of the pool.';
CREATE INDEX host_storage_pool_storage_pool_index ON host_storage_pool (storage_pool);

-- What a volume is still to become

-- No table is changed while a function's body knows its rows.
DROP FUNCTION usage_of(volume);

ALTER TABLE volume
    ADD COLUMN base_volume uuid,
    ADD COLUMN content     text    NOT NULL DEFAULT 'pending',
    ADD COLUMN generation  integer NOT NULL DEFAULT 1,
    -- No reference: a snapshot refers to its volume, and rows are written behind those that they refer to.
    ADD COLUMN revert      uuid,
    ADD COLUMN reverts     integer NOT NULL DEFAULT 0,
    ADD COLUMN unit        integer,
    -- A volume that waits to be filled would be taken for one that is filled.
    ADD CONSTRAINT volume_base_volume_fkey FOREIGN KEY (base_volume) REFERENCES volume (uuid),
    ADD CONSTRAINT volume_base_one CHECK (num_nonnulls(base_image, base_volume) <= 1),
    ADD CONSTRAINT volume_base_volume_other CHECK (base_volume <> uuid),
    ADD CONSTRAINT volume_content_list CHECK (content IN ('pending', 'upload', 'made')),
    ADD CONSTRAINT volume_content_base CHECK (content = 'pending' OR num_nonnulls(base_image, base_volume) = 0),
    ADD CONSTRAINT volume_generation_range CHECK (generation BETWEEN 1 AND 2147483647),
    ADD CONSTRAINT volume_reverts_range CHECK (reverts BETWEEN 0 AND 2147483647),
    ADD CONSTRAINT volume_unit_range CHECK (unit BETWEEN 0 AND 65535),
    ADD CONSTRAINT volume_unit_unique UNIQUE (storage_pool, unit);
CREATE FUNCTION usage_of(ordered volume) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ordered.state = 'deleted' THEN 0 ELSE ordered.size END;
COMMENT ON CONSTRAINT volume_base_volume_fkey ON volume IS 'There is no such volume.';
COMMENT ON CONSTRAINT volume_base_one ON volume IS 'A volume is filled from an image or from another volume, not from both.';
COMMENT ON CONSTRAINT volume_base_volume_other ON volume IS 'A volume is no copy of itself.';
COMMENT ON CONSTRAINT volume_content_list ON volume IS 'The content of a volume is pending, upload or made.';
COMMENT ON CONSTRAINT volume_content_base ON volume IS 'Only a volume whose content is pending has something that it is filled from.';
COMMENT ON CONSTRAINT volume_generation_range ON volume IS 'The generation of a volume is 1 to 2147483647.';
COMMENT ON CONSTRAINT volume_reverts_range ON volume IS 'The count of reverts is 0 to 2147483647.';
COMMENT ON CONSTRAINT volume_unit_range ON volume IS 'The unit of a volume is 0 to 65535.';
COMMENT ON CONSTRAINT volume_unit_unique ON volume IS 'Another volume of the pool is this unit.';
CREATE INDEX volume_base_volume_index ON volume (base_volume);

-- Whoever names something to fill a volume from orders a new content, and whoever names a snapshot one more revert.
CREATE FUNCTION volume_counts_orders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.base_image IS NOT NULL AND NEW.base_image IS DISTINCT FROM OLD.base_image)
        OR (NEW.base_volume IS NOT NULL AND NEW.base_volume IS DISTINCT FROM OLD.base_volume) THEN
        NEW.content := 'pending';
    END IF;
    IF NEW.generation = OLD.generation AND (
        (NEW.content <> 'made' AND NEW.content <> OLD.content)
        OR (NEW.content = 'pending' AND (NEW.base_image, NEW.base_volume) IS DISTINCT FROM (OLD.base_image, OLD.base_volume))) THEN
        NEW.generation := OLD.generation + 1;
    END IF;
    IF NEW.revert IS NOT NULL AND NEW.revert IS DISTINCT FROM OLD.revert AND NEW.reverts = OLD.reverts THEN
        NEW.reverts := OLD.reverts + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER volume_counts_orders BEFORE UPDATE OF base_image, base_volume, content, revert ON volume
    FOR EACH ROW EXECUTE FUNCTION volume_counts_orders();

CREATE FUNCTION volume_checks_base_volume() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.volume WHERE uuid = NEW.base_volume AND tenant IS NOT DISTINCT FROM NEW.tenant) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'base_volume');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_base_volume_tenant AFTER INSERT OR UPDATE OF base_volume ON volume
    FOR EACH ROW WHEN (NEW.base_volume IS NOT NULL) EXECUTE FUNCTION volume_checks_base_volume();
COMMENT ON CONSTRAINT volume_base_volume_tenant ON volume IS 'A volume is filled from a volume of its own tenant.';

-- The lock on the snapshot makes whoever deletes it wait, and then take the order to revert back.
CREATE FUNCTION volume_checks_revert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    PERFORM FROM public.snapshot WHERE uuid = NEW.revert AND volume = NEW.uuid AND state = 'present' FOR SHARE;
    IF NOT FOUND THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'revert');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_revert_own AFTER INSERT OR UPDATE OF revert ON volume
    FOR EACH ROW WHEN (NEW.revert IS NOT NULL) EXECUTE FUNCTION volume_checks_revert();
COMMENT ON CONSTRAINT volume_revert_own ON volume IS 'A volume is reverted to a snapshot of its own that is not ordered to be deleted.';

-- Where a volume's content is

CREATE TABLE host_volume (
    host          uuid NOT NULL,
    volume        uuid NOT NULL,
    source_volume uuid,
    CONSTRAINT host_volume_pkey PRIMARY KEY (host, volume),
    CONSTRAINT host_volume_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE CASCADE,
    CONSTRAINT host_volume_volume_fkey FOREIGN KEY (volume) REFERENCES volume (uuid) ON DELETE CASCADE,
    CONSTRAINT host_volume_source_volume_fkey FOREIGN KEY (source_volume) REFERENCES volume (uuid) ON DELETE SET NULL,
    -- Two that make one volume would each spoil what the other does.
    CONSTRAINT host_volume_volume_key UNIQUE (volume)
);
COMMENT ON TABLE host_volume IS 'The host keeps the volume.';
COMMENT ON CONSTRAINT host_volume_pkey ON host_volume IS 'The host keeps this volume already.';
COMMENT ON CONSTRAINT host_volume_host_fkey ON host_volume IS 'There is no such host.';
COMMENT ON CONSTRAINT host_volume_volume_fkey ON host_volume IS 'There is no such volume.';
COMMENT ON CONSTRAINT host_volume_source_volume_fkey ON host_volume IS 'There is no such volume.';
COMMENT ON CONSTRAINT host_volume_volume_key ON host_volume IS 'Another host keeps the volume.';
CREATE INDEX host_volume_source_volume_index ON host_volume (source_volume);

CREATE TABLE image_copy (
    uuid         uuid NOT NULL DEFAULT gen_random_uuid(),
    image        uuid NOT NULL,
    storage_pool uuid NOT NULL,
    host         uuid NOT NULL,
    CONSTRAINT image_copy_pkey PRIMARY KEY (uuid),
    CONSTRAINT image_copy_image_fkey FOREIGN KEY (image) REFERENCES image (uuid) ON DELETE CASCADE,
    CONSTRAINT image_copy_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE CASCADE,
    CONSTRAINT image_copy_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE CASCADE,
    CONSTRAINT image_copy_unique UNIQUE (image, storage_pool, host)
);
COMMENT ON TABLE image_copy IS 'A copy of an image in a pool, to make volumes from.';
COMMENT ON CONSTRAINT image_copy_pkey ON image_copy IS 'A copy with this uuid is there already.';
COMMENT ON CONSTRAINT image_copy_image_fkey ON image_copy IS 'There is no such image.';
COMMENT ON CONSTRAINT image_copy_storage_pool_fkey ON image_copy IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT image_copy_host_fkey ON image_copy IS 'There is no such host.';
COMMENT ON CONSTRAINT image_copy_unique ON image_copy IS 'The host keeps a copy of this image in this pool already.';
CREATE INDEX image_copy_storage_pool_index ON image_copy (storage_pool);
CREATE INDEX image_copy_host_index ON image_copy (host);

-- What a host keeps is in one pool, and nothing moves it: whoever wants it elsewhere makes a copy there. Whoever makes a host the
-- keeper holds the key of the volume, of which the pool is a part, so one of the two waits for the other.
CREATE FUNCTION volume_checks_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF OLD.content <> 'pending' OR OLD.generation > 1 OR OLD.unit IS NOT NULL
        OR EXISTS (SELECT FROM public.host_volume WHERE volume = NEW.uuid) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'storage_pool');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_storage_pool_kept AFTER UPDATE OF storage_pool ON volume
    FOR EACH ROW WHEN (NEW.storage_pool <> OLD.storage_pool) EXECUTE FUNCTION volume_checks_move();
COMMENT ON CONSTRAINT volume_storage_pool_kept ON volume
    IS 'The volume is in its pool already. Make another from it (base_volume) where it is to be.';

-- What is left of things whose rows are gone

CREATE TABLE tombstone (
    uuid         uuid    NOT NULL DEFAULT gen_random_uuid(),
    type         text    NOT NULL DEFAULT 'orphan',
    target       text    NOT NULL,
    volume       uuid,
    storage_pool uuid    NOT NULL,
    host         uuid,
    unit         integer,
    size         bigint,
    done         boolean NOT NULL DEFAULT false,
    CONSTRAINT tombstone_pkey PRIMARY KEY (uuid),
    CONSTRAINT tombstone_type_list CHECK (type IN ('volume', 'snapshot', 'image', 'orphan')),
    CONSTRAINT tombstone_target_length CHECK (char_length(target) BETWEEN 1 AND 255),
    CONSTRAINT tombstone_target_uuid CHECK (type = 'orphan' OR target ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    CONSTRAINT tombstone_volume_fkey FOREIGN KEY (volume) REFERENCES volume (uuid) ON DELETE CASCADE,
    CONSTRAINT tombstone_volume_type CHECK ((volume IS NOT NULL) = (type = 'snapshot')),
    CONSTRAINT tombstone_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE CASCADE,
    CONSTRAINT tombstone_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE SET NULL,
    CONSTRAINT tombstone_host_orphan CHECK (host IS NOT NULL OR type <> 'orphan'),
    CONSTRAINT tombstone_unit_range CHECK (unit BETWEEN 0 AND 65535),
    CONSTRAINT tombstone_size_range CHECK (size BETWEEN 0 AND 1073741824)
);
COMMENT ON TABLE tombstone IS 'Something whose row is gone and whose content is still to be removed.';
COMMENT ON CONSTRAINT tombstone_pkey ON tombstone IS 'A tombstone with this uuid is there already.';
COMMENT ON CONSTRAINT tombstone_type_list ON tombstone IS 'The type of a tombstone is volume, snapshot, image or orphan.';
COMMENT ON CONSTRAINT tombstone_target_length ON tombstone IS 'The target of a tombstone has 1 to 255 characters.';
COMMENT ON CONSTRAINT tombstone_target_uuid ON tombstone IS 'The target of a tombstone is a uuid, but of an orphan.';
COMMENT ON CONSTRAINT tombstone_volume_fkey ON tombstone IS 'There is no such volume.';
COMMENT ON CONSTRAINT tombstone_volume_type ON tombstone IS 'The tombstone of a snapshot names the volume that it is in, and no other does.';
COMMENT ON CONSTRAINT tombstone_storage_pool_fkey ON tombstone IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT tombstone_host_fkey ON tombstone IS 'There is no such host.';
COMMENT ON CONSTRAINT tombstone_host_orphan ON tombstone IS 'The tombstone of an orphan names the host that is to remove it.';
COMMENT ON CONSTRAINT tombstone_unit_range ON tombstone IS 'The unit of a tombstone is 0 to 65535.';
COMMENT ON CONSTRAINT tombstone_size_range ON tombstone IS 'A tombstone stands for 0 to 1073741824 MiB.';
CREATE INDEX tombstone_volume_index ON tombstone (volume);
CREATE INDEX tombstone_storage_pool_index ON tombstone (storage_pool);
CREATE INDEX tombstone_host_index ON tombstone (host);

-- Rows leave the others behind, with their locks; by hand one could name what is in use.
CREATE CONSTRAINT TRIGGER tombstone_type_orphan AFTER INSERT ON tombstone
    FOR EACH ROW WHEN (NEW.type <> 'orphan' AND pg_trigger_depth() = 0) EXECUTE FUNCTION refuse_row('type');
COMMENT ON CONSTRAINT tombstone_type_orphan ON tombstone IS 'Only what no row explains gets a tombstone by hand; the rest is left by rows that go.';

ALTER TABLE extent
    ADD COLUMN tombstone uuid,
    ADD CONSTRAINT extent_tombstone_fkey FOREIGN KEY (tombstone) REFERENCES tombstone (uuid),
    ADD CONSTRAINT extent_volume_tombstone CHECK (num_nonnulls(volume, tombstone) <= 1);
COMMENT ON CONSTRAINT extent_tombstone_fkey ON extent IS 'There is no such tombstone.';
COMMENT ON CONSTRAINT extent_volume_tombstone ON extent IS 'An extent is of a volume, or of what is left of one.';
CREATE INDEX extent_tombstone_index ON extent (tombstone);

-- Space that is handed on must be wiped first, so what stands for it does not go before that is said.

CREATE FUNCTION tombstone_frees_extents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.done THEN
        DELETE FROM public.extent WHERE tombstone = OLD.uuid;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER tombstone_frees_extents BEFORE DELETE ON tombstone FOR EACH ROW EXECUTE FUNCTION tombstone_frees_extents();

CREATE FUNCTION tombstone_keeps_unit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A pool that is let go has no units to hand on.
    IF EXISTS (SELECT FROM public.storage_pool WHERE uuid = OLD.storage_pool) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'done');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER tombstone_unit_done AFTER DELETE ON tombstone
    FOR EACH ROW WHEN (OLD.unit IS NOT NULL AND NOT OLD.done) EXECUTE FUNCTION tombstone_keeps_unit();
COMMENT ON CONSTRAINT tombstone_unit_done ON tombstone
    IS 'The unit still holds what a volume held. Set done first, if nobody can wipe it any more.';

-- The host that keeps a volume; null when none does. The lock makes whoever gives that host up wait, and then pass on what it had.
CREATE FUNCTION keeper_of(volume uuid) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    keeper uuid;
BEGIN
    SELECT h.uuid INTO keeper FROM public.host_volume v JOIN public.host h ON h.uuid = v.host
    WHERE v.volume = keeper_of.volume AND h.state <> 'gone' FOR SHARE OF h;
    RETURN keeper;
END $$;

CREATE FUNCTION volume_leaves_tombstone() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    keeper uuid := public.keeper_of(OLD.uuid);
    left_behind uuid;
BEGIN
    -- What no host was told to make is nowhere, and what a host that is gone had for itself is out of reach.
    IF keeper IS NOT NULL
        OR OLD.unit IS NOT NULL
        OR EXISTS (SELECT FROM public.extent WHERE volume = OLD.uuid)
        OR ((OLD.content <> 'pending' OR OLD.generation > 1)
            AND EXISTS (SELECT FROM public.storage_pool WHERE uuid = OLD.storage_pool AND shareable)) THEN
        INSERT INTO public.tombstone (type, target, storage_pool, host, unit, size)
        VALUES ('volume', OLD.uuid, OLD.storage_pool, keeper, OLD.unit, OLD.size)
        RETURNING uuid INTO left_behind;
        UPDATE public.extent SET volume = NULL, tombstone = left_behind WHERE volume = OLD.uuid;
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER volume_leaves_tombstone BEFORE DELETE ON volume FOR EACH ROW EXECUTE FUNCTION volume_leaves_tombstone();

CREATE FUNCTION snapshot_leaves_tombstone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.volume SET revert = NULL WHERE uuid = OLD.volume AND revert = OLD.uuid;
    -- Where the volume goes too, its snapshots go with it.
    INSERT INTO public.tombstone (type, target, volume, storage_pool, host)
    SELECT 'snapshot', OLD.uuid, v.uuid, v.storage_pool, keeper
    FROM public.volume v
    JOIN public.storage_pool p ON p.uuid = v.storage_pool
    CROSS JOIN public.keeper_of(v.uuid) AS keeper
    WHERE v.uuid = OLD.volume AND (keeper IS NOT NULL OR (p.shareable AND v.content = 'made'));
    RETURN OLD;
END $$;
CREATE TRIGGER snapshot_leaves_tombstone BEFORE DELETE ON snapshot FOR EACH ROW EXECUTE FUNCTION snapshot_leaves_tombstone();

CREATE FUNCTION snapshot_takes_revert_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.volume SET revert = NULL WHERE uuid = NEW.volume AND revert = NEW.uuid;
    RETURN NULL;
END $$;
CREATE TRIGGER snapshot_takes_revert_back AFTER UPDATE OF state ON snapshot
    FOR EACH ROW WHEN (NEW.state = 'deleted' AND OLD.state <> 'deleted') EXECUTE FUNCTION snapshot_takes_revert_back();

CREATE FUNCTION image_leaves_tombstones() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.tombstone (type, target, storage_pool, host)
    SELECT 'image', OLD.uuid, c.storage_pool, h.uuid
    FROM public.image_copy c JOIN public.host h ON h.uuid = c.host
    WHERE c.image = OLD.uuid AND h.state <> 'gone' FOR SHARE OF h;
    RETURN OLD;
END $$;
CREATE TRIGGER image_leaves_tombstones BEFORE DELETE ON image FOR EACH ROW EXECUTE FUNCTION image_leaves_tombstones();

-- A host that is gone keeps nothing, and gets nothing. What is left in pools that others reach is for one of them to remove.

CREATE FUNCTION host_drops_storage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.host_volume WHERE host = OLD.uuid;
    DELETE FROM public.image_copy WHERE host = OLD.uuid;
    DELETE FROM public.host_storage_pool WHERE host = OLD.uuid;
    UPDATE public.tombstone t SET host = NULL
    FROM public.storage_pool p
    WHERE p.uuid = t.storage_pool AND t.host = OLD.uuid AND t.type <> 'orphan'
        AND (p.shareable OR t.unit IS NOT NULL OR EXISTS (SELECT FROM public.extent e WHERE e.tombstone = t.uuid));
    -- The rest was the host's own, and an orphan that others see is reported by them again.
    UPDATE public.tombstone SET done = true WHERE host = OLD.uuid;
    DELETE FROM public.tombstone WHERE host = OLD.uuid;
    RETURN OLD;
END $$;
CREATE TRIGGER host_drops_storage BEFORE DELETE ON host FOR EACH ROW EXECUTE FUNCTION host_drops_storage();
CREATE TRIGGER host_drops_storage_too AFTER UPDATE OF state ON host
    FOR EACH ROW WHEN (NEW.state = 'gone' AND OLD.state <> 'gone') EXECUTE FUNCTION host_drops_storage();

CREATE FUNCTION refuses_gone_host() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    -- The lock makes whoever gives the host up wait for this transaction, and then take the new row away as well.
    SELECT state INTO found FROM public.host WHERE uuid = NEW.host FOR SHARE;
    IF found = 'gone' THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'host');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER host_storage_pool_host_gone AFTER INSERT OR UPDATE OF host ON host_storage_pool
    FOR EACH ROW EXECUTE FUNCTION refuses_gone_host();
COMMENT ON CONSTRAINT host_storage_pool_host_gone ON host_storage_pool IS 'The host is gone.';
CREATE CONSTRAINT TRIGGER host_volume_host_gone AFTER INSERT OR UPDATE OF host ON host_volume
    FOR EACH ROW EXECUTE FUNCTION refuses_gone_host();
COMMENT ON CONSTRAINT host_volume_host_gone ON host_volume IS 'The host is gone.';
CREATE CONSTRAINT TRIGGER image_copy_host_gone AFTER INSERT OR UPDATE OF host ON image_copy
    FOR EACH ROW EXECUTE FUNCTION refuses_gone_host();
COMMENT ON CONSTRAINT image_copy_host_gone ON image_copy IS 'The host is gone.';

CREATE CONSTRAINT TRIGGER tombstone_host_gone AFTER INSERT OR UPDATE OF host ON tombstone
    FOR EACH ROW WHEN (NEW.host IS NOT NULL) EXECUTE FUNCTION refuses_gone_host();
COMMENT ON CONSTRAINT tombstone_host_gone ON tombstone IS 'The host is gone.';

-- A unit is free when nothing is left in it. Of two volumes the index lets the second wait for the first, and then see what it left.
CREATE FUNCTION volume_checks_unit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF EXISTS (SELECT FROM public.tombstone WHERE storage_pool = NEW.storage_pool AND unit = NEW.unit) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'unit');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_unit_wiped AFTER INSERT OR UPDATE OF unit, storage_pool ON volume
    FOR EACH ROW WHEN (NEW.unit IS NOT NULL) EXECUTE FUNCTION volume_checks_unit();
COMMENT ON CONSTRAINT volume_unit_wiped ON volume IS 'What another volume left in the unit is still to be wiped.';

ALTER TABLE host_storage_pool REPLICA IDENTITY FULL;
ALTER TABLE host_volume REPLICA IDENTITY FULL;
ALTER TABLE image_copy REPLICA IDENTITY FULL;
ALTER TABLE tombstone REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE host_storage_pool, host_volume, image_copy, tombstone;
