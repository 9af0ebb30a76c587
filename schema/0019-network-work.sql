-- What hosts need to make networks: a card alone, routers, the platform's own addresses, floating ones, security groups.

-- Hosts

ALTER TABLE bond DROP CONSTRAINT bond_mode_list;
ALTER TABLE bond ADD CONSTRAINT bond_mode_list CHECK (mode IN ('active-backup', '802.3ad', 'single'));
COMMENT ON CONSTRAINT bond_mode_list ON bond IS 'The mode of a bond is active-backup, 802.3ad or single.';
ALTER TABLE bond ADD COLUMN mtu integer;
ALTER TABLE bond ADD CONSTRAINT bond_mtu_range CHECK (mtu BETWEEN 1280 AND 9216);
COMMENT ON CONSTRAINT bond_mtu_range ON bond IS 'The MTU of a bond is 1280 to 9216.';

-- Both sides lock the bond: whoever puts a card into it, and whoever changes its mode.
CREATE FUNCTION nic_checks_bond() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kind text;
BEGIN
    PERFORM public.expect_read_committed();
    SELECT mode INTO kind FROM public.bond WHERE uuid = NEW.bond FOR NO KEY UPDATE;
    IF kind = 'single' AND EXISTS (SELECT FROM public.nic WHERE bond = NEW.bond AND hwaddr <> NEW.hwaddr) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'bond');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER nic_bond_single AFTER INSERT OR UPDATE OF bond, hwaddr ON nic
    FOR EACH ROW WHEN (NEW.bond IS NOT NULL) EXECUTE FUNCTION nic_checks_bond();
COMMENT ON CONSTRAINT nic_bond_single ON nic IS 'The bond is of mode single and has its card.';

CREATE FUNCTION bond_checks_cards() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF (SELECT count(*) FROM public.nic WHERE bond = NEW.uuid) > 1 THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'mode');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER bond_mode_single AFTER UPDATE OF mode ON bond
    FOR EACH ROW WHEN (NEW.mode = 'single') EXECUTE FUNCTION bond_checks_cards();
COMMENT ON CONSTRAINT bond_mode_single ON bond IS 'A bond of mode single has one card.';

ALTER TABLE net_role ADD COLUMN gateway inet;
ALTER TABLE net_role ADD CONSTRAINT net_role_gateway_host CHECK (is_host(gateway));
-- A prefix length that does not fit is refused by a rule of its own, and there is no network to look at.
ALTER TABLE net_role ADD CONSTRAINT net_role_gateway_within CHECK (gateway IS NULL OR (address IS NOT NULL AND gateway <> address
    AND CASE WHEN prefix BETWEEN 0 AND masklen(address) THEN is_usable(gateway, network(set_masklen(address, prefix))) END));
COMMENT ON CONSTRAINT net_role_gateway_host ON net_role IS 'The gateway of a network role is an address without a prefix length.';
COMMENT ON CONSTRAINT net_role_gateway_within ON net_role IS 'The gateway of a network role is another address in the network of its own.';

-- The platform's own addresses in networks

ALTER TABLE network
    ADD COLUMN routed boolean NOT NULL DEFAULT false,
    ADD COLUMN floating boolean NOT NULL DEFAULT false,
    ADD COLUMN service_address inet,
    ADD CONSTRAINT network_routed_gateway CHECK (NOT routed OR gateway IS NOT NULL),
    ADD CONSTRAINT network_service_address_host CHECK (is_host(service_address)),
    ADD CONSTRAINT network_service_address_within CHECK (is_usable(service_address, range)),
    ADD CONSTRAINT network_service_address_gateway CHECK (service_address <> gateway),
    ADD CONSTRAINT network_service_address_available CHECK (NOT dhcp OR routed OR service_address IS NOT NULL);
COMMENT ON CONSTRAINT network_routed_gateway ON network IS 'A network that the platform routes has a gateway.';
COMMENT ON CONSTRAINT network_service_address_host ON network IS 'The service address of a network is an address without a prefix length.';
COMMENT ON CONSTRAINT network_service_address_within ON network IS 'The service address of a network is an address in its range, and not the first or the broadcast.';
COMMENT ON CONSTRAINT network_service_address_gateway ON network IS 'The service address of a network is not its gateway.';
COMMENT ON CONSTRAINT network_service_address_available ON network IS 'The network has no free address left for DHCP.';

-- The highest free address, so that the low ones are left to guests. Nobody gives one meanwhile: that locks the network.
CREATE FUNCTION network_takes_service_address() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    bits  integer := CASE family(NEW.range) WHEN 4 THEN 32 ELSE 128 END;
    first inet := set_masklen(NEW.range::inet, bits);
    free  inet := set_masklen(broadcast(NEW.range), bits);
    taken inet;
BEGIN
    IF masklen(NEW.range) < bits - 1 THEN
        first := first + 1;
        free := CASE bits WHEN 32 THEN free - 1 ELSE free END;
    END IF;
    FOR taken IN
        SELECT given FROM (
            SELECT ip AS given FROM public.address WHERE network = NEW.uuid AND ip BETWEEN first AND free
            UNION SELECT NEW.gateway WHERE NEW.gateway IS NOT NULL) AS unfree
        ORDER BY given DESC
    LOOP
        EXIT WHEN taken < free;
        IF taken = first THEN
            RETURN NEW;
        END IF;
        free := CASE WHEN taken = free THEN taken - 1 ELSE free END;
    END LOOP;
    NEW.service_address := free;
    RETURN NEW;
END $$;
CREATE TRIGGER network_takes_service_address BEFORE INSERT OR UPDATE OF dhcp, routed, service_address ON network
    FOR EACH ROW WHEN (NEW.dhcp AND NOT NEW.routed AND NEW.service_address IS NULL) EXECUTE FUNCTION network_takes_service_address();

CREATE FUNCTION network_checks_own_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF EXISTS (SELECT FROM public.address WHERE network = NEW.uuid AND ip = NEW.service_address) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'service_address');
    ELSIF NEW.routed AND EXISTS (SELECT FROM public.address WHERE network = NEW.uuid AND ip = NEW.gateway) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, CASE WHEN OLD.routed THEN 'gateway' ELSE 'routed' END);
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER network_own_given AFTER UPDATE OF gateway, routed, service_address, dhcp ON network
    FOR EACH ROW EXECUTE FUNCTION network_checks_own_addresses();
COMMENT ON CONSTRAINT network_own_given ON network IS 'The address is given already, so the platform cannot have it.';

CREATE FUNCTION address_leaves_own() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.network
        WHERE uuid = NEW.network AND (service_address = NEW.ip OR (routed AND gateway = NEW.ip))) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'ip');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER address_ip_own AFTER INSERT OR UPDATE OF ip ON address
    FOR EACH ROW EXECUTE FUNCTION address_leaves_own();
COMMENT ON CONSTRAINT address_ip_own ON address IS 'The platform itself has the address.';

CREATE OR REPLACE FUNCTION address_takes_ip() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    net   record;
    bits  integer;
    free  inet;
    final inet;
    taken inet;
BEGIN
    SELECT range, gateway, service_address INTO net FROM public.network WHERE uuid = NEW.network FOR NO KEY UPDATE;
    IF NEW.ip IS NOT NULL THEN
        RETURN NEW;
    END IF;
    IF net.range IS NULL THEN
        -- The reference is what is wrong, so nothing else shall be refused before it.
        NEW.ip := '0.0.0.0';
        RETURN NEW;
    END IF;
    bits := CASE family(net.range) WHEN 4 THEN 32 ELSE 128 END;
    free := set_masklen(net.range::inet, bits);
    final := set_masklen(broadcast(net.range), bits);
    IF masklen(net.range) < bits - 1 THEN
        free := free + 1;
        final := CASE bits WHEN 32 THEN final - 1 ELSE final END;
    END IF;
    FOR taken IN
        SELECT given FROM (
            SELECT ip AS given FROM public.address WHERE network = NEW.network AND ip BETWEEN free AND final AND uuid <> NEW.uuid
            UNION SELECT net.gateway WHERE net.gateway IS NOT NULL
            UNION SELECT net.service_address WHERE net.service_address IS NOT NULL) AS unfree
        ORDER BY given
    LOOP
        EXIT WHEN taken > free;
        IF taken = final THEN
            RETURN NEW;
        END IF;
        free := taken + 1;
    END LOOP;
    NEW.ip := free;
    RETURN NEW;
END $$;

-- Whoever changes the type of a switch waits for those who add a routed network, and the other way round.
CREATE FUNCTION network_checks_routed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kind text;
BEGIN
    PERFORM public.expect_read_committed();
    SELECT type INTO kind FROM public.switch WHERE uuid = NEW.switch FOR SHARE;
    IF kind <> 'vxlan' THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'routed');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER network_routed_switch AFTER INSERT OR UPDATE OF routed ON network
    FOR EACH ROW WHEN (NEW.routed) EXECUTE FUNCTION network_checks_routed();
COMMENT ON CONSTRAINT network_routed_switch ON network IS 'The platform routes networks of VXLAN switches only.';

CREATE FUNCTION switch_checks_routed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF EXISTS (SELECT FROM public.network WHERE switch = NEW.uuid AND routed) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'type');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER switch_type_routed AFTER UPDATE OF type ON switch
    FOR EACH ROW WHEN (NEW.type <> 'vxlan') EXECUTE FUNCTION switch_checks_routed();
COMMENT ON CONSTRAINT switch_type_routed ON switch IS 'The platform routes a network of the switch, which it does on VXLAN switches only.';

-- Floating addresses

CREATE OR REPLACE FUNCTION address_checks_switch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    plugged uuid;
    net     record;
BEGIN
    -- Whoever plugs the card into another switch waits, and then finds this address.
    SELECT switch INTO plugged FROM public.vnic WHERE uuid = NEW.vnic FOR SHARE;
    SELECT switch, floating INTO net FROM public.network WHERE uuid = NEW.network;
    IF plugged <> net.switch AND NOT net.floating THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'vnic');
    END IF;
    RETURN NULL;
END $$;
-- It is enough to know the newest state of the network, which no address is given in while it changes.
DROP TRIGGER address_takes_ip ON address;
CREATE TRIGGER address_takes_ip BEFORE INSERT OR UPDATE OF ip, vnic ON address
    FOR EACH ROW EXECUTE FUNCTION address_takes_ip();

CREATE OR REPLACE FUNCTION vnic_keeps_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    IF EXISTS (
        SELECT FROM public.address JOIN public.network ON network.uuid = address.network
        WHERE address.vnic = NEW.uuid AND network.switch <> NEW.switch AND NOT network.floating) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'switch');
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION network_checks_floating() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM public.expect_read_committed();
    -- Whoever plugs one of the cards into another switch is waited for, or waits and finds the network as it is now.
    PERFORM FROM public.vnic WHERE uuid IN (SELECT vnic FROM public.address WHERE network = NEW.uuid) ORDER BY uuid FOR SHARE;
    IF EXISTS (
        SELECT FROM public.address JOIN public.vnic ON vnic.uuid = address.vnic
        WHERE address.network = NEW.uuid AND vnic.switch <> NEW.switch) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'floating');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER network_floating_given AFTER UPDATE OF floating ON network
    FOR EACH ROW WHEN (OLD.floating AND NOT NEW.floating) EXECUTE FUNCTION network_checks_floating();
COMMENT ON CONSTRAINT network_floating_given ON network IS 'Cards on other switches have addresses of the network.';

-- Cards

ALTER TABLE vnic ADD COLUMN link text NOT NULL DEFAULT 'up';
ALTER TABLE vnic ADD CONSTRAINT vnic_link_list CHECK (link IN ('up', 'down'));
COMMENT ON CONSTRAINT vnic_link_list ON vnic IS 'The link of a virtual network card is up or down.';

-- Security groups

CREATE TABLE security_group (
    uuid        uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant      uuid NOT NULL,
    name        text NOT NULL,
    description text,
    CONSTRAINT security_group_pkey PRIMARY KEY (uuid),
    CONSTRAINT security_group_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT security_group_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT security_group_name_unique UNIQUE (tenant, name),
    CONSTRAINT security_group_description_length CHECK (char_length(description) <= 1024)
);
COMMENT ON TABLE security_group IS 'Rules for what may reach the cards in it, and what they may reach.';
COMMENT ON CONSTRAINT security_group_pkey ON security_group IS 'A security group with this uuid is there already.';
COMMENT ON CONSTRAINT security_group_tenant_fkey ON security_group IS 'There is no such tenant.';
COMMENT ON CONSTRAINT security_group_name_length ON security_group IS 'The name of a security group has 1 to 64 characters.';
COMMENT ON CONSTRAINT security_group_name_unique ON security_group IS 'The tenant has another security group of this name.';
COMMENT ON CONSTRAINT security_group_description_length ON security_group IS 'The description of a security group has at most 1024 characters.';
CREATE CONSTRAINT TRIGGER security_group_tenant_immutable AFTER UPDATE OF tenant ON security_group
    FOR EACH ROW WHEN (NEW.tenant <> OLD.tenant) EXECUTE FUNCTION refuse_row('tenant');
COMMENT ON CONSTRAINT security_group_tenant_immutable ON security_group IS 'A security group stays with its tenant.';

CREATE TABLE security_rule (
    uuid                  uuid NOT NULL DEFAULT gen_random_uuid(),
    security_group        uuid NOT NULL,
    direction             text NOT NULL,
    protocol              text,
    port_from             integer,
    port_to               integer,
    remote_range          cidr,
    remote_security_group uuid,
    CONSTRAINT security_rule_pkey PRIMARY KEY (uuid),
    CONSTRAINT security_rule_security_group_fkey FOREIGN KEY (security_group) REFERENCES security_group (uuid) ON DELETE CASCADE,
    -- Without its rules a group would admit more of what its cards send, not less.
    CONSTRAINT security_rule_remote_security_group_fkey FOREIGN KEY (remote_security_group) REFERENCES security_group (uuid) ON DELETE RESTRICT,
    CONSTRAINT security_rule_direction_list CHECK (direction IN ('ingress', 'egress')),
    CONSTRAINT security_rule_protocol_list CHECK (protocol IN ('tcp', 'udp', 'icmp', 'icmpv6')),
    CONSTRAINT security_rule_port_from_range CHECK (port_from BETWEEN 1 AND 65535),
    CONSTRAINT security_rule_port_to_range CHECK (port_to BETWEEN 1 AND 65535),
    CONSTRAINT security_rule_port_to_order CHECK ((port_from IS NULL) = (port_to IS NULL) AND port_from <= port_to),
    CONSTRAINT security_rule_port_from_protocol CHECK (port_from IS NULL OR coalesce(protocol IN ('tcp', 'udp'), false)),
    CONSTRAINT security_rule_remote_range_family CHECK (
        NOT (protocol = 'icmp' AND family(remote_range) = 6) AND NOT (protocol = 'icmpv6' AND family(remote_range) = 4)),
    CONSTRAINT security_rule_remote_range_alone CHECK (remote_range IS NULL OR remote_security_group IS NULL)
);
COMMENT ON TABLE security_rule IS 'Packets that a security group admits.';
COMMENT ON CONSTRAINT security_rule_pkey ON security_rule IS 'A rule with this uuid is there already.';
COMMENT ON CONSTRAINT security_rule_security_group_fkey ON security_rule IS 'There is no such security group.';
COMMENT ON CONSTRAINT security_rule_remote_security_group_fkey ON security_rule IS 'There is no such security group.';
COMMENT ON CONSTRAINT security_rule_direction_list ON security_rule IS 'The direction of a rule is ingress or egress.';
COMMENT ON CONSTRAINT security_rule_protocol_list ON security_rule IS 'The protocol of a rule is tcp, udp, icmp or icmpv6, or absent for all.';
COMMENT ON CONSTRAINT security_rule_port_from_range ON security_rule IS 'A port is 1 to 65535.';
COMMENT ON CONSTRAINT security_rule_port_to_range ON security_rule IS 'A port is 1 to 65535.';
COMMENT ON CONSTRAINT security_rule_port_to_order ON security_rule IS 'A first port comes with a last one that is not before it, and neither without the other.';
COMMENT ON CONSTRAINT security_rule_port_from_protocol ON security_rule IS 'Only tcp and udp have ports.';
COMMENT ON CONSTRAINT security_rule_remote_range_family ON security_rule IS 'The range of a rule for icmp is of IPv4, and of one for icmpv6 it is of IPv6.';
COMMENT ON CONSTRAINT security_rule_remote_range_alone ON security_rule IS 'The other end of a rule is a range or a group, not both.';
CREATE INDEX security_rule_security_group_index ON security_rule (security_group);
CREATE INDEX security_rule_remote_security_group_index ON security_rule (remote_security_group);
CREATE CONSTRAINT TRIGGER security_rule_security_group_immutable AFTER UPDATE OF security_group ON security_rule
    FOR EACH ROW WHEN (NEW.security_group <> OLD.security_group) EXECUTE FUNCTION refuse_row('security_group');
COMMENT ON CONSTRAINT security_rule_security_group_immutable ON security_rule IS 'A rule stays in its security group.';

CREATE FUNCTION security_rule_refuses_foreign_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.security_group AS own JOIN public.security_group AS remote ON remote.uuid = NEW.remote_security_group
        WHERE own.uuid = NEW.security_group AND own.tenant <> remote.tenant) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'remote_security_group');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER security_rule_remote_security_group_tenant AFTER INSERT OR UPDATE OF remote_security_group ON security_rule
    FOR EACH ROW EXECUTE FUNCTION security_rule_refuses_foreign_group();
COMMENT ON CONSTRAINT security_rule_remote_security_group_tenant ON security_rule IS 'The other security group belongs to another tenant.';

-- A group may name itself, and go all the same.
CREATE FUNCTION security_group_takes_rules_along() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.security_rule WHERE security_group = OLD.uuid;
    RETURN OLD;
END $$;
CREATE TRIGGER security_group_takes_rules_along BEFORE DELETE ON security_group
    FOR EACH ROW EXECUTE FUNCTION security_group_takes_rules_along();

CREATE TABLE vnic_security_group (
    uuid           uuid NOT NULL DEFAULT gen_random_uuid(),
    vnic           uuid NOT NULL,
    security_group uuid NOT NULL,
    CONSTRAINT vnic_security_group_pkey PRIMARY KEY (uuid),
    CONSTRAINT vnic_security_group_vnic_fkey FOREIGN KEY (vnic) REFERENCES vnic (uuid) ON DELETE CASCADE,
    -- A card that lost its last group would be open to everybody.
    CONSTRAINT vnic_security_group_security_group_fkey FOREIGN KEY (security_group) REFERENCES security_group (uuid) ON DELETE RESTRICT,
    CONSTRAINT vnic_security_group_security_group_unique UNIQUE (vnic, security_group)
);
COMMENT ON TABLE vnic_security_group IS 'A card in a security group.';
COMMENT ON CONSTRAINT vnic_security_group_pkey ON vnic_security_group IS 'A membership with this uuid is there already.';
COMMENT ON CONSTRAINT vnic_security_group_vnic_fkey ON vnic_security_group IS 'There is no such virtual network card.';
COMMENT ON CONSTRAINT vnic_security_group_security_group_fkey ON vnic_security_group IS 'There is no such security group.';
COMMENT ON CONSTRAINT vnic_security_group_security_group_unique ON vnic_security_group IS 'The card is in the security group already.';
CREATE INDEX vnic_security_group_security_group_index ON vnic_security_group (security_group);
CREATE CONSTRAINT TRIGGER vnic_security_group_immutable AFTER UPDATE OF vnic, security_group ON vnic_security_group
    FOR EACH ROW WHEN (NEW.vnic <> OLD.vnic OR NEW.security_group <> OLD.security_group) EXECUTE FUNCTION refuse_row('security_group');
COMMENT ON CONSTRAINT vnic_security_group_immutable ON vnic_security_group IS 'A membership stays what it is. Make another one.';

CREATE FUNCTION vnic_security_group_refuses_foreign_group() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.vnic
        JOIN public.instance ON instance.uuid = vnic.instance
        JOIN public.security_group ON security_group.uuid = NEW.security_group
        WHERE vnic.uuid = NEW.vnic AND instance.tenant IS DISTINCT FROM security_group.tenant) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'security_group');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vnic_security_group_tenant AFTER INSERT ON vnic_security_group
    FOR EACH ROW EXECUTE FUNCTION vnic_security_group_refuses_foreign_group();
COMMENT ON CONSTRAINT vnic_security_group_tenant ON vnic_security_group IS 'The security group belongs to another tenant than the card.';

-- A tenant goes with all that is its own, and in this order: instances let go of switches and groups, addresses of networks, rules
-- of groups.
CREATE OR REPLACE FUNCTION tenant_takes_networks_along() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.instance WHERE tenant = OLD.uuid;
    DELETE FROM public.address WHERE network IN (
        SELECT network.uuid FROM public.network JOIN public.switch ON switch.uuid = network.switch WHERE switch.tenant = OLD.uuid);
    DELETE FROM public.security_rule WHERE security_group IN (
        SELECT uuid FROM public.security_group WHERE tenant = OLD.uuid);
    RETURN OLD;
END $$;

ALTER TABLE security_group REPLICA IDENTITY FULL;
ALTER TABLE security_rule REPLICA IDENTITY FULL;
ALTER TABLE vnic_security_group REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE security_group, security_rule, vnic_security_group;
