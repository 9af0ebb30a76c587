-- What instances need to be run for long: firmware, room to grow while they run, orders to move them.

-- It takes the row type of the table, which cannot be changed as long as it is there.
DROP FUNCTION usage_of(instance, text);

ALTER TABLE instance
    ADD COLUMN vcpu_max integer,
    ADD COLUMN mem_max  bigint,
    ADD COLUMN firmware text NOT NULL DEFAULT 'bios',
    ADD CONSTRAINT instance_vcpu_max_range CHECK (vcpu_max BETWEEN 1 AND 512),
    ADD CONSTRAINT instance_vcpu_within_max CHECK (vcpu <= vcpu_max),
    ADD CONSTRAINT instance_mem_max_range CHECK (mem_max BETWEEN 16 AND 16777216),
    ADD CONSTRAINT instance_mem_within_max CHECK (mem <= mem_max),
    ADD CONSTRAINT instance_firmware_list CHECK (firmware IN ('bios', 'uefi'));
COMMENT ON CONSTRAINT instance_vcpu_max_range ON instance IS 'An instance can come to 1 to 512 virtual processors.';
COMMENT ON CONSTRAINT instance_vcpu_within_max ON instance IS 'An instance has no more virtual processors than vcpu_max.';
COMMENT ON CONSTRAINT instance_mem_max_range ON instance IS 'An instance can come to 16 to 16777216 MiB of memory.';
COMMENT ON CONSTRAINT instance_mem_within_max ON instance IS 'An instance has no more memory than mem_max.';
COMMENT ON CONSTRAINT instance_firmware_list ON instance IS 'The firmware of an instance is bios or uefi.';

-- What it may come to is no usage: only what it has is.
CREATE FUNCTION usage_of(ordered instance, resource text) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE
        WHEN ordered.template THEN 0
        WHEN resource = 'instances' THEN 1
        WHEN ordered.state = 'stopped' THEN 0
        WHEN resource = 'vcpu' THEN ordered.vcpu
        WHEN resource = 'rcpu' THEN ordered.rcpu
        WHEN resource = 'mem' THEN ordered.mem
    END;

-- The order goes when it is carried out, when it is withdrawn, and with the instance or the host.
CREATE TABLE migration (
    instance         uuid NOT NULL,
    destination_host uuid NOT NULL,
    CONSTRAINT migration_pkey PRIMARY KEY (instance),
    CONSTRAINT migration_instance_fkey FOREIGN KEY (instance) REFERENCES instance (uuid) ON DELETE CASCADE,
    CONSTRAINT migration_destination_host_fkey FOREIGN KEY (destination_host) REFERENCES host (uuid) ON DELETE CASCADE
);
COMMENT ON TABLE migration IS 'The order to move an instance to another host.';
COMMENT ON CONSTRAINT migration_pkey ON migration IS 'The instance is ordered to migrate already; withdraw that order, or change its destination.';
COMMENT ON CONSTRAINT migration_instance_fkey ON migration IS 'There is no such instance.';
COMMENT ON CONSTRAINT migration_destination_host_fkey ON migration IS 'There is no such host.';
CREATE INDEX migration_destination_host_index ON migration (destination_host);

CREATE CONSTRAINT TRIGGER migration_instance_template AFTER INSERT OR UPDATE OF instance ON migration
    FOR EACH ROW EXECUTE FUNCTION host_instance_refuses_template();
COMMENT ON CONSTRAINT migration_instance_template ON migration IS 'A template is on no host.';

ALTER TABLE migration REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE migration;
