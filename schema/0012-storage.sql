-- Where volumes are kept, what they hold, and which instances have them. How every rule stands against transactions that
-- run at once is said beside it; a lock that is taken is the weakest that those who could break the rule wait for.

-- An extent over another is refused by an exclusion constraint, which needs to compare texts and ranges in one index.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'btree_gist') THEN
        RAISE EXCEPTION 'The PostgreSQL server lacks the extension btree_gist. It is part of PostgreSQL''s own contrib modules, which some distributions have in a package of their own, such as postgresql-contrib: install that on the server.';
    END IF;
    CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA public;
END $$;

-- A rule that is checked under a lock looks again once it has the lock. A transaction with one snapshot for all of it would
-- look at what was there before it waited.
CREATE FUNCTION expect_read_committed() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'This needs the isolation level READ COMMITTED.' USING ERRCODE = 'feature_not_supported';
    END IF;
END $$;
COMMENT ON FUNCTION expect_read_committed IS 'Refuses transactions in which a lock does not make the newest rows visible.';

-- Pools

-- The value itself where it is an object, else an empty one: functions of members fail on anything else.
CREATE FUNCTION members_of(value json) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE json_typeof(value) WHEN 'object' THEN value ELSE '{}' END;
CREATE FUNCTION elements_of(value json) RETURNS json LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE json_typeof(value) WHEN 'array' THEN value ELSE '[]' END;
-- Whether an object has all members that it must, none but those that it may, and all are texts that say something.
CREATE FUNCTION has_texts(value json, required text[], optional text[] DEFAULT '{}', other text DEFAULT '') RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN json_typeof(value) = 'object'
        AND required <@ ARRAY(SELECT json_object_keys(members_of(value)))
        AND NOT EXISTS (
            SELECT FROM json_each(members_of(value)) AS member (key, value)
            WHERE key <> other
                AND (NOT key = ANY (required || optional) OR json_typeof(member.value) <> 'string' OR member.value::text = '""'));
CREATE FUNCTION is_text_list(value json) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN json_array_length(elements_of(value)) BETWEEN 1 AND 64
        AND NOT EXISTS (
            SELECT FROM json_array_elements(elements_of(value)) AS item WHERE json_typeof(item) <> 'string' OR item::text = '""');
CREATE FUNCTION is_storage_pool_config(type text, config json) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE type
        WHEN 'dir' THEN has_texts(config, ARRAY['path'])
        WHEN 'logical' THEN has_texts(config, ARRAY['name'])
        WHEN 'netfs' THEN has_texts(config, ARRAY['host', 'path'], ARRAY['format', 'options'])
        WHEN 'iscsi' THEN has_texts(config, ARRAY['portal', 'target'], ARRAY['initiator'])
        WHEN 'rbd' THEN has_texts(config, ARRAY['pool'], ARRAY['user'], 'monitors') AND is_text_list(members_of(config) -> 'monitors')
        WHEN 'gluster' THEN has_texts(config, ARRAY['host', 'volume'], ARRAY['path'])
        WHEN 'shared-lvm' THEN has_texts(config, ARRAY['name'])
    END;
CREATE FUNCTION is_storage_pool_secret(type text, secret json) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE type
        WHEN 'iscsi' THEN has_texts(secret, ARRAY['user', 'password'])
        WHEN 'rbd' THEN has_texts(secret, ARRAY['key'])
        ELSE false
    END;

CREATE TABLE storage_pool (
    uuid      uuid    NOT NULL DEFAULT gen_random_uuid(),
    name      text    NOT NULL,
    type      text    NOT NULL,
    config    json    NOT NULL,
    secret    json,
    shareable boolean NOT NULL DEFAULT false,
    size      bigint,
    CONSTRAINT storage_pool_pkey PRIMARY KEY (uuid),
    CONSTRAINT storage_pool_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT storage_pool_type_list CHECK (type IN ('dir', 'logical', 'netfs', 'iscsi', 'rbd', 'gluster', 'shared-lvm')),
    -- Members that nobody knows are refused, so that no password is put where everybody reads.
    CONSTRAINT storage_pool_config_of_type CHECK (is_storage_pool_config(type, config)),
    CONSTRAINT storage_pool_secret_of_type CHECK (secret IS NULL OR is_storage_pool_secret(type, secret)),
    CONSTRAINT storage_pool_size_range CHECK (size BETWEEN 1 AND 1073741824)
);
COMMENT ON TABLE storage_pool IS 'Where volumes are kept.';
COMMENT ON COLUMN storage_pool.secret IS 'In clear: hosts need it so. Whoever may read the database reads it.';
COMMENT ON CONSTRAINT storage_pool_pkey ON storage_pool IS 'A storage pool with this uuid is there already.';
COMMENT ON CONSTRAINT storage_pool_name_length ON storage_pool IS 'The name of a storage pool has 1 to 64 characters.';
COMMENT ON CONSTRAINT storage_pool_type_list ON storage_pool
    IS 'The type of a storage pool is dir, logical, netfs, iscsi, rbd, gluster or shared-lvm.';
COMMENT ON CONSTRAINT storage_pool_config_of_type ON storage_pool IS
    'The config of a storage pool is an object of texts: path for dir; name for logical and shared-lvm; host and path, maybe format and options, for netfs; portal and target, maybe initiator, for iscsi; pool and monitors (a list), maybe user, for rbd; host and volume, maybe path, for gluster.';
COMMENT ON CONSTRAINT storage_pool_secret_of_type ON storage_pool IS
    'The secret of a storage pool is an object of texts: user and password for iscsi, key for rbd; other types have none.';
COMMENT ON CONSTRAINT storage_pool_size_range ON storage_pool IS 'A storage pool has 1 to 1073741824 MiB.';

CREATE CONSTRAINT TRIGGER storage_pool_type_immutable AFTER UPDATE OF type ON storage_pool
    FOR EACH ROW WHEN (NEW.type <> OLD.type) EXECUTE FUNCTION refuse_row('type');
COMMENT ON CONSTRAINT storage_pool_type_immutable ON storage_pool IS 'A storage pool never becomes one of another type.';

CREATE TABLE disk (
    id           text   NOT NULL,
    type         text   NOT NULL,
    targets      text[] NOT NULL DEFAULT '{}',
    storage_pool uuid,
    size         bigint,
    CONSTRAINT disk_pkey PRIMARY KEY (id),
    CONSTRAINT disk_id_format CHECK (id ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,222}$'),
    CONSTRAINT disk_type_list CHECK (type IN ('local', 'fc', 'iscsi')),
    CONSTRAINT disk_targets_flat CHECK (coalesce(array_ndims(targets), 1) = 1 AND array_position(targets, NULL) IS NULL),
    CONSTRAINT disk_targets_count CHECK (cardinality(targets) <= 64),
    CONSTRAINT disk_targets_format CHECK (array_to_string(targets, ',') ~ '^([^\s,]{1,255}(,[^\s,]{1,255})*)?$'),
    CONSTRAINT disk_targets_of_type CHECK (array_to_string(targets, ',') ~ CASE type
        WHEN 'local' THEN '^$'
        WHEN 'fc' THEN '^([0-9a-f]{2}:){7}[0-9a-f]{2}/[0-9]{1,5}(,([0-9a-f]{2}:){7}[0-9a-f]{2}/[0-9]{1,5})*$'
        WHEN 'iscsi' THEN '^[^\s,/]+/(iqn|eui|naa)\.[^\s,/]+/[0-9]{1,5}(,[^\s,/]+/(iqn|eui|naa)\.[^\s,/]+/[0-9]{1,5})*$'
        ELSE '' END),
    CONSTRAINT disk_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE SET NULL,
    CONSTRAINT disk_size_range CHECK (size BETWEEN 1 AND 1073741824)
);
COMMENT ON TABLE disk IS 'A disk that a storage pool is made of, or could be.';
COMMENT ON CONSTRAINT disk_pkey ON disk IS 'A disk with this id is there already.';
COMMENT ON CONSTRAINT disk_id_format ON disk
    IS 'The id of a disk has 1 to 223 letters, digits, underscores, dots, colons and hyphens, and starts with a letter or digit.';
COMMENT ON CONSTRAINT disk_type_list ON disk IS 'The type of a disk is local, fc or iscsi.';
COMMENT ON CONSTRAINT disk_targets_flat ON disk IS 'The targets of a disk are a plain list without nulls.';
COMMENT ON CONSTRAINT disk_targets_count ON disk IS 'A disk has at most 64 targets.';
COMMENT ON CONSTRAINT disk_targets_format ON disk IS 'A target of a disk has 1 to 255 characters, none of them a space or a comma.';
COMMENT ON CONSTRAINT disk_targets_of_type ON disk
    IS 'A local disk has no targets; one of type fc has port/unit, and one of type iscsi portal/target/unit.';
COMMENT ON CONSTRAINT disk_storage_pool_fkey ON disk IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT disk_size_range ON disk IS 'A disk has 1 to 1073741824 MiB.';
-- Not to find disks by, but for extents to refer to a disk together with its pool.
CREATE UNIQUE INDEX disk_place_index ON disk (id, storage_pool);
CREATE INDEX disk_storage_pool_index ON disk (storage_pool);

-- Images and volumes

CREATE TABLE image (
    uuid        uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant      uuid,
    name        text NOT NULL,
    description text,
    type        text NOT NULL DEFAULT 'disk',
    source_uri  text,
    checksum    text,
    CONSTRAINT image_pkey PRIMARY KEY (uuid),
    CONSTRAINT image_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT image_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT image_description_length CHECK (char_length(description) <= 4096),
    CONSTRAINT image_type_list CHECK (type IN ('disk', 'cdrom')),
    CONSTRAINT image_source_uri_format CHECK (source_uri ~ '^(https?://[^\s/@?#]+(/[^\s]*)?|file:///[^\s]+)$'),
    CONSTRAINT image_source_uri_length CHECK (char_length(source_uri) <= 2048),
    -- A file of the host would show a tenant what is none of theirs.
    CONSTRAINT image_source_uri_file CHECK (tenant IS NULL OR source_uri NOT LIKE 'file:%'),
    CONSTRAINT image_checksum_format CHECK (checksum ~ '^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$')
);
COMMENT ON TABLE image IS 'What disks and CD-ROMs of instances are made from.';
COMMENT ON CONSTRAINT image_pkey ON image IS 'An image with this uuid is there already.';
COMMENT ON CONSTRAINT image_tenant_fkey ON image IS 'There is no such tenant.';
COMMENT ON CONSTRAINT image_name_length ON image IS 'The name of an image has 1 to 64 characters.';
COMMENT ON CONSTRAINT image_description_length ON image IS 'The description of an image has at most 4096 characters.';
COMMENT ON CONSTRAINT image_type_list ON image IS 'The type of an image is disk or cdrom.';
COMMENT ON CONSTRAINT image_source_uri_format ON image
    IS 'The source of an image is an http, https or file URI without user, password and spaces.';
COMMENT ON CONSTRAINT image_source_uri_length ON image IS 'The source of an image has at most 2048 characters.';
COMMENT ON CONSTRAINT image_source_uri_file ON image IS 'Only an image of no tenant can come from a file.';
COMMENT ON CONSTRAINT image_checksum_format ON image
    IS 'The checksum of an image is sha256: or sha512: and the sum in lower-case hexadecimal.';
CREATE INDEX image_tenant_index ON image (tenant);
CREATE CONSTRAINT TRIGGER image_tenant_immutable AFTER UPDATE OF tenant ON image
    FOR EACH ROW WHEN (NEW.tenant IS DISTINCT FROM OLD.tenant) EXECUTE FUNCTION refuse_row('tenant');
COMMENT ON CONSTRAINT image_tenant_immutable ON image IS 'An image stays with its tenant.';

CREATE TABLE volume (
    uuid         uuid    NOT NULL DEFAULT gen_random_uuid(),
    tenant       uuid,
    name         text    NOT NULL,
    state        text    NOT NULL DEFAULT 'present',
    size         bigint  NOT NULL,
    storage_pool uuid    NOT NULL,
    base_image   uuid,
    image        uuid,
    shareable    boolean NOT NULL DEFAULT false,
    CONSTRAINT volume_pkey PRIMARY KEY (uuid),
    CONSTRAINT volume_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT volume_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT volume_state_list CHECK (state IN ('present', 'optional', 'deleted')),
    CONSTRAINT volume_size_range CHECK (size BETWEEN 1 AND 1073741824),
    CONSTRAINT volume_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE RESTRICT,
    -- A volume that waits to be filled would be taken for one that is filled.
    CONSTRAINT volume_base_image_fkey FOREIGN KEY (base_image) REFERENCES image (uuid),
    -- The volume is data, and stays when nobody calls it an image any more.
    CONSTRAINT volume_image_fkey FOREIGN KEY (image) REFERENCES image (uuid) ON DELETE SET NULL
);
COMMENT ON TABLE volume IS 'A virtual disk''s content.';
COMMENT ON CONSTRAINT volume_pkey ON volume IS 'A volume with this uuid is there already.';
COMMENT ON CONSTRAINT volume_tenant_fkey ON volume IS 'There is no such tenant.';
COMMENT ON CONSTRAINT volume_name_length ON volume IS 'The name of a volume has 1 to 64 characters.';
COMMENT ON CONSTRAINT volume_state_list ON volume IS 'The state of a volume is present, optional or deleted.';
COMMENT ON CONSTRAINT volume_size_range ON volume IS 'A volume has 1 to 1073741824 MiB.';
COMMENT ON CONSTRAINT volume_storage_pool_fkey ON volume IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT volume_base_image_fkey ON volume IS 'There is no such image.';
COMMENT ON CONSTRAINT volume_image_fkey ON volume IS 'There is no such image.';
CREATE INDEX volume_tenant_index ON volume (tenant);
CREATE INDEX volume_base_image_index ON volume (base_image);
CREATE INDEX volume_image_index ON volume (image);
-- Finds volumes by their pool, and lets extents refer to a volume together with its pool.
CREATE UNIQUE INDEX volume_place_index ON volume (storage_pool, uuid);
CREATE CONSTRAINT TRIGGER volume_tenant_immutable AFTER UPDATE OF tenant ON volume
    FOR EACH ROW WHEN (NEW.tenant IS DISTINCT FROM OLD.tenant) EXECUTE FUNCTION refuse_row('tenant');
COMMENT ON CONSTRAINT volume_tenant_immutable ON volume IS 'A volume stays with its tenant.';
CREATE CONSTRAINT TRIGGER volume_size_shrunk AFTER UPDATE OF size ON volume
    FOR EACH ROW WHEN (NEW.size < OLD.size) EXECUTE FUNCTION refuse_row('size');
COMMENT ON CONSTRAINT volume_size_shrunk ON volume IS 'A volume never shrinks: what would be cut off may be in use.';

-- Whose a row is never changes, and the foreign key, which is checked first, keeps the row that it points at. So no lock is
-- needed to compare tenants.
CREATE FUNCTION volume_checks_base_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.image WHERE uuid = NEW.base_image AND (tenant IS NULL OR tenant = NEW.tenant)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'base_image');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_base_image_tenant AFTER INSERT OR UPDATE OF base_image ON volume
    FOR EACH ROW WHEN (NEW.base_image IS NOT NULL) EXECUTE FUNCTION volume_checks_base_image();
COMMENT ON CONSTRAINT volume_base_image_tenant ON volume IS 'A volume is filled from an image of its own tenant or of none.';
-- Stricter than the above: otherwise a tenant could pass their volume off as an image that everybody starts from.
CREATE FUNCTION volume_checks_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.image WHERE uuid = NEW.image AND tenant IS NOT DISTINCT FROM NEW.tenant) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'image');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_image_tenant AFTER INSERT OR UPDATE OF image ON volume
    FOR EACH ROW WHEN (NEW.image IS NOT NULL) EXECUTE FUNCTION volume_checks_image();
COMMENT ON CONSTRAINT volume_image_tenant ON volume IS 'A volume and the image that it holds have the same tenant, or both have none.';

-- Extents

CREATE TABLE extent (
    uuid         uuid      NOT NULL DEFAULT gen_random_uuid(),
    storage_pool uuid      NOT NULL,
    disk         text      NOT NULL,
    range        int8range NOT NULL,
    volume       uuid,
    "order"      integer   NOT NULL DEFAULT 0,
    CONSTRAINT extent_pkey PRIMARY KEY (uuid),
    CONSTRAINT extent_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE RESTRICT,
    CONSTRAINT extent_disk_fkey FOREIGN KEY (disk) REFERENCES disk (id) ON DELETE RESTRICT,
    CONSTRAINT extent_volume_fkey FOREIGN KEY (volume) REFERENCES volume (uuid) ON DELETE SET NULL,
    -- Keys of two columns hold the other end as well: neither a disk nor a volume changes its pool under its extents.
    CONSTRAINT extent_disk_pool FOREIGN KEY (disk, storage_pool) REFERENCES disk (id, storage_pool),
    CONSTRAINT extent_volume_pool FOREIGN KEY (storage_pool, volume) REFERENCES volume (storage_pool, uuid) ON DELETE SET NULL (volume),
    CONSTRAINT extent_range_bounds CHECK (
        NOT isempty(range) AND NOT lower_inf(range) AND NOT upper_inf(range) AND lower(range) >= 0 AND upper(range) <= 1073741824),
    -- An index decides, so of two that come at once the second waits for the first.
    CONSTRAINT extent_range_free EXCLUDE USING gist (disk WITH =, range WITH &&),
    CONSTRAINT extent_order_range CHECK ("order" BETWEEN 0 AND 65535),
    CONSTRAINT extent_order_unique UNIQUE (volume, "order")
);
COMMENT ON TABLE extent IS 'A part of a disk that a volume is made of.';
COMMENT ON CONSTRAINT extent_pkey ON extent IS 'An extent with this uuid is there already.';
COMMENT ON CONSTRAINT extent_storage_pool_fkey ON extent IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT extent_disk_fkey ON extent IS 'There is no such disk.';
COMMENT ON CONSTRAINT extent_volume_fkey ON extent IS 'There is no such volume.';
COMMENT ON CONSTRAINT extent_disk_pool ON extent IS 'The disk of an extent belongs to the pool of the extent.';
COMMENT ON CONSTRAINT extent_volume_pool ON extent IS 'The volume of an extent is in the pool of the extent.';
COMMENT ON CONSTRAINT extent_range_bounds ON extent IS 'The range of an extent has a start of at least 0 and an end of at most 1073741824 MiB.';
COMMENT ON CONSTRAINT extent_range_free ON extent IS 'Another extent has some of this range of the disk.';
COMMENT ON CONSTRAINT extent_order_range ON extent IS 'The order of an extent is 0 to 65535.';
COMMENT ON CONSTRAINT extent_order_unique ON extent IS 'The volume has another extent at this place.';
CREATE INDEX extent_storage_pool_index ON extent (storage_pool, volume);

-- The lock makes whoever changes the size of the disk wait for the extent, and see it.
CREATE FUNCTION extent_checks_disk() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mib bigint;
BEGIN
    PERFORM public.expect_read_committed();
    SELECT size INTO mib FROM public.disk WHERE id = NEW.disk FOR SHARE;
    IF mib IS NULL OR upper(NEW.range) > mib THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'range');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER extent_range_disk AFTER INSERT OR UPDATE OF range, disk ON extent
    FOR EACH ROW EXECUTE FUNCTION extent_checks_disk();
COMMENT ON CONSTRAINT extent_range_disk ON extent IS 'An extent lies within its disk, whose size must be known.';
CREATE FUNCTION disk_checks_extents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF EXISTS (SELECT FROM public.extent WHERE disk = NEW.id AND (NEW.size IS NULL OR upper(range) > NEW.size)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'size');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER disk_size_extents AFTER UPDATE OF size ON disk
    FOR EACH ROW WHEN (NEW.size IS DISTINCT FROM OLD.size) EXECUTE FUNCTION disk_checks_extents();
COMMENT ON CONSTRAINT disk_size_extents ON disk IS 'A disk does not become smaller than what extents have of it.';

-- Disks of instances

CREATE TABLE vdisk (
    uuid          uuid    NOT NULL DEFAULT gen_random_uuid(),
    instance      uuid    NOT NULL,
    volume        uuid,
    image         uuid,
    storage_pool  uuid,
    size          bigint,
    index         integer,
    bus           text    NOT NULL DEFAULT 'virtio',
    cache         text    NOT NULL DEFAULT 'none',
    iops_max      integer,
    bandwidth_max integer,
    CONSTRAINT vdisk_pkey PRIMARY KEY (uuid),
    CONSTRAINT vdisk_instance_fkey FOREIGN KEY (instance) REFERENCES instance (uuid) ON DELETE CASCADE,
    CONSTRAINT vdisk_volume_fkey FOREIGN KEY (volume) REFERENCES volume (uuid),
    CONSTRAINT vdisk_image_fkey FOREIGN KEY (image) REFERENCES image (uuid),
    CONSTRAINT vdisk_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE RESTRICT,
    CONSTRAINT vdisk_content_one CHECK (num_nonnulls(volume, image, storage_pool) = 1),
    CONSTRAINT vdisk_size_range CHECK (size BETWEEN 1 AND 1073741824),
    CONSTRAINT vdisk_size_pool CHECK ((size IS NULL) = (storage_pool IS NULL)),
    CONSTRAINT vdisk_index_range CHECK (index BETWEEN 0 AND 255),
    CONSTRAINT vdisk_index_unique UNIQUE (instance, index),
    CONSTRAINT vdisk_volume_unique UNIQUE (volume, instance),
    CONSTRAINT vdisk_bus_list CHECK (bus IN ('virtio', 'scsi', 'sata', 'ide')),
    CONSTRAINT vdisk_cache_list CHECK (cache IN ('none', 'writeback', 'writethrough', 'directsync', 'unsafe')),
    CONSTRAINT vdisk_iops_max_range CHECK (iops_max BETWEEN 1 AND 100000000),
    CONSTRAINT vdisk_bandwidth_max_range CHECK (bandwidth_max BETWEEN 1 AND 1000000000)
);
COMMENT ON TABLE vdisk IS 'A disk or a CD-ROM in an instance.';
COMMENT ON CONSTRAINT vdisk_pkey ON vdisk IS 'A vdisk with this uuid is there already.';
COMMENT ON CONSTRAINT vdisk_instance_fkey ON vdisk IS 'There is no such instance.';
COMMENT ON CONSTRAINT vdisk_volume_fkey ON vdisk IS 'There is no such volume.';
COMMENT ON CONSTRAINT vdisk_image_fkey ON vdisk IS 'There is no such image.';
COMMENT ON CONSTRAINT vdisk_storage_pool_fkey ON vdisk IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT vdisk_content_one ON vdisk IS 'A vdisk has one of volume and image, or in a template storage_pool and size.';
COMMENT ON CONSTRAINT vdisk_size_range ON vdisk IS 'A vdisk of a template has 1 to 1073741824 MiB.';
COMMENT ON CONSTRAINT vdisk_size_pool ON vdisk IS 'A vdisk has a size if and only if it has a storage_pool.';
COMMENT ON CONSTRAINT vdisk_index_range ON vdisk IS 'The index of a vdisk is 0 to 255.';
COMMENT ON CONSTRAINT vdisk_index_unique ON vdisk IS 'The instance has another vdisk with this index.';
COMMENT ON CONSTRAINT vdisk_volume_unique ON vdisk IS 'The instance has this volume already.';
COMMENT ON CONSTRAINT vdisk_bus_list ON vdisk IS 'The bus of a vdisk is virtio, scsi, sata or ide.';
COMMENT ON CONSTRAINT vdisk_cache_list ON vdisk IS 'The cache of a vdisk is none, writeback, writethrough, directsync or unsafe.';
COMMENT ON CONSTRAINT vdisk_iops_max_range ON vdisk IS 'The limit of a vdisk is 1 to 100000000 reads and writes in a second.';
COMMENT ON CONSTRAINT vdisk_bandwidth_max_range ON vdisk IS 'The limit of a vdisk is 1 to 1000000000 KiB in a second.';
CREATE INDEX vdisk_image_index ON vdisk (image);
CREATE INDEX vdisk_storage_pool_index ON vdisk (storage_pool);

-- The lock on the instance lets one vdisk after the other look for a place, also where an index is given: otherwise one that
-- is given none could pick that very index, and be refused for it.
CREATE FUNCTION vdisk_picks_index() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    PERFORM FROM public.instance WHERE uuid = NEW.instance FOR NO KEY UPDATE;
    IF NEW.index IS NULL THEN
        -- One behind the last there is refused by the range of the index.
        SELECT min(free) INTO NEW.index FROM generate_series(0, 256) AS free
        WHERE NOT EXISTS (SELECT FROM public.vdisk WHERE instance = NEW.instance AND index = free AND uuid <> NEW.uuid);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER vdisk_picks_index BEFORE INSERT OR UPDATE OF index, instance ON vdisk
    FOR EACH ROW EXECUTE FUNCTION vdisk_picks_index();

CREATE FUNCTION vdisk_checks_template() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.instance WHERE uuid = NEW.instance AND template = (NEW.storage_pool IS NOT NULL)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, CASE WHEN NEW.volume IS NULL THEN 'storage_pool' ELSE 'volume' END);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vdisk_content_template AFTER INSERT OR UPDATE OF instance, volume, image, storage_pool ON vdisk
    FOR EACH ROW WHEN (NEW.image IS NULL) EXECUTE FUNCTION vdisk_checks_template();
COMMENT ON CONSTRAINT vdisk_content_template ON vdisk
    IS 'A vdisk of a template has storage_pool and size instead of a volume; any other has no storage_pool.';

CREATE FUNCTION vdisk_checks_image() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.image JOIN public.instance ON instance.uuid = NEW.instance
        WHERE image.uuid = NEW.image AND (image.tenant IS NULL OR image.tenant = instance.tenant)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'image');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vdisk_image_tenant AFTER INSERT OR UPDATE OF instance, image ON vdisk
    FOR EACH ROW WHEN (NEW.image IS NOT NULL) EXECUTE FUNCTION vdisk_checks_image();
COMMENT ON CONSTRAINT vdisk_image_tenant ON vdisk IS 'A vdisk has an image of the tenant of its instance, or of none.';

CREATE FUNCTION vdisk_checks_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.volume JOIN public.instance ON instance.uuid = NEW.instance
        WHERE volume.uuid = NEW.volume AND volume.tenant = instance.tenant) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'volume');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vdisk_volume_tenant AFTER INSERT OR UPDATE OF instance, volume ON vdisk
    FOR EACH ROW WHEN (NEW.volume IS NOT NULL) EXECUTE FUNCTION vdisk_checks_tenant();
COMMENT ON CONSTRAINT vdisk_volume_tenant ON vdisk IS 'A vdisk has a volume of the tenant of its instance.';

-- Two that attach a volume, or one that does and one that orders it gone or takes its being shareable away, change or lock
-- the row of the volume: the second waits for the first, and then sees what it did.
CREATE FUNCTION vdisk_checks_state() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    PERFORM public.expect_read_committed();
    SELECT state INTO found FROM public.volume WHERE uuid = NEW.volume FOR NO KEY UPDATE;
    IF found = 'deleted' THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'volume');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vdisk_volume_deleted AFTER INSERT OR UPDATE OF volume ON vdisk
    FOR EACH ROW WHEN (NEW.volume IS NOT NULL) EXECUTE FUNCTION vdisk_checks_state();
COMMENT ON CONSTRAINT vdisk_volume_deleted ON vdisk IS 'The volume is ordered to be deleted.';

CREATE FUNCTION vdisk_checks_others() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    several boolean;
BEGIN
    PERFORM public.expect_read_committed();
    SELECT shareable INTO several FROM public.volume WHERE uuid = NEW.volume FOR NO KEY UPDATE;
    IF NOT several AND EXISTS (SELECT FROM public.vdisk WHERE volume = NEW.volume AND uuid <> NEW.uuid) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'volume');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vdisk_volume_attached AFTER INSERT OR UPDATE OF volume ON vdisk
    FOR EACH ROW WHEN (NEW.volume IS NOT NULL) EXECUTE FUNCTION vdisk_checks_others();
COMMENT ON CONSTRAINT vdisk_volume_attached ON vdisk IS 'Another instance has the volume, and it is not shareable.';

CREATE FUNCTION volume_checks_vdisks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF (SELECT count(*) FROM public.vdisk WHERE volume = NEW.uuid) > TG_ARGV[1]::integer THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, TG_ARGV[0]);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_state_attached AFTER UPDATE OF state ON volume
    FOR EACH ROW WHEN (NEW.state = 'deleted' AND OLD.state <> 'deleted') EXECUTE FUNCTION volume_checks_vdisks('state', '0');
COMMENT ON CONSTRAINT volume_state_attached ON volume IS 'An instance has the volume. Take it out of the instance first, or delete the instance.';
CREATE CONSTRAINT TRIGGER volume_shareable_attached AFTER UPDATE OF shareable ON volume
    FOR EACH ROW WHEN (OLD.shareable AND NOT NEW.shareable) EXECUTE FUNCTION volume_checks_vdisks('shareable', '1');
COMMENT ON CONSTRAINT volume_shareable_attached ON volume IS 'Several instances have the volume.';

-- Letting a tenant go is never refused. What uses goes before what is used, whatever the order in which keys are looked at.
CREATE FUNCTION tenant_lets_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.instance WHERE tenant = OLD.uuid;
    DELETE FROM public.volume WHERE tenant = OLD.uuid;
    DELETE FROM public.image WHERE tenant = OLD.uuid;
    RETURN OLD;
END $$;
CREATE TRIGGER tenant_lets_go BEFORE DELETE ON tenant FOR EACH ROW EXECUTE FUNCTION tenant_lets_go();

-- Snapshots

CREATE TABLE snapshot (
    uuid     uuid NOT NULL DEFAULT gen_random_uuid(),
    volume   uuid,
    instance uuid,
    name     text NOT NULL,
    state    text NOT NULL DEFAULT 'present',
    CONSTRAINT snapshot_pkey PRIMARY KEY (uuid),
    CONSTRAINT snapshot_volume_fkey FOREIGN KEY (volume) REFERENCES volume (uuid) ON DELETE CASCADE,
    CONSTRAINT snapshot_instance_fkey FOREIGN KEY (instance) REFERENCES instance (uuid) ON DELETE CASCADE,
    CONSTRAINT snapshot_content_one CHECK (num_nonnulls(volume, instance) = 1),
    CONSTRAINT snapshot_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT snapshot_state_list CHECK (state IN ('present', 'deleted'))
);
COMMENT ON TABLE snapshot IS 'What a volume or an instance was at a moment.';
COMMENT ON CONSTRAINT snapshot_pkey ON snapshot IS 'A snapshot with this uuid is there already.';
COMMENT ON CONSTRAINT snapshot_volume_fkey ON snapshot IS 'There is no such volume.';
COMMENT ON CONSTRAINT snapshot_instance_fkey ON snapshot IS 'There is no such instance.';
COMMENT ON CONSTRAINT snapshot_content_one ON snapshot IS 'A snapshot is of a volume or of an instance.';
COMMENT ON CONSTRAINT snapshot_name_length ON snapshot IS 'The name of a snapshot has 1 to 64 characters.';
COMMENT ON CONSTRAINT snapshot_state_list ON snapshot IS 'The state of a snapshot is present or deleted.';
CREATE INDEX snapshot_volume_index ON snapshot (volume);
CREATE INDEX snapshot_instance_index ON snapshot (instance);
CREATE CONSTRAINT TRIGGER snapshot_volume_immutable AFTER UPDATE OF volume ON snapshot
    FOR EACH ROW WHEN (NEW.volume IS DISTINCT FROM OLD.volume) EXECUTE FUNCTION refuse_row('volume');
COMMENT ON CONSTRAINT snapshot_volume_immutable ON snapshot IS 'A snapshot stays with its volume.';
CREATE CONSTRAINT TRIGGER snapshot_instance_immutable AFTER UPDATE OF instance ON snapshot
    FOR EACH ROW WHEN (NEW.instance IS DISTINCT FROM OLD.instance) EXECUTE FUNCTION refuse_row('instance');
COMMENT ON CONSTRAINT snapshot_instance_immutable ON snapshot IS 'A snapshot stays with its instance.';

-- Affinity

CREATE TABLE affinity_group (
    uuid   uuid    NOT NULL DEFAULT gen_random_uuid(),
    tenant uuid    NOT NULL,
    name   text    NOT NULL,
    type   text    NOT NULL,
    hard   boolean NOT NULL DEFAULT false,
    CONSTRAINT affinity_group_pkey PRIMARY KEY (uuid),
    CONSTRAINT affinity_group_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT affinity_group_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT affinity_group_type_list CHECK (type IN ('affinity', 'anti-affinity'))
);
COMMENT ON TABLE affinity_group IS 'Instances that are to be together, or apart.';
COMMENT ON CONSTRAINT affinity_group_pkey ON affinity_group IS 'An affinity group with this uuid is there already.';
COMMENT ON CONSTRAINT affinity_group_tenant_fkey ON affinity_group IS 'There is no such tenant.';
COMMENT ON CONSTRAINT affinity_group_name_length ON affinity_group IS 'The name of an affinity group has 1 to 64 characters.';
COMMENT ON CONSTRAINT affinity_group_type_list ON affinity_group IS 'The type of an affinity group is affinity or anti-affinity.';
CREATE INDEX affinity_group_tenant_index ON affinity_group (tenant);
CREATE CONSTRAINT TRIGGER affinity_group_tenant_immutable AFTER UPDATE OF tenant ON affinity_group
    FOR EACH ROW WHEN (NEW.tenant IS DISTINCT FROM OLD.tenant) EXECUTE FUNCTION refuse_row('tenant');
COMMENT ON CONSTRAINT affinity_group_tenant_immutable ON affinity_group IS 'An affinity group stays with its tenant.';

CREATE TABLE affinity_group_instance (
    uuid           uuid NOT NULL DEFAULT gen_random_uuid(),
    affinity_group uuid NOT NULL,
    instance       uuid NOT NULL,
    CONSTRAINT affinity_group_instance_pkey PRIMARY KEY (uuid),
    CONSTRAINT affinity_group_instance_affinity_group_fkey FOREIGN KEY (affinity_group) REFERENCES affinity_group (uuid) ON DELETE CASCADE,
    CONSTRAINT affinity_group_instance_instance_fkey FOREIGN KEY (instance) REFERENCES instance (uuid) ON DELETE CASCADE,
    CONSTRAINT affinity_group_instance_unique UNIQUE (affinity_group, instance)
);
COMMENT ON TABLE affinity_group_instance IS 'An instance in an affinity group.';
COMMENT ON CONSTRAINT affinity_group_instance_pkey ON affinity_group_instance IS 'A row with this uuid is there already.';
COMMENT ON CONSTRAINT affinity_group_instance_affinity_group_fkey ON affinity_group_instance IS 'There is no such affinity group.';
COMMENT ON CONSTRAINT affinity_group_instance_instance_fkey ON affinity_group_instance IS 'There is no such instance.';
COMMENT ON CONSTRAINT affinity_group_instance_unique ON affinity_group_instance IS 'The instance is in this group already.';
CREATE INDEX affinity_group_instance_instance_index ON affinity_group_instance (instance);
CREATE FUNCTION affinity_group_instance_checks_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.affinity_group JOIN public.instance ON instance.tenant = affinity_group.tenant
        WHERE affinity_group.uuid = NEW.affinity_group AND instance.uuid = NEW.instance) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'instance');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER affinity_group_instance_tenant AFTER INSERT OR UPDATE ON affinity_group_instance
    FOR EACH ROW EXECUTE FUNCTION affinity_group_instance_checks_tenant();
COMMENT ON CONSTRAINT affinity_group_instance_tenant ON affinity_group_instance IS 'An affinity group has instances of its own tenant.';

ALTER TABLE storage_pool REPLICA IDENTITY FULL;
ALTER TABLE disk REPLICA IDENTITY FULL;
ALTER TABLE image REPLICA IDENTITY FULL;
ALTER TABLE volume REPLICA IDENTITY FULL;
ALTER TABLE extent REPLICA IDENTITY FULL;
ALTER TABLE vdisk REPLICA IDENTITY FULL;
ALTER TABLE snapshot REPLICA IDENTITY FULL;
ALTER TABLE affinity_group REPLICA IDENTITY FULL;
ALTER TABLE affinity_group_instance REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE
    storage_pool, disk, image, volume, extent, vdisk, snapshot, affinity_group, affinity_group_instance;
