-- What tenants may order, and what they ordered from when to when.

CREATE TABLE quota (
    uuid         uuid   NOT NULL DEFAULT gen_random_uuid(),
    tenant       uuid   NOT NULL,
    type         text   NOT NULL,
    "limit"      bigint NOT NULL,
    storage_pool uuid,
    cpu_profile  uuid,
    network      uuid,
    CONSTRAINT quota_pkey PRIMARY KEY (uuid),
    CONSTRAINT quota_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT quota_storage_pool_fkey FOREIGN KEY (storage_pool) REFERENCES storage_pool (uuid) ON DELETE CASCADE,
    CONSTRAINT quota_cpu_profile_fkey FOREIGN KEY (cpu_profile) REFERENCES cpu_profile (uuid) ON DELETE CASCADE,
    CONSTRAINT quota_network_fkey FOREIGN KEY (network) REFERENCES network (uuid) ON DELETE CASCADE,
    CONSTRAINT quota_type_unique UNIQUE NULLS NOT DISTINCT (tenant, type, storage_pool, cpu_profile, network),
    CONSTRAINT quota_type_list CHECK (type IN ('storage', 'vcpu', 'rcpu', 'mem', 'instances', 'ips', 'switches')),
    -- What every JSON client holds exactly.
    CONSTRAINT quota_limit_range CHECK ("limit" BETWEEN 0 AND 9007199254740991),
    CONSTRAINT quota_storage_pool_type CHECK (storage_pool IS NULL OR type = 'storage'),
    CONSTRAINT quota_cpu_profile_type CHECK (cpu_profile IS NULL OR type IN ('vcpu', 'rcpu', 'mem')),
    CONSTRAINT quota_network_type CHECK (network IS NULL OR type = 'ips')
);
COMMENT ON TABLE quota IS 'The most that a tenant may order of something.';
COMMENT ON CONSTRAINT quota_pkey ON quota IS 'A quota with this uuid is there already.';
COMMENT ON CONSTRAINT quota_tenant_fkey ON quota IS 'There is no such tenant.';
COMMENT ON CONSTRAINT quota_storage_pool_fkey ON quota IS 'There is no such storage pool.';
COMMENT ON CONSTRAINT quota_cpu_profile_fkey ON quota IS 'There is no such CPU profile.';
COMMENT ON CONSTRAINT quota_network_fkey ON quota IS 'There is no such network.';
COMMENT ON CONSTRAINT quota_type_unique ON quota IS 'The tenant has a quota of this already.';
COMMENT ON CONSTRAINT quota_type_list ON quota IS 'The type of a quota is storage, vcpu, rcpu, mem, instances, ips or switches.';
COMMENT ON CONSTRAINT quota_limit_range ON quota IS 'The limit of a quota is 0 to 9007199254740991.';
COMMENT ON CONSTRAINT quota_storage_pool_type ON quota IS 'Only a quota of storage is for one storage pool.';
COMMENT ON CONSTRAINT quota_cpu_profile_type ON quota IS 'Only a quota of vcpu, rcpu or mem is for one CPU profile.';
COMMENT ON CONSTRAINT quota_network_type ON quota IS 'Only a quota of ips is for one network.';
CREATE INDEX quota_storage_pool_index ON quota (storage_pool);
CREATE INDEX quota_cpu_profile_index ON quota (cpu_profile);
CREATE INDEX quota_network_index ON quota (network);

-- What rows add up to. Nothing is counted up and down: usage is a sum over the rows that are there.

CREATE FUNCTION usage_of(ordered instance, resource text) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN ordered.template THEN 0
        WHEN resource = 'instances' THEN 1
        WHEN ordered.state = 'stopped' THEN 0
        WHEN resource = 'vcpu' THEN ordered.vcpu
        WHEN resource = 'rcpu' THEN ordered.rcpu
        WHEN resource = 'mem' THEN ordered.mem
    END;

CREATE FUNCTION usage_of(ordered volume) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN ordered.state = 'deleted' THEN 0 ELSE ordered.size END;

-- Whose an address in a shared network is; null for one that no quota limits.
CREATE FUNCTION holder_of(held address) RETURNS uuid LANGUAGE sql STABLE
    RETURN (
        SELECT i.tenant
        FROM vnic v
        JOIN instance i ON i.uuid = v.instance
        JOIN network n ON n.uuid = held.network
        JOIN switch s ON s.uuid = n.switch
        WHERE v.uuid = held.vnic AND s.tenant IS NULL AND NOT i.template);

CREATE FUNCTION quota_used(limited quota) RETURNS numeric LANGUAGE plpgsql AS $$
BEGIN
    CASE limited.type
        WHEN 'storage' THEN
            RETURN (
                SELECT coalesce(sum(public.usage_of(v)), 0) FROM public.volume v
                WHERE v.tenant = limited.tenant AND (limited.storage_pool IS NULL OR v.storage_pool = limited.storage_pool));
        WHEN 'ips' THEN
            RETURN (
                SELECT count(*) FROM public.instance i
                JOIN public.vnic v ON v.instance = i.uuid
                JOIN public.address a ON a.vnic = v.uuid
                JOIN public.network n ON n.uuid = a.network
                JOIN public.switch s ON s.uuid = n.switch
                WHERE i.tenant = limited.tenant AND NOT i.template AND s.tenant IS NULL
                    AND (limited.network IS NULL OR a.network = limited.network));
        WHEN 'switches' THEN
            RETURN (SELECT count(*) FROM public.switch s WHERE s.tenant = limited.tenant);
        ELSE
            RETURN (
                SELECT coalesce(sum(public.usage_of(i, limited.type)), 0) FROM public.instance i
                WHERE i.tenant = limited.tenant AND (limited.cpu_profile IS NULL OR i.cpu_profile = limited.cpu_profile));
    END CASE;
END $$;
COMMENT ON FUNCTION quota_used IS 'What the orders of a tenant add up to, in the unit of a quota.';

-- Refuses by a rule when one of the tenant's quotas of a resource is exceeded by what is there now.
CREATE FUNCTION refuse_over_quota(
    rule text, relation regclass, field text, who uuid, resource text, pool uuid, profile uuid, net uuid)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    limited public.quota;
BEGIN
    FOR limited IN
        -- An update that changes nothing, rather than a lock: of two transactions that add to one tenant's usage the second
        -- waits for the first and then sees what it did, and at the stricter isolation levels, where it would not see it,
        -- it fails and is tried again.
        UPDATE public.quota SET "limit" = "limit"
        WHERE tenant = who AND type = resource
            AND (storage_pool IS NULL OR storage_pool = pool)
            AND (cpu_profile IS NULL OR cpu_profile = profile)
            AND (network IS NULL OR network = net)
        RETURNING *
    LOOP
        IF public.quota_used(limited) > limited."limit" THEN
            PERFORM public.refuse(rule, relation, field);
        END IF;
    END LOOP;
END $$;

-- All of these look only at what makes usage grow: an order to let go is never refused, whatever the limit is by now.

CREATE FUNCTION instance_within_quota() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    resource text := TG_ARGV[0];
    more bigint := public.usage_of(NEW, resource);
    field text := resource;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.cpu_profile IS NOT DISTINCT FROM NEW.cpu_profile THEN
            more := more - public.usage_of(OLD, resource);
        END IF;
        IF OLD.state = 'stopped' AND NEW.state <> 'stopped' THEN
            field := 'state';
        END IF;
    END IF;
    IF more > 0 THEN
        PERFORM public.refuse_over_quota(
            TG_NAME, TG_RELID, CASE resource WHEN 'instances' THEN 'tenant' ELSE field END, NEW.tenant, resource, NULL, NEW.cpu_profile, NULL);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER instance_instances_quota AFTER INSERT ON instance
    FOR EACH ROW EXECUTE FUNCTION instance_within_quota('instances');
CREATE CONSTRAINT TRIGGER instance_vcpu_quota AFTER INSERT OR UPDATE OF state, vcpu, cpu_profile ON instance
    FOR EACH ROW EXECUTE FUNCTION instance_within_quota('vcpu');
CREATE CONSTRAINT TRIGGER instance_rcpu_quota AFTER INSERT OR UPDATE OF state, rcpu, cpu_profile ON instance
    FOR EACH ROW EXECUTE FUNCTION instance_within_quota('rcpu');
CREATE CONSTRAINT TRIGGER instance_mem_quota AFTER INSERT OR UPDATE OF state, mem, cpu_profile ON instance
    FOR EACH ROW EXECUTE FUNCTION instance_within_quota('mem');
COMMENT ON CONSTRAINT instance_instances_quota ON instance IS 'The tenant''s quota of instances is used up.';
COMMENT ON CONSTRAINT instance_vcpu_quota ON instance IS 'The tenant''s quota of virtual processors does not suffice.';
COMMENT ON CONSTRAINT instance_rcpu_quota ON instance IS 'The tenant''s quota of reserved threads does not suffice.';
COMMENT ON CONSTRAINT instance_mem_quota ON instance IS 'The tenant''s quota of memory does not suffice.';

CREATE FUNCTION volume_within_quota() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    more bigint := public.usage_of(NEW);
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.storage_pool = NEW.storage_pool THEN
        more := more - public.usage_of(OLD);
    END IF;
    IF more > 0 THEN
        PERFORM public.refuse_over_quota(TG_NAME, TG_RELID, 'size', NEW.tenant, 'storage', NEW.storage_pool, NULL, NULL);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_size_quota AFTER INSERT OR UPDATE OF size, state, storage_pool ON volume
    FOR EACH ROW WHEN (NEW.tenant IS NOT NULL) EXECUTE FUNCTION volume_within_quota();
COMMENT ON CONSTRAINT volume_size_quota ON volume IS 'The tenant''s quota of storage does not suffice.';

CREATE FUNCTION volume_pool_allowed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- A permission that is withdrawn at this very moment came before or after; both are right, so nothing is locked.
    IF NOT EXISTS (SELECT FROM public.quota WHERE tenant = NEW.tenant AND storage_pool = NEW.storage_pool) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'storage_pool');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER volume_storage_pool_quota AFTER INSERT OR UPDATE OF storage_pool ON volume
    FOR EACH ROW WHEN (NEW.tenant IS NOT NULL) EXECUTE FUNCTION volume_pool_allowed();
COMMENT ON CONSTRAINT volume_storage_pool_quota ON volume IS 'The tenant has no quota of storage in this pool.';

CREATE FUNCTION address_within_quota() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who uuid := public.holder_of(NEW);
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.network = NEW.network AND public.holder_of(OLD) IS NOT DISTINCT FROM who THEN
        RETURN NULL;
    END IF;
    IF who IS NOT NULL THEN
        PERFORM public.refuse_over_quota(TG_NAME, TG_RELID, 'network', who, 'ips', NULL, NULL, NEW.network);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER address_network_quota AFTER INSERT OR UPDATE OF network, vnic ON address
    FOR EACH ROW EXECUTE FUNCTION address_within_quota();
COMMENT ON CONSTRAINT address_network_quota ON address IS 'The tenant''s quota of addresses is used up.';

CREATE FUNCTION switch_within_quota() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.refuse_over_quota(TG_NAME, TG_RELID, 'tenant', NEW.tenant, 'switches', NULL, NULL, NULL);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER switch_tenant_quota AFTER INSERT OR UPDATE OF tenant ON switch
    FOR EACH ROW WHEN (NEW.tenant IS NOT NULL) EXECUTE FUNCTION switch_within_quota();
COMMENT ON CONSTRAINT switch_tenant_quota ON switch IS 'The tenant''s quota of switches is used up.';

-- From when to when there was how much. These rows outlive the tenant and what they measure, so they refer to nothing.

CREATE TABLE metering (
    uuid    uuid        NOT NULL DEFAULT gen_random_uuid(),
    tenant  uuid        NOT NULL,
    type    text        NOT NULL,
    kind    json        NOT NULL,
    amount  bigint      NOT NULL,
    target  uuid        NOT NULL,
    start   timestamptz NOT NULL,
    "end"   timestamptz,
    CONSTRAINT metering_pkey PRIMARY KEY (uuid),
    CONSTRAINT metering_type_list CHECK (type IN ('storage', 'vcpu', 'rcpu', 'mem', 'instances', 'ips', 'switches')),
    CONSTRAINT metering_kind_readable CHECK (json_is_readable(kind)),
    CONSTRAINT metering_amount_range CHECK (amount BETWEEN 1 AND 9223372036854775807),
    CONSTRAINT metering_start_finite CHECK (isfinite(start) AND start >= '0001-01-01 00:00:00+00' AND start < '10000-01-01 00:00:00+00'),
    CONSTRAINT metering_end_finite CHECK (isfinite("end") AND "end" < '10000-01-01 00:00:00+00'),
    CONSTRAINT metering_end_order CHECK ("end" > start),
    CONSTRAINT metering_start_overlap EXCLUDE USING gist (target WITH =, type WITH =, tstzrange(start, "end") WITH &&)
);
COMMENT ON TABLE metering IS 'A time during which a tenant had so much of something on order.';
COMMENT ON CONSTRAINT metering_pkey ON metering IS 'A metering row with this uuid is there already.';
COMMENT ON CONSTRAINT metering_type_list ON metering IS 'The type of metering is storage, vcpu, rcpu, mem, instances, ips or switches.';
COMMENT ON CONSTRAINT metering_kind_readable ON metering IS 'A value of JSON is Unicode and nested at most 64 deep.';
COMMENT ON CONSTRAINT metering_amount_range ON metering IS 'What is metered is at least 1.';
COMMENT ON CONSTRAINT metering_start_finite ON metering IS 'Metering starts in the years 1 to 9999.';
COMMENT ON CONSTRAINT metering_end_finite ON metering IS 'Metering ends in the years 1 to 9999.';
COMMENT ON CONSTRAINT metering_end_order ON metering IS 'Metering ends after it started.';
COMMENT ON CONSTRAINT metering_start_overlap ON metering IS 'This was metered at this time already.';
CREATE INDEX metering_tenant_index ON metering (tenant, start);
CREATE INDEX metering_end_index ON metering ("end");

-- From now on there is so much of it, or nothing.
CREATE FUNCTION meter(what uuid, resource text, whose uuid, how_much bigint, words json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    -- Not the time of the transaction: one that waited for another one's lock would begin before the other ended.
    at timestamptz := clock_timestamp();
    latest public.metering;
BEGIN
    SELECT * INTO latest FROM public.metering WHERE target = what AND type = resource ORDER BY start DESC LIMIT 1;
    IF FOUND AND latest."end" IS NULL THEN
        IF latest.amount = how_much AND latest.tenant = whose THEN
            IF latest.kind::text <> words::text THEN
                UPDATE public.metering SET kind = words WHERE uuid = latest.uuid;
            END IF;
            RETURN;
        END IF;
        -- The clock may have been set back.
        at := greatest(at, latest.start + interval '1 microsecond');
        UPDATE public.metering SET "end" = at WHERE uuid = latest.uuid;
    ELSIF FOUND THEN
        at := greatest(at, latest."end");
    END IF;
    IF how_much > 0 THEN
        INSERT INTO public.metering (tenant, type, kind, amount, target, start) VALUES (whose, resource, words, how_much, what, at);
    END IF;
END $$;

-- The row is gone, and so is all that was metered of it.
CREATE FUNCTION metering_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.metering SET "end" = greatest(clock_timestamp(), start + interval '1 microsecond')
    WHERE target = OLD.uuid AND "end" IS NULL;
    RETURN NULL;
END $$;

CREATE FUNCTION instance_metering() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    resource text;
    words json := json_build_object(
        'name', NEW.name, 'cpu_profile', (SELECT name FROM public.cpu_profile WHERE uuid = NEW.cpu_profile));
BEGIN
    FOREACH resource IN ARRAY ARRAY['instances', 'vcpu', 'rcpu', 'mem'] LOOP
        PERFORM public.meter(NEW.uuid, resource, NEW.tenant, public.usage_of(NEW, resource), words);
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER instance_metering AFTER INSERT OR UPDATE OF name, state, vcpu, rcpu, mem, cpu_profile ON instance
    FOR EACH ROW WHEN (NOT NEW.template) EXECUTE FUNCTION instance_metering();
CREATE TRIGGER instance_metering_ends AFTER DELETE ON instance
    FOR EACH ROW EXECUTE FUNCTION metering_ends();

CREATE FUNCTION volume_metering() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.meter(NEW.uuid, 'storage', NEW.tenant, public.usage_of(NEW), json_build_object(
        'name', NEW.name, 'storage_pool', (SELECT name FROM public.storage_pool WHERE uuid = NEW.storage_pool)));
    RETURN NULL;
END $$;
CREATE TRIGGER volume_metering AFTER INSERT OR UPDATE OF name, state, size, storage_pool ON volume
    FOR EACH ROW WHEN (NEW.tenant IS NOT NULL) EXECUTE FUNCTION volume_metering();
CREATE TRIGGER volume_metering_ends AFTER DELETE ON volume
    FOR EACH ROW EXECUTE FUNCTION metering_ends();

CREATE FUNCTION address_metering() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who uuid := public.holder_of(NEW);
BEGIN
    PERFORM public.meter(NEW.uuid, 'ips', who, CASE WHEN who IS NULL THEN 0 ELSE 1 END, json_build_object(
        'ip', host(NEW.ip), 'network', (SELECT range FROM public.network WHERE uuid = NEW.network)));
    RETURN NULL;
END $$;
CREATE TRIGGER address_metering AFTER INSERT OR UPDATE OF network, vnic, ip ON address
    FOR EACH ROW EXECUTE FUNCTION address_metering();
CREATE TRIGGER address_metering_ends AFTER DELETE ON address
    FOR EACH ROW EXECUTE FUNCTION metering_ends();

CREATE FUNCTION switch_metering() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.meter(NEW.uuid, 'switches', NEW.tenant, 1, json_build_object('name', NEW.name, 'type', NEW.type));
    RETURN NULL;
END $$;
CREATE TRIGGER switch_metering AFTER INSERT OR UPDATE OF name ON switch
    FOR EACH ROW WHEN (NEW.tenant IS NOT NULL) EXECUTE FUNCTION switch_metering();
CREATE TRIGGER switch_metering_ends AFTER DELETE ON switch
    FOR EACH ROW EXECUTE FUNCTION metering_ends();

-- What is on order already is metered from here on.
SELECT meter(i.uuid, r, i.tenant, usage_of(i, r), json_build_object('name', i.name, 'cpu_profile', p.name))
FROM instance i
CROSS JOIN unnest(ARRAY['instances', 'vcpu', 'rcpu', 'mem']) AS r
LEFT JOIN cpu_profile p ON p.uuid = i.cpu_profile
WHERE NOT i.template;
SELECT meter(v.uuid, 'storage', v.tenant, usage_of(v), json_build_object('name', v.name, 'storage_pool', p.name))
FROM volume v JOIN storage_pool p ON p.uuid = v.storage_pool WHERE v.tenant IS NOT NULL;
SELECT meter(a.uuid, 'ips', holder_of(a), 1, json_build_object('ip', host(a.ip), 'network', n.range))
FROM address a JOIN network n ON n.uuid = a.network WHERE holder_of(a) IS NOT NULL;
SELECT meter(s.uuid, 'switches', s.tenant, 1, json_build_object('name', s.name, 'type', s.type))
FROM switch s WHERE s.tenant IS NOT NULL;

ALTER TABLE quota REPLICA IDENTITY FULL;
ALTER TABLE metering REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE quota, metering;
