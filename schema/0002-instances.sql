-- Instances and their places. Whoever lets a tenant, a host or an instance go is never refused: what hangs on it goes along.

CREATE TABLE instance (
    uuid         uuid    NOT NULL DEFAULT gen_random_uuid(),
    tenant       uuid    NOT NULL,
    name         text    NOT NULL,
    state        text    NOT NULL DEFAULT 'stopped',
    vcpu         integer NOT NULL DEFAULT 1,
    rcpu         integer NOT NULL DEFAULT 0,
    mem          bigint  NOT NULL,
    cpu_profile  uuid,
    stop_timeout integer NOT NULL DEFAULT 60,
    CONSTRAINT instance_pkey PRIMARY KEY (uuid),
    CONSTRAINT instance_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT instance_cpu_profile_fkey FOREIGN KEY (cpu_profile) REFERENCES cpu_profile (uuid) ON DELETE RESTRICT,
    CONSTRAINT instance_name_unique UNIQUE (tenant, name),
    CONSTRAINT instance_name_format CHECK (name ~ '^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$'),
    CONSTRAINT instance_state_list CHECK (state IN ('running', 'paused', 'stopped')),
    CONSTRAINT instance_vcpu_range CHECK (vcpu BETWEEN 1 AND 512),
    CONSTRAINT instance_rcpu_range CHECK (rcpu BETWEEN 0 AND 512),
    CONSTRAINT instance_rcpu_within_vcpu CHECK (rcpu <= vcpu),
    CONSTRAINT instance_mem_range CHECK (mem BETWEEN 16 AND 16777216),
    CONSTRAINT instance_stop_timeout_range CHECK (stop_timeout BETWEEN 0 AND 86400)
);
COMMENT ON TABLE instance IS 'A virtual machine.';
COMMENT ON CONSTRAINT instance_pkey ON instance IS 'An instance with this uuid is there already.';
COMMENT ON CONSTRAINT instance_tenant_fkey ON instance IS 'There is no such tenant.';
COMMENT ON CONSTRAINT instance_cpu_profile_fkey ON instance IS 'There is no such CPU profile.';
COMMENT ON CONSTRAINT instance_name_unique ON instance IS 'The tenant has another instance of this name.';
COMMENT ON CONSTRAINT instance_name_format ON instance
    IS 'The name of an instance has 1 to 63 letters, digits, dots and hyphens, and starts and ends with a letter or digit.';
COMMENT ON CONSTRAINT instance_state_list ON instance IS 'The state of an instance is running, paused or stopped.';
COMMENT ON CONSTRAINT instance_vcpu_range ON instance IS 'An instance has 1 to 512 virtual processors.';
COMMENT ON CONSTRAINT instance_rcpu_range ON instance IS 'An instance reserves 0 to 512 threads.';
COMMENT ON CONSTRAINT instance_rcpu_within_vcpu ON instance IS 'An instance reserves no more threads than it has virtual processors.';
COMMENT ON CONSTRAINT instance_mem_range ON instance IS 'An instance has 16 to 16777216 MiB of memory.';
COMMENT ON CONSTRAINT instance_stop_timeout_range ON instance IS 'An instance gets 0 to 86400 seconds to shut down.';
CREATE INDEX instance_cpu_profile_index ON instance (cpu_profile);

CREATE TABLE host_instance (
    host     uuid NOT NULL,
    instance uuid NOT NULL,
    CONSTRAINT host_instance_pkey PRIMARY KEY (host, instance),
    CONSTRAINT host_instance_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE CASCADE,
    CONSTRAINT host_instance_instance_fkey FOREIGN KEY (instance) REFERENCES instance (uuid) ON DELETE CASCADE,
    -- Two places would be two copies of one machine writing to the same disks.
    CONSTRAINT host_instance_instance_key UNIQUE (instance)
);
COMMENT ON TABLE host_instance IS 'The instance is to be on the host.';
COMMENT ON CONSTRAINT host_instance_pkey ON host_instance IS 'The instance is on this host already.';
COMMENT ON CONSTRAINT host_instance_host_fkey ON host_instance IS 'There is no such host.';
COMMENT ON CONSTRAINT host_instance_instance_fkey ON host_instance IS 'There is no such instance.';
COMMENT ON CONSTRAINT host_instance_instance_key ON host_instance IS 'The instance has a place on another host.';
