-- Templates, what guests are told at their first start, what becomes of an instance that ends by itself, and orders to
-- restart it.

-- The message of a rule that a trigger enforces is the comment of its constraint trigger, as for every other constraint.
CREATE FUNCTION refuse(rule text, relation regclass, field text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', (
        SELECT coalesce(obj_description(oid, 'pg_constraint'), rule) FROM pg_catalog.pg_constraint
        WHERE conrelid = relation AND conname = rule)
        USING CONSTRAINT = rule, TABLE = (SELECT relname FROM pg_catalog.pg_class WHERE oid = relation), COLUMN = field;
END $$;
COMMENT ON FUNCTION refuse IS 'Refuses a write by the rule of a trigger, in the words of its comment.';

-- For rules that a trigger's WHEN says in full; its argument is the column to point at.
CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.refuse(TG_NAME, TG_RELID, TG_ARGV[0]);
    RETURN NULL;
END $$;

-- A check has no subquery of its own.
CREATE FUNCTION longest(items text[]) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(max(char_length(item)), 0) FROM unnest(items) AS item);
CREATE FUNCTION shortest(items text[]) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(min(char_length(item)), 1) FROM unnest(items) AS item);
CREATE FUNCTION is_host(address inet) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN masklen(address) = CASE family(address) WHEN 4 THEN 32 ELSE 128 END;
CREATE FUNCTION are_hosts(addresses inet[]) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(array_ndims(addresses), 1) = 1
        AND NOT EXISTS (
            SELECT FROM unnest(addresses) AS address
            WHERE address IS NULL OR masklen(address) <> CASE family(address) WHEN 4 THEN 32 ELSE 128 END);

ALTER TABLE instance
    ALTER COLUMN tenant DROP NOT NULL,
    ADD COLUMN template  boolean NOT NULL DEFAULT false,
    ADD COLUMN boot      text    NOT NULL DEFAULT 'disk',
    ADD COLUMN restart   text    NOT NULL DEFAULT 'always',
    ADD COLUMN watchdog  text    NOT NULL DEFAULT 'none',
    ADD COLUMN reboots   integer NOT NULL DEFAULT 0,
    ADD COLUMN resets    integer NOT NULL DEFAULT 0,
    ADD COLUMN ns        inet[]  NOT NULL DEFAULT '{}',
    ADD COLUMN user_data text,
    ADD COLUMN ssh_keys  text[]  NOT NULL DEFAULT '{}',
    DROP CONSTRAINT instance_name_unique,
    ADD CONSTRAINT instance_name_unique UNIQUE NULLS NOT DISTINCT (tenant, name),
    ADD CONSTRAINT instance_tenant_required CHECK (tenant IS NOT NULL OR template),
    ADD CONSTRAINT instance_template_stopped CHECK (NOT template OR state = 'stopped'),
    ADD CONSTRAINT instance_boot_list CHECK (boot IN ('disk', 'network', 'cdrom')),
    ADD CONSTRAINT instance_restart_list CHECK (restart IN ('always', 'on-crash', 'never')),
    ADD CONSTRAINT instance_watchdog_list CHECK (watchdog IN ('none', 'reset', 'power-off', 'pause')),
    ADD CONSTRAINT instance_reboots_range CHECK (reboots BETWEEN 0 AND 2147483647),
    ADD CONSTRAINT instance_resets_range CHECK (resets BETWEEN 0 AND 2147483647),
    ADD CONSTRAINT instance_ns_hosts CHECK (are_hosts(ns)),
    ADD CONSTRAINT instance_ns_count CHECK (cardinality(ns) <= 16),
    ADD CONSTRAINT instance_user_data_length CHECK (char_length(user_data) <= 65536),
    ADD CONSTRAINT instance_ssh_keys_flat CHECK (coalesce(array_ndims(ssh_keys), 1) = 1 AND array_position(ssh_keys, NULL) IS NULL),
    ADD CONSTRAINT instance_ssh_keys_count CHECK (cardinality(ssh_keys) <= 64),
    ADD CONSTRAINT instance_ssh_keys_length CHECK (shortest(ssh_keys) >= 1 AND longest(ssh_keys) <= 4096),
    -- What all of them may hold, all of them together may.
    ADD CONSTRAINT instance_ssh_keys_format CHECK (array_to_string(ssh_keys, '') ~ '^([^\x00-\x1f\x7f]+)?$');
COMMENT ON CONSTRAINT instance_name_unique ON instance IS 'The tenant has another instance of this name.';
COMMENT ON CONSTRAINT instance_tenant_required ON instance IS 'An instance belongs to a tenant; only a template need not.';
COMMENT ON CONSTRAINT instance_template_stopped ON instance IS 'A template cannot be ordered to run.';
COMMENT ON CONSTRAINT instance_boot_list ON instance IS 'An instance boots from disk, network or cdrom.';
COMMENT ON CONSTRAINT instance_restart_list ON instance IS 'An instance is restarted always, on-crash or never.';
COMMENT ON CONSTRAINT instance_watchdog_list ON instance IS 'The watchdog of an instance is none, reset, power-off or pause.';
COMMENT ON CONSTRAINT instance_reboots_range ON instance IS 'The count of reboots is 0 to 2147483647.';
COMMENT ON CONSTRAINT instance_resets_range ON instance IS 'The count of resets is 0 to 2147483647.';
COMMENT ON CONSTRAINT instance_ns_hosts ON instance IS 'The name servers of an instance are a plain list of addresses without prefix lengths and nulls.';
COMMENT ON CONSTRAINT instance_ns_count ON instance IS 'An instance has at most 16 name servers.';
COMMENT ON CONSTRAINT instance_user_data_length ON instance IS 'The user data of an instance has at most 65536 characters.';
COMMENT ON CONSTRAINT instance_ssh_keys_flat ON instance IS 'The SSH keys of an instance are a plain list without nulls.';
COMMENT ON CONSTRAINT instance_ssh_keys_count ON instance IS 'An instance has at most 64 SSH keys.';
COMMENT ON CONSTRAINT instance_ssh_keys_length ON instance IS 'An SSH key has 1 to 4096 characters.';
COMMENT ON CONSTRAINT instance_ssh_keys_format ON instance IS 'An SSH key is one line without control characters.';

-- Other rules of a template and of whose an instance is need no lock because these never change.
CREATE CONSTRAINT TRIGGER instance_template_immutable AFTER UPDATE OF template ON instance
    FOR EACH ROW WHEN (NEW.template <> OLD.template) EXECUTE FUNCTION refuse_row('template');
COMMENT ON CONSTRAINT instance_template_immutable ON instance IS 'An instance never becomes a template, nor a template an instance.';
CREATE CONSTRAINT TRIGGER instance_tenant_immutable AFTER UPDATE OF tenant ON instance
    FOR EACH ROW WHEN (NEW.tenant IS DISTINCT FROM OLD.tenant) EXECUTE FUNCTION refuse_row('tenant');
COMMENT ON CONSTRAINT instance_tenant_immutable ON instance IS 'An instance stays with its tenant.';

-- Nobody means five restarts in a row; down, which withdraws, may go by any step.
CREATE CONSTRAINT TRIGGER instance_reboots_step AFTER UPDATE OF reboots ON instance
    FOR EACH ROW WHEN (NEW.reboots > OLD.reboots::bigint + 1) EXECUTE FUNCTION refuse_row('reboots');
COMMENT ON CONSTRAINT instance_reboots_step ON instance IS 'The count of reboots is raised by one at a time.';
CREATE CONSTRAINT TRIGGER instance_resets_step AFTER UPDATE OF resets ON instance
    FOR EACH ROW WHEN (NEW.resets > OLD.resets::bigint + 1) EXECUTE FUNCTION refuse_row('resets');
COMMENT ON CONSTRAINT instance_resets_step ON instance IS 'The count of resets is raised by one at a time.';

CREATE FUNCTION host_instance_refuses_template() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.instance WHERE uuid = NEW.instance AND template) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'instance');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER host_instance_instance_template AFTER INSERT OR UPDATE OF instance ON host_instance
    FOR EACH ROW EXECUTE FUNCTION host_instance_refuses_template();
COMMENT ON CONSTRAINT host_instance_instance_template ON host_instance IS 'A template is on no host.';
