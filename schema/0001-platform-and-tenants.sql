-- Hosts, what guests see as their processor, settings, and who may use the platform.
-- The comment of a constraint is what the user reads when a write breaks it.

CREATE TABLE host (
    uuid  uuid NOT NULL,
    state text NOT NULL DEFAULT 'present',
    name  text NOT NULL,
    info  text,
    CONSTRAINT host_pkey PRIMARY KEY (uuid),
    CONSTRAINT host_state_list CHECK (state IN ('present', 'evacuated')),
    CONSTRAINT host_name_length CHECK (char_length(name) <= 253),
    CONSTRAINT host_info_length CHECK (char_length(info) <= 4096)
);
COMMENT ON TABLE host IS 'A hypervisor host.';
COMMENT ON CONSTRAINT host_pkey ON host IS 'A host with this uuid is there already.';
COMMENT ON CONSTRAINT host_state_list ON host IS 'The state of a host is present or evacuated.';
COMMENT ON CONSTRAINT host_name_length ON host IS 'The name of a host has at most 253 characters.';
COMMENT ON CONSTRAINT host_info_length ON host IS 'The info of a host has at most 4096 characters.';

CREATE TABLE cpu_profile (
    uuid     uuid   NOT NULL DEFAULT gen_random_uuid(),
    name     text   NOT NULL,
    model    text   NOT NULL,
    features text[] NOT NULL DEFAULT '{}',
    CONSTRAINT cpu_profile_pkey PRIMARY KEY (uuid),
    CONSTRAINT cpu_profile_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT cpu_profile_model_format CHECK (model ~ '^[A-Za-z0-9_.-]{1,64}$'),
    CONSTRAINT cpu_profile_features_flat CHECK (coalesce(array_ndims(features), 1) = 1 AND array_position(features, NULL) IS NULL),
    -- A check has no subquery, so the elements are joined by a character that none of them can hold.
    CONSTRAINT cpu_profile_features_format CHECK (
        array_to_string(features, ',') ~ '^([a-z0-9_.-]{1,64}(,[a-z0-9_.-]{1,64})*)?$')
);
COMMENT ON TABLE cpu_profile IS 'A processor as guests see it.';
COMMENT ON CONSTRAINT cpu_profile_pkey ON cpu_profile IS 'A CPU profile with this uuid is there already.';
COMMENT ON CONSTRAINT cpu_profile_name_length ON cpu_profile IS 'The name of a CPU profile has 1 to 64 characters.';
COMMENT ON CONSTRAINT cpu_profile_model_format ON cpu_profile
    IS 'A CPU model has 1 to 64 characters out of letters, digits, underscore, dot and hyphen.';
COMMENT ON CONSTRAINT cpu_profile_features_flat ON cpu_profile IS 'The features of a CPU profile are a plain list without nulls.';
COMMENT ON CONSTRAINT cpu_profile_features_format ON cpu_profile
    IS 'A CPU feature has 1 to 64 characters out of lower-case letters, digits, underscore, dot and hyphen.';

CREATE TABLE config (
    key   text NOT NULL,
    value json NOT NULL,
    CONSTRAINT config_pkey PRIMARY KEY (key),
    CONSTRAINT config_key_format CHECK (key ~ '^[a-z][a-z0-9_.-]{0,63}$')
);
COMMENT ON TABLE config IS 'A setting of the whole platform.';
COMMENT ON CONSTRAINT config_pkey ON config IS 'A setting with this key is there already.';
COMMENT ON CONSTRAINT config_key_format ON config
    IS 'The key of a setting starts with a lower-case letter and goes on with up to 63 lower-case letters, digits, underscores, dots and hyphens.';

CREATE TABLE "user" (
    email   text    NOT NULL,
    data    json,
    alicorn boolean NOT NULL DEFAULT false,
    CONSTRAINT user_pkey PRIMARY KEY (email),
    CONSTRAINT user_email_format CHECK (email ~ '^[^@\s/]{1,64}@[^@\s/]{1,255}$'),
    -- An email is a key, and keys are joined by a control character.
    CONSTRAINT user_email_printable CHECK (email !~ '[[:cntrl:]]'),
    CONSTRAINT user_email_length CHECK (char_length(email) <= 254)
);
COMMENT ON TABLE "user" IS 'Somebody who can log in.';
COMMENT ON CONSTRAINT user_pkey ON "user" IS 'A user with this email address is there already.';
COMMENT ON CONSTRAINT user_email_format ON "user" IS 'An email address looks like name@domain, without spaces and slashes.';
COMMENT ON CONSTRAINT user_email_printable ON "user" IS 'An email address has no control characters.';
COMMENT ON CONSTRAINT user_email_length ON "user" IS 'An email address has at most 254 characters.';

CREATE TABLE tenant (
    uuid     uuid    NOT NULL DEFAULT gen_random_uuid(),
    name     text    NOT NULL,
    approved boolean NOT NULL DEFAULT false,
    CONSTRAINT tenant_pkey PRIMARY KEY (uuid),
    CONSTRAINT tenant_name_length CHECK (char_length(name) BETWEEN 1 AND 64)
);
COMMENT ON TABLE tenant IS 'Whoever owns instances.';
COMMENT ON CONSTRAINT tenant_pkey ON tenant IS 'A tenant with this uuid is there already.';
COMMENT ON CONSTRAINT tenant_name_length ON tenant IS 'The name of a tenant has 1 to 64 characters.';

CREATE TABLE member (
    uuid   uuid NOT NULL DEFAULT gen_random_uuid(),
    "user" text NOT NULL,
    tenant uuid NOT NULL,
    role   text NOT NULL,
    CONSTRAINT member_pkey PRIMARY KEY (uuid),
    CONSTRAINT member_user_fkey FOREIGN KEY ("user") REFERENCES "user" (email) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT member_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT member_user_unique UNIQUE ("user", tenant),
    CONSTRAINT member_role_list CHECK (role IN ('owner', 'admin', 'operator'))
);
COMMENT ON TABLE member IS 'A user''s membership of a tenant.';
COMMENT ON CONSTRAINT member_pkey ON member IS 'A membership with this uuid is there already.';
COMMENT ON CONSTRAINT member_user_fkey ON member IS 'There is no such user.';
COMMENT ON CONSTRAINT member_tenant_fkey ON member IS 'There is no such tenant.';
COMMENT ON CONSTRAINT member_user_unique ON member IS 'The user is a member of this tenant already.';
COMMENT ON CONSTRAINT member_role_list ON member IS 'The role of a member is owner, admin or operator.';
CREATE INDEX member_tenant_index ON member (tenant);
