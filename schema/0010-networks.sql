-- Networks: network cards of hosts and how they are bundled, switches, what is on them, and who has which address.
--
-- What holds between rows of several tables is race-free in one of three ways:
-- * it is a unique, exclusion or foreign key constraint;
-- * it depends on columns that never change (a trigger sees to that), so that whoever saw the row saw what counts;
-- * both sides lock the row that they have in common: addresses and routes of a network lock the network, as changing the
--   network does, and cards of an instance lock the instance to number themselves. Locks that do not wait for each other
--   (FOR SHARE) would only lead to deadlocks where somebody then wants the stronger one.

CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE bond (
    uuid             uuid NOT NULL DEFAULT gen_random_uuid(),
    host             uuid NOT NULL,
    mode             text NOT NULL DEFAULT 'active-backup',
    lacp_rate        text NOT NULL DEFAULT 'slow',
    xmit_hash_policy text NOT NULL DEFAULT 'layer2',
    CONSTRAINT bond_pkey PRIMARY KEY (uuid),
    CONSTRAINT bond_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE CASCADE,
    CONSTRAINT bond_mode_list CHECK (mode IN ('active-backup', '802.3ad')),
    CONSTRAINT bond_lacp_rate_list CHECK (lacp_rate IN ('slow', 'fast')),
    CONSTRAINT bond_xmit_hash_policy_list CHECK (xmit_hash_policy IN ('layer2', 'layer2+3', 'layer3+4'))
);
COMMENT ON TABLE bond IS 'Network cards of a host that work as one.';
COMMENT ON CONSTRAINT bond_pkey ON bond IS 'A bond with this uuid is there already.';
COMMENT ON CONSTRAINT bond_host_fkey ON bond IS 'There is no such host.';
COMMENT ON CONSTRAINT bond_mode_list ON bond IS 'The mode of a bond is active-backup or 802.3ad.';
COMMENT ON CONSTRAINT bond_lacp_rate_list ON bond IS 'The LACP rate of a bond is slow or fast.';
COMMENT ON CONSTRAINT bond_xmit_hash_policy_list ON bond IS 'The transmit hash policy of a bond is layer2, layer2+3 or layer3+4.';
CREATE INDEX bond_host_index ON bond (host);
-- For references that name the host as well.
CREATE UNIQUE INDEX bond_on_host ON bond (host, uuid);
CREATE CONSTRAINT TRIGGER bond_host_immutable AFTER UPDATE OF host ON bond
    FOR EACH ROW WHEN (NEW.host <> OLD.host) EXECUTE FUNCTION refuse_row('host');
COMMENT ON CONSTRAINT bond_host_immutable ON bond IS 'A bond stays on its host.';

CREATE TABLE nic (
    hwaddr macaddr NOT NULL,
    host   uuid    NOT NULL,
    bond   uuid,
    CONSTRAINT nic_pkey PRIMARY KEY (hwaddr),
    CONSTRAINT nic_host_fkey FOREIGN KEY (host) REFERENCES host (uuid) ON DELETE CASCADE,
    CONSTRAINT nic_bond_fkey FOREIGN KEY (bond) REFERENCES bond (uuid) ON DELETE SET NULL,
    CONSTRAINT nic_bond_host FOREIGN KEY (host, bond) REFERENCES bond (host, uuid) ON DELETE SET NULL (bond),
    CONSTRAINT nic_hwaddr_unicast CHECK ((hwaddr & '01:00:00:00:00:00') = '00:00:00:00:00:00' AND hwaddr <> '00:00:00:00:00:00')
);
COMMENT ON TABLE nic IS 'A network card of a host.';
COMMENT ON CONSTRAINT nic_pkey ON nic IS 'A network card with this address is there already.';
COMMENT ON CONSTRAINT nic_host_fkey ON nic IS 'There is no such host.';
COMMENT ON CONSTRAINT nic_bond_fkey ON nic IS 'There is no such bond.';
COMMENT ON CONSTRAINT nic_bond_host ON nic IS 'The bond is on another host than the network card.';
COMMENT ON CONSTRAINT nic_hwaddr_unicast ON nic IS 'The address of a network card is a unicast address.';
CREATE INDEX nic_host_index ON nic (host);
CREATE INDEX nic_bond_index ON nic (bond);

CREATE TABLE net_role (
    uuid    uuid NOT NULL DEFAULT gen_random_uuid(),
    bond    uuid NOT NULL,
    vlan_id integer,
    role    text NOT NULL,
    address inet,
    prefix  integer,
    CONSTRAINT net_role_pkey PRIMARY KEY (uuid),
    CONSTRAINT net_role_bond_fkey FOREIGN KEY (bond) REFERENCES bond (uuid) ON DELETE CASCADE,
    CONSTRAINT net_role_vlan_id_range CHECK (vlan_id BETWEEN 1 AND 4094),
    CONSTRAINT net_role_role_list CHECK (role IN ('management', 'core', 'virtual', 'storage', 'public')),
    CONSTRAINT net_role_address_host CHECK (is_host(address)),
    CONSTRAINT net_role_prefix_range CHECK (prefix BETWEEN 0 AND 128),
    CONSTRAINT net_role_prefix_fits CHECK ((prefix IS NULL) = (address IS NULL) AND prefix <= masklen(address)),
    CONSTRAINT net_role_address_unique EXCLUDE USING gist (bond WITH =, coalesce(vlan_id, 0) WITH =, address inet_ops WITH =)
);
COMMENT ON TABLE net_role IS 'What a bond, or a VLAN on it, is for.';
COMMENT ON CONSTRAINT net_role_pkey ON net_role IS 'A network role with this uuid is there already.';
COMMENT ON CONSTRAINT net_role_bond_fkey ON net_role IS 'There is no such bond.';
COMMENT ON CONSTRAINT net_role_vlan_id_range ON net_role IS 'The id of a VLAN is 1 to 4094.';
COMMENT ON CONSTRAINT net_role_role_list ON net_role IS 'A network role is management, core, virtual, storage or public.';
COMMENT ON CONSTRAINT net_role_address_host ON net_role IS 'The address of a network role has its prefix length in a field of its own.';
COMMENT ON CONSTRAINT net_role_prefix_range ON net_role IS 'A prefix length is 0 to 128.';
COMMENT ON CONSTRAINT net_role_prefix_fits ON net_role IS 'An address comes with a prefix length of its family, and neither without the other.';
COMMENT ON CONSTRAINT net_role_address_unique ON net_role IS 'Another role of this VLAN on the bond has this address.';
CREATE INDEX net_role_bond_index ON net_role (bond);
CREATE CONSTRAINT TRIGGER net_role_bond_immutable AFTER UPDATE OF bond ON net_role
    FOR EACH ROW WHEN (NEW.bond <> OLD.bond) EXECUTE FUNCTION refuse_row('bond');
COMMENT ON CONSTRAINT net_role_bond_immutable ON net_role IS 'A network role stays with its bond.';

CREATE TABLE switch (
    uuid   uuid NOT NULL DEFAULT gen_random_uuid(),
    tenant uuid,
    name   text NOT NULL,
    type   text NOT NULL DEFAULT 'vxlan',
    tag    integer,
    CONSTRAINT switch_pkey PRIMARY KEY (uuid),
    CONSTRAINT switch_tenant_fkey FOREIGN KEY (tenant) REFERENCES tenant (uuid) ON DELETE CASCADE,
    CONSTRAINT switch_name_length CHECK (char_length(name) BETWEEN 1 AND 64),
    CONSTRAINT switch_name_unique UNIQUE NULLS NOT DISTINCT (tenant, name),
    CONSTRAINT switch_type_list CHECK (type IN ('bridge', 'vxlan')),
    CONSTRAINT switch_tag_range CHECK (tag BETWEEN 1 AND 16777215),
    CONSTRAINT switch_tag_vlan CHECK (type <> 'bridge' OR tag <= 4094),
    CONSTRAINT switch_tag_available CHECK (type <> 'vxlan' OR tag IS NOT NULL),
    -- Two switches of one tag would be one network; the untagged one is one of them.
    CONSTRAINT switch_tag_unique UNIQUE NULLS NOT DISTINCT (type, tag)
);
COMMENT ON TABLE switch IS 'A virtual switch, which all hosts with a card on it carry.';
COMMENT ON CONSTRAINT switch_pkey ON switch IS 'A switch with this uuid is there already.';
COMMENT ON CONSTRAINT switch_tenant_fkey ON switch IS 'There is no such tenant.';
COMMENT ON CONSTRAINT switch_name_length ON switch IS 'The name of a switch has 1 to 64 characters.';
COMMENT ON CONSTRAINT switch_name_unique ON switch IS 'The tenant has another switch of this name.';
COMMENT ON CONSTRAINT switch_type_list ON switch IS 'The type of a switch is bridge or vxlan.';
COMMENT ON CONSTRAINT switch_tag_range ON switch IS 'The tag of a switch is 1 to 16777215.';
COMMENT ON CONSTRAINT switch_tag_vlan ON switch IS 'The tag of a bridge is a VLAN, 1 to 4094, or absent.';
COMMENT ON CONSTRAINT switch_tag_available ON switch IS 'Every VXLAN network id is taken.';
COMMENT ON CONSTRAINT switch_tag_unique ON switch IS 'Another switch of this type has this tag.';
CREATE CONSTRAINT TRIGGER switch_tenant_immutable AFTER UPDATE OF tenant ON switch
    FOR EACH ROW WHEN (NEW.tenant IS DISTINCT FROM OLD.tenant) EXECUTE FUNCTION refuse_row('tenant');
COMMENT ON CONSTRAINT switch_tenant_immutable ON switch IS 'A switch stays with its tenant.';

CREATE FUNCTION switch_takes_tag() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whoever tags a switch waits for the others who do, so that a free tag stays free. Its readers do not wait.
    PERFORM pg_advisory_xact_lock('public.switch'::regclass::oid::bigint);
    IF NEW.tag IS NULL AND NEW.type = 'vxlan' THEN
        SELECT min(free) INTO NEW.tag
        FROM (SELECT 1 AS free UNION ALL SELECT tag + 1 FROM public.switch WHERE type = 'vxlan' AND tag < 16777215) AS candidate
        WHERE NOT EXISTS (SELECT FROM public.switch AS other WHERE other.type = 'vxlan' AND other.tag = free AND other.uuid <> NEW.uuid);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER switch_takes_tag BEFORE INSERT OR UPDATE OF type, tag ON switch
    FOR EACH ROW EXECUTE FUNCTION switch_takes_tag();

-- Whether an interface can have the address: it is in the network, and not the network itself or its broadcast. Networks
-- of two addresses or one have neither, and IPv6 has no broadcast.
CREATE FUNCTION is_usable(address inet, range cidr) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN address <<= range AND (
        masklen(range) >= CASE family(range) WHEN 4 THEN 31 ELSE 127 END
        OR (host(address) <> host(range::inet) AND (family(range) = 6 OR host(address) <> host(broadcast(range)))));

CREATE TABLE network (
    uuid     uuid    NOT NULL DEFAULT gen_random_uuid(),
    switch   uuid    NOT NULL,
    vlan_tag integer,
    range    cidr    NOT NULL,
    gateway  inet,
    dhcp     boolean NOT NULL DEFAULT false,
    ns       inet[]  NOT NULL DEFAULT '{}',
    CONSTRAINT network_pkey PRIMARY KEY (uuid),
    CONSTRAINT network_switch_fkey FOREIGN KEY (switch) REFERENCES switch (uuid) ON DELETE CASCADE,
    CONSTRAINT network_vlan_tag_range CHECK (vlan_tag BETWEEN 1 AND 4094),
    CONSTRAINT network_gateway_host CHECK (is_host(gateway)),
    CONSTRAINT network_gateway_within CHECK (is_usable(gateway, range)),
    CONSTRAINT network_ns_hosts CHECK (are_hosts(ns)),
    CONSTRAINT network_ns_count CHECK (cardinality(ns) <= 16),
    CONSTRAINT network_range_overlap EXCLUDE USING gist (switch WITH =, coalesce(vlan_tag, 0) WITH =, range inet_ops WITH &&)
);
COMMENT ON TABLE network IS 'A range of addresses on a switch.';
COMMENT ON CONSTRAINT network_pkey ON network IS 'A network with this uuid is there already.';
COMMENT ON CONSTRAINT network_switch_fkey ON network IS 'There is no such switch.';
COMMENT ON CONSTRAINT network_vlan_tag_range ON network IS 'The tag of a VLAN is 1 to 4094.';
COMMENT ON CONSTRAINT network_gateway_host ON network IS 'The gateway of a network is an address without a prefix length.';
COMMENT ON CONSTRAINT network_gateway_within ON network IS 'The gateway of a network is an address in its range, and not the first or the broadcast.';
COMMENT ON CONSTRAINT network_ns_hosts ON network IS 'The name servers of a network are a plain list of addresses without prefix lengths and nulls.';
COMMENT ON CONSTRAINT network_ns_count ON network IS 'A network has at most 16 name servers.';
COMMENT ON CONSTRAINT network_range_overlap ON network IS 'Another network on this VLAN of the switch overlaps with the range.';
CREATE INDEX network_switch_index ON network (switch);
CREATE CONSTRAINT TRIGGER network_switch_immutable AFTER UPDATE OF switch ON network
    FOR EACH ROW WHEN (NEW.switch <> OLD.switch) EXECUTE FUNCTION refuse_row('switch');
COMMENT ON CONSTRAINT network_switch_immutable ON network IS 'A network stays on its switch.';

CREATE TABLE route (
    uuid    uuid NOT NULL DEFAULT gen_random_uuid(),
    network uuid NOT NULL,
    route   cidr NOT NULL,
    via     inet NOT NULL,
    CONSTRAINT route_pkey PRIMARY KEY (uuid),
    CONSTRAINT route_network_fkey FOREIGN KEY (network) REFERENCES network (uuid) ON DELETE CASCADE,
    CONSTRAINT route_route_unique UNIQUE (network, route),
    CONSTRAINT route_via_host CHECK (is_host(via)),
    CONSTRAINT route_via_family CHECK (family(via) = family(route))
);
COMMENT ON TABLE route IS 'Where guests of a network send what is for other networks.';
COMMENT ON CONSTRAINT route_pkey ON route IS 'A route with this uuid is there already.';
COMMENT ON CONSTRAINT route_network_fkey ON route IS 'There is no such network.';
COMMENT ON CONSTRAINT route_route_unique ON route IS 'The network has another route to there.';
COMMENT ON CONSTRAINT route_via_host ON route IS 'The hop of a route is an address without a prefix length.';
COMMENT ON CONSTRAINT route_via_family ON route IS 'A route and its hop are both IPv4 or both IPv6.';
CREATE CONSTRAINT TRIGGER route_network_immutable AFTER UPDATE OF network ON route
    FOR EACH ROW WHEN (NEW.network <> OLD.network) EXECUTE FUNCTION refuse_row('network');
COMMENT ON CONSTRAINT route_network_immutable ON route IS 'A route stays with its network.';

CREATE FUNCTION route_checks_via() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    reach cidr;
BEGIN
    SELECT range INTO reach FROM public.network WHERE uuid = NEW.network FOR NO KEY UPDATE;
    IF NOT public.is_usable(NEW.via, reach) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'via');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER route_via_within AFTER INSERT OR UPDATE OF via ON route
    FOR EACH ROW EXECUTE FUNCTION route_checks_via();
COMMENT ON CONSTRAINT route_via_within ON route IS 'The hop of a route is an address in the range of its network.';

CREATE TABLE vnic (
    uuid               uuid NOT NULL DEFAULT gen_random_uuid(),
    instance           uuid NOT NULL,
    switch             uuid NOT NULL,
    macaddr            macaddr,
    index              integer,
    model              text NOT NULL DEFAULT 'virtio',
    bandwidth_in_mbit  integer,
    bandwidth_out_mbit integer,
    CONSTRAINT vnic_pkey PRIMARY KEY (uuid),
    CONSTRAINT vnic_instance_fkey FOREIGN KEY (instance) REFERENCES instance (uuid) ON DELETE CASCADE,
    CONSTRAINT vnic_switch_fkey FOREIGN KEY (switch) REFERENCES switch (uuid) ON DELETE RESTRICT,
    CONSTRAINT vnic_index_range CHECK (index BETWEEN 0 AND 31),
    CONSTRAINT vnic_index_available CHECK (index IS NOT NULL),
    CONSTRAINT vnic_index_unique UNIQUE (instance, index),
    CONSTRAINT vnic_macaddr_unicast CHECK ((macaddr & '01:00:00:00:00:00') = '00:00:00:00:00:00' AND macaddr <> '00:00:00:00:00:00'),
    -- The hosts' ends of the cards have these.
    CONSTRAINT vnic_macaddr_reserved CHECK ((macaddr & 'ff:00:00:00:00:00') <> 'fe:00:00:00:00:00'),
    -- Where they meet. On a switch of its own a tenant may repeat an address, and cannot find out about others' that way.
    CONSTRAINT vnic_macaddr_unique UNIQUE (switch, macaddr),
    CONSTRAINT vnic_macaddr_once UNIQUE (instance, macaddr),
    CONSTRAINT vnic_model_list CHECK (model IN ('virtio', 'e1000e', 'rtl8139')),
    CONSTRAINT vnic_bandwidth_in_mbit_range CHECK (bandwidth_in_mbit BETWEEN 1 AND 1000000),
    CONSTRAINT vnic_bandwidth_out_mbit_range CHECK (bandwidth_out_mbit BETWEEN 1 AND 1000000)
);
COMMENT ON TABLE vnic IS 'A network card of an instance.';
COMMENT ON CONSTRAINT vnic_pkey ON vnic IS 'A virtual network card with this uuid is there already.';
COMMENT ON CONSTRAINT vnic_instance_fkey ON vnic IS 'There is no such instance.';
COMMENT ON CONSTRAINT vnic_switch_fkey ON vnic IS 'There is no such switch.';
COMMENT ON CONSTRAINT vnic_index_range ON vnic IS 'The index of a virtual network card is 0 to 31.';
COMMENT ON CONSTRAINT vnic_index_available ON vnic IS 'An instance has at most 32 virtual network cards.';
COMMENT ON CONSTRAINT vnic_index_unique ON vnic IS 'Another card of the instance has this index.';
COMMENT ON CONSTRAINT vnic_macaddr_unicast ON vnic IS 'The address of a virtual network card is a unicast address.';
COMMENT ON CONSTRAINT vnic_macaddr_reserved ON vnic IS 'Addresses that start with fe belong to the hosts.';
COMMENT ON CONSTRAINT vnic_macaddr_unique ON vnic IS 'Another card on the switch has this address.';
COMMENT ON CONSTRAINT vnic_macaddr_once ON vnic IS 'Another card of the instance has this address.';
COMMENT ON CONSTRAINT vnic_model_list ON vnic IS 'The model of a virtual network card is virtio, e1000e or rtl8139.';
COMMENT ON CONSTRAINT vnic_bandwidth_in_mbit_range ON vnic IS 'A bandwidth is 1 to 1000000 Mbit/s.';
COMMENT ON CONSTRAINT vnic_bandwidth_out_mbit_range ON vnic IS 'A bandwidth is 1 to 1000000 Mbit/s.';
CREATE INDEX vnic_macaddr_index ON vnic (macaddr);
CREATE CONSTRAINT TRIGGER vnic_instance_immutable AFTER UPDATE OF instance ON vnic
    FOR EACH ROW WHEN (NEW.instance <> OLD.instance) EXECUTE FUNCTION refuse_row('instance');
COMMENT ON CONSTRAINT vnic_instance_immutable ON vnic IS 'A virtual network card stays in its instance.';

CREATE FUNCTION vnic_takes_names() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_template boolean;
BEGIN
    -- Held until the commit: nobody else numbers a card of the instance meanwhile.
    SELECT template INTO is_template FROM public.instance WHERE uuid = NEW.instance FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        -- The reference is what is wrong, so nothing else shall be refused before it.
        NEW.index := coalesce(NEW.index, 0);
        RETURN NEW;
    END IF;
    IF NEW.index IS NULL THEN
        SELECT min(free) INTO NEW.index FROM generate_series(0, 31) AS free
        WHERE NOT EXISTS (SELECT FROM public.vnic WHERE instance = NEW.instance AND vnic.index = free AND uuid <> NEW.uuid);
    END IF;
    IF NEW.macaddr IS NULL AND NOT is_template THEN
        -- Locally administered, and 40 random bits. Should two transactions come upon the same ones at once, a constraint
        -- refuses one of them.
        LOOP
            NEW.macaddr := ('06' || left(encode(uuid_send(gen_random_uuid()), 'hex'), 10))::macaddr;
            EXIT WHEN NOT EXISTS (SELECT FROM public.vnic WHERE macaddr = NEW.macaddr);
        END LOOP;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER vnic_takes_names BEFORE INSERT OR UPDATE OF index, macaddr ON vnic
    FOR EACH ROW WHEN (NEW.index IS NULL OR NEW.macaddr IS NULL) EXECUTE FUNCTION vnic_takes_names();

CREATE FUNCTION vnic_refuses_template_address() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.instance WHERE uuid = NEW.instance AND template) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'macaddr');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vnic_macaddr_template AFTER INSERT OR UPDATE OF macaddr ON vnic
    FOR EACH ROW WHEN (NEW.macaddr IS NOT NULL) EXECUTE FUNCTION vnic_refuses_template_address();
COMMENT ON CONSTRAINT vnic_macaddr_template ON vnic IS 'A card of a template has no address; each instance made of it gets its own.';

CREATE FUNCTION vnic_refuses_foreign_switch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.switch JOIN public.instance ON instance.uuid = NEW.instance
        WHERE switch.uuid = NEW.switch AND switch.tenant IS NOT NULL AND switch.tenant IS DISTINCT FROM instance.tenant) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'switch');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vnic_switch_tenant AFTER INSERT OR UPDATE OF switch ON vnic
    FOR EACH ROW EXECUTE FUNCTION vnic_refuses_foreign_switch();
COMMENT ON CONSTRAINT vnic_switch_tenant ON vnic IS 'The switch belongs to another tenant than the instance.';

CREATE TABLE address (
    uuid    uuid NOT NULL DEFAULT gen_random_uuid(),
    network uuid NOT NULL,
    vnic    uuid,
    ip      inet,
    ptr     text,
    CONSTRAINT address_pkey PRIMARY KEY (uuid),
    CONSTRAINT address_network_fkey FOREIGN KEY (network) REFERENCES network (uuid) ON DELETE RESTRICT,
    CONSTRAINT address_vnic_fkey FOREIGN KEY (vnic) REFERENCES vnic (uuid) ON DELETE CASCADE,
    CONSTRAINT address_ip_host CHECK (is_host(ip)),
    CONSTRAINT address_ip_available CHECK (ip IS NOT NULL),
    CONSTRAINT address_ip_unique UNIQUE (network, ip),
    CONSTRAINT address_ptr_length CHECK (char_length(ptr) <= 253),
    CONSTRAINT address_ptr_format CHECK (ptr ~ '^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?$')
);
COMMENT ON TABLE address IS 'An address of a network that is given to a card, or kept.';
COMMENT ON CONSTRAINT address_pkey ON address IS 'An address with this uuid is there already.';
COMMENT ON CONSTRAINT address_network_fkey ON address IS 'There is no such network.';
COMMENT ON CONSTRAINT address_vnic_fkey ON address IS 'There is no such virtual network card.';
COMMENT ON CONSTRAINT address_ip_host ON address IS 'An address has no prefix length; the network has it.';
COMMENT ON CONSTRAINT address_ip_available ON address IS 'The network has no free address left.';
COMMENT ON CONSTRAINT address_ip_unique ON address IS 'The address is given already.';
COMMENT ON CONSTRAINT address_ptr_length ON address IS 'The name of an address has at most 253 characters.';
COMMENT ON CONSTRAINT address_ptr_format ON address IS 'The name of an address is a host name.';
CREATE INDEX address_vnic_index ON address (vnic);
CREATE CONSTRAINT TRIGGER address_network_immutable AFTER UPDATE OF network ON address
    FOR EACH ROW WHEN (NEW.network <> OLD.network) EXECUTE FUNCTION refuse_row('network');
COMMENT ON CONSTRAINT address_network_immutable ON address IS 'An address stays in its network.';

-- The lowest free address. The network is locked until the commit, so it is still free when it is taken, and the range
-- is still that which later rules compare the address with.
CREATE FUNCTION address_takes_ip() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    net   record;
    bits  integer;
    free  inet;
    final inet;
    taken inet;
BEGIN
    SELECT range, gateway INTO net FROM public.network WHERE uuid = NEW.network FOR NO KEY UPDATE;
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
            UNION SELECT net.gateway WHERE net.gateway IS NOT NULL) AS unfree
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
CREATE TRIGGER address_takes_ip BEFORE INSERT OR UPDATE OF ip ON address
    FOR EACH ROW EXECUTE FUNCTION address_takes_ip();

CREATE FUNCTION address_checks_ip() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT public.is_usable(NEW.ip, (SELECT range FROM public.network WHERE uuid = NEW.network)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'ip');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER address_ip_within AFTER INSERT OR UPDATE OF ip ON address
    FOR EACH ROW EXECUTE FUNCTION address_checks_ip();
COMMENT ON CONSTRAINT address_ip_within ON address IS 'An address is in the range of its network, and not the first or the broadcast.';

CREATE FUNCTION address_checks_switch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    plugged uuid;
BEGIN
    -- Whoever plugs the card into another switch waits, and then finds this address.
    SELECT switch INTO plugged FROM public.vnic WHERE uuid = NEW.vnic FOR SHARE;
    IF plugged <> (SELECT switch FROM public.network WHERE uuid = NEW.network) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'vnic');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER address_vnic_switch AFTER INSERT OR UPDATE OF vnic ON address
    FOR EACH ROW WHEN (NEW.vnic IS NOT NULL) EXECUTE FUNCTION address_checks_switch();
COMMENT ON CONSTRAINT address_vnic_switch ON address IS 'The card is on another switch than the network.';

CREATE FUNCTION vnic_keeps_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.address JOIN public.network ON network.uuid = address.network
        WHERE address.vnic = NEW.uuid AND network.switch <> NEW.switch) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'switch');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER vnic_switch_addresses AFTER UPDATE OF switch ON vnic
    FOR EACH ROW EXECUTE FUNCTION vnic_keeps_addresses();
COMMENT ON CONSTRAINT vnic_switch_addresses ON vnic IS 'The card has addresses of networks on the switch that it is to leave.';

CREATE FUNCTION network_keeps_addresses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.address WHERE network = NEW.uuid AND NOT public.is_usable(ip, NEW.range)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'range');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER network_range_addresses AFTER UPDATE OF range ON network
    FOR EACH ROW EXECUTE FUNCTION network_keeps_addresses();
COMMENT ON CONSTRAINT network_range_addresses ON network IS 'Addresses that are given would be outside the range.';

CREATE FUNCTION network_keeps_routes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM public.route WHERE network = NEW.uuid AND NOT public.is_usable(via, NEW.range)) THEN
        PERFORM public.refuse(TG_NAME, TG_RELID, 'range');
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER network_range_routes AFTER UPDATE OF range ON network
    FOR EACH ROW EXECUTE FUNCTION network_keeps_routes();
COMMENT ON CONSTRAINT network_range_routes ON network IS 'The hop of a route would be outside the range.';

-- A tenant goes with all that is its own, and in this order: instances let go of switches, addresses of networks.
CREATE FUNCTION tenant_takes_networks_along() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM public.instance WHERE tenant = OLD.uuid;
    DELETE FROM public.address WHERE network IN (
        SELECT network.uuid FROM public.network JOIN public.switch ON switch.uuid = network.switch WHERE switch.tenant = OLD.uuid);
    RETURN OLD;
END $$;
CREATE TRIGGER tenant_takes_networks_along BEFORE DELETE ON tenant
    FOR EACH ROW EXECUTE FUNCTION tenant_takes_networks_along();

ALTER TABLE bond REPLICA IDENTITY FULL;
ALTER TABLE nic REPLICA IDENTITY FULL;
ALTER TABLE net_role REPLICA IDENTITY FULL;
ALTER TABLE switch REPLICA IDENTITY FULL;
ALTER TABLE network REPLICA IDENTITY FULL;
ALTER TABLE route REPLICA IDENTITY FULL;
ALTER TABLE vnic REPLICA IDENTITY FULL;
ALTER TABLE address REPLICA IDENTITY FULL;
ALTER PUBLICATION sparkle ADD TABLE bond, nic, net_role, switch, network, route, vnic, address;
