-- What the controller follows. A whole old row stands in the log beside the new one, since a large value that an update
-- leaves alone is logged with neither otherwise.

ALTER TABLE host REPLICA IDENTITY FULL;
ALTER TABLE cpu_profile REPLICA IDENTITY FULL;
ALTER TABLE config REPLICA IDENTITY FULL;
ALTER TABLE "user" REPLICA IDENTITY FULL;
ALTER TABLE tenant REPLICA IDENTITY FULL;
ALTER TABLE member REPLICA IDENTITY FULL;
ALTER TABLE instance REPLICA IDENTITY FULL;
ALTER TABLE host_instance REPLICA IDENTITY FULL;
ALTER TABLE event REPLICA IDENTITY FULL;

CREATE PUBLICATION sparkle FOR TABLE
    host, cpu_profile, config, "user", tenant, member, instance, host_instance, event;
