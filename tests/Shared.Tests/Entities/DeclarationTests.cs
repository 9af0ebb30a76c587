using System.Text.RegularExpressions;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.TestKit.Processes;

namespace PonyCloud.Shared.Tests.Entities;

/// <summary>What the platform declares, as far as the schema, the API and the hosts rely on it.</summary>
[TestFixture]
public sealed partial class DeclarationTests
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();

    private static IEnumerable<(Entity Entity, Column Column)> Columns =>
        from entity in Catalog.All
        from part in new[] { entity.Desired, entity.Current }
        where part is not null
        from column in part.Columns
        select (entity, column);

    [Test]
    public void Every_entity_is_found() => Assert.That(
        Catalog.All.Select(entity => entity.Name),
        Is.EqualTo([
            "address", "affinity_group", "affinity_group_instance", "bond", "config", "cpu_profile", "disk",
            "enrolment", "event", "extent", "host", "host_bond", "host_candidate", "host_cpu_profile", "host_disk",
            "host_extent", "host_image", "host_instance", "host_migration", "host_net_role", "host_nic", "host_orphan", "host_snapshot",
            "host_storage_pool", "host_switch", "host_tombstone", "host_vlan", "host_vnic", "host_volume", "host_volume_copy", "image", "image_copy", "instance",
            "member", "metering", "migration", "net_role", "network", "nic", "orphan", "quota", "revocation", "route", "security_group", "security_rule",
            "snapshot", "storage_pool", "switch", "switch_port", "tenant", "tombstone", "user", "vdisk", "vnic", "vnic_security_group", "volume",
        ]));

    [Test]
    public void Every_entity_is_at_its_place_and_under_its_name()
    {
        Assert.That(Catalog.All.Select(entity => entity.Ordinal), Is.EqualTo(Enumerable.Range(0, Catalog.All.Count)));
        foreach (var entity in Catalog.All)
        {
            Assert.That(Catalog[entity.Name], Is.SameAs(entity));
            Assert.That(Catalog.Find(entity.Name), Is.SameAs(entity));
        }
    }

    [Test]
    public void The_diagram_of_the_schema_shows_every_reference_and_no_other()
    {
        var diagram = File.ReadAllText(Path.Combine(Repository.Root, "schema", "README.md"));
        var drawn = Relation().Matches(diagram)
            .Select(match => (match.Groups["to"].Value, match.Groups["from"].Value, IsNullable: match.Groups["end"].Value == "|o"));
        var declared =
            from entity in Catalog.All
            where entity.IsStored
            from column in entity.Desired!.Columns
            where column.References is not null
            select (column.References, entity.Name, column.IsNullable);
        Assert.That(drawn, Is.EquivalentTo(declared));
    }

    [Test]
    public void The_diagram_of_the_schema_names_every_table()
    {
        var diagram = File.ReadAllText(Path.Combine(Repository.Root, "schema", "README.md"));
        foreach (var entity in Catalog.All.Where(entity => entity.IsStored))
            Assert.That(diagram, Does.Match($@"(?m)^    .*\b{entity.Name}\b"), entity.Name);
    }

    [Test]
    public void A_table_is_loaded_behind_those_that_it_refers_to()
    {
        var order = Catalog.InDependencyOrder.ToList();
        Assert.That(order, Is.EquivalentTo(Catalog.All.Where(entity => entity.IsStored)));
        foreach (var entity in order)
        {
            foreach (var column in entity.Desired!.Columns.Where(column => column.References is not null && column.References != entity.Name))
                Assert.That(order.IndexOf(Catalog[column.References!]), Is.LessThan(order.IndexOf(entity)), $"{entity}.{column}");
        }
    }

    [TestCase("/config", "config", Access.Protected, null)]
    [TestCase("/cpu-profile", "cpu_profile", Access.Shared, null)]
    [TestCase("/enrolment", "enrolment", Access.Protected, null)]
    [TestCase("/event", "event", Access.Protected, null)]
    [TestCase("/host", "host", Access.Protected, null)]
    [TestCase("/host-candidate", "host_candidate", Access.Protected, null)]
    [TestCase("/host/event", "event", Access.Protected, "host")]
    [TestCase("/host/instance", "host_instance", Access.Protected, "host")]
    [TestCase("/host/migration", "host_migration", Access.Protected, "host")]
    [TestCase("/instance", "instance", Access.Shared, null)]
    [TestCase("/orphan", "orphan", Access.Protected, null)]
    [TestCase("/tenant", "tenant", Access.TenantUser, null)]
    [TestCase("/tenant/instance", "instance", Access.TenantUser, "tenant")]
    [TestCase("/tenant/instance/event", "event", Access.TenantUser, "instance")]
    [TestCase("/metering", "metering", Access.Protected, null)]
    [TestCase("/migration", "migration", Access.Protected, null)]
    [TestCase("/tenant/metering", "metering", Access.TenantReadOnly, "tenant")]
    [TestCase("/tenant/quota", "quota", Access.TenantReadOnly, "tenant")]
    [TestCase("/tenant/member", "member", Access.TenantOwner, "tenant")]
    [TestCase("/host/bond", "bond", Access.Protected, "host")]
    [TestCase("/host/bond/nic", "nic", Access.Protected, "bond")]
    [TestCase("/host/bond/role", "net_role", Access.Protected, "bond")]
    [TestCase("/host/bond-status", "host_bond", Access.Protected, "host")]
    [TestCase("/host/nic", "nic", Access.Protected, "host")]
    [TestCase("/host/nic-status", "host_nic", Access.Protected, "host")]
    [TestCase("/host/role-status", "host_net_role", Access.Protected, "host")]
    [TestCase("/host/switch", "host_switch", Access.Protected, "host")]
    [TestCase("/host/vlan", "host_vlan", Access.Protected, "host")]
    [TestCase("/host/vnic", "host_vnic", Access.Protected, "host")]
    [TestCase("/instance/vnic", "vnic", Access.Shared, "instance")]
    [TestCase("/switch", "switch", Access.Shared, null)]
    [TestCase("/switch/network", "network", Access.Shared, "switch")]
    [TestCase("/switch/network/address", "address", Access.Protected, "network")]
    [TestCase("/switch/network/route", "route", Access.Shared, "network")]
    [TestCase("/switch/port", "switch_port", Access.Protected, "switch")]
    [TestCase("/switch/vnic", "vnic", Access.Protected, "switch")]
    [TestCase("/tenant/instance/vnic", "vnic", Access.TenantUser, "instance")]
    [TestCase("/tenant/instance/vnic/address", "address", Access.TenantUser, "vnic")]
    [TestCase("/tenant/instance/vnic/security-group", "vnic_security_group", Access.TenantUser, "vnic")]
    [TestCase("/tenant/security-group", "security_group", Access.TenantUser, "tenant")]
    [TestCase("/tenant/security-group/rule", "security_rule", Access.TenantUser, "security_group")]
    [TestCase("/tenant/security-group/vnic", "vnic_security_group", Access.TenantUser, "security_group")]
    [TestCase("/tenant/switch", "switch", Access.TenantUser, "tenant")]
    [TestCase("/tenant/switch/network", "network", Access.TenantUser, "switch")]
    [TestCase("/tenant/switch/network/address", "address", Access.TenantUser, "network")]
    [TestCase("/tenant/switch/network/route", "route", Access.TenantUser, "network")]
    [TestCase("/tenant/switch/vnic", "vnic", Access.TenantUser, "switch")]
    [TestCase("/user", "user", Access.UserReadWrite, null)]
    [TestCase("/user/member", "member", Access.UserReadOnly, "user")]
    [TestCase("/disk", "disk", Access.Protected, null)]
    [TestCase("/disk/extent", "extent", Access.Protected, "disk")]
    [TestCase("/host/cpu-profile", "host_cpu_profile", Access.Protected, "host")]
    [TestCase("/host/disk", "host_disk", Access.Protected, "host")]
    [TestCase("/host/extent", "host_extent", Access.Protected, "host")]
    [TestCase("/host/image", "host_image", Access.Protected, "host")]
    [TestCase("/host/orphan", "host_orphan", Access.Protected, "host")]
    [TestCase("/host/snapshot", "host_snapshot", Access.Protected, "host")]
    [TestCase("/host/storage-pool", "host_storage_pool", Access.Protected, "host")]
    [TestCase("/host/tombstone", "host_tombstone", Access.Protected, "host")]
    [TestCase("/host/volume", "host_volume", Access.Protected, "host")]
    [TestCase("/host/volume-copy", "host_volume_copy", Access.Protected, "host")]
    [TestCase("/image", "image", Access.Shared, null)]
    [TestCase("/image/copy", "image_copy", Access.Protected, "image")]
    [TestCase("/image/volume", "volume", Access.Protected, "image")]
    [TestCase("/instance/vdisk", "vdisk", Access.Shared, "instance")]
    [TestCase("/pool", "storage_pool", Access.Shared, null)]
    [TestCase("/storage-pool", "storage_pool", Access.Protected, null)]
    [TestCase("/storage-pool/disk", "disk", Access.Protected, "storage_pool")]
    [TestCase("/storage-pool/extent", "extent", Access.Protected, "storage_pool")]
    [TestCase("/storage-pool/host", "host_storage_pool", Access.Protected, "storage_pool")]
    [TestCase("/storage-pool/image-copy", "image_copy", Access.Protected, "storage_pool")]
    [TestCase("/storage-pool/orphan", "orphan", Access.Protected, "storage_pool")]
    [TestCase("/storage-pool/tombstone", "tombstone", Access.Protected, "storage_pool")]
    [TestCase("/storage-pool/volume", "volume", Access.Protected, "storage_pool")]
    [TestCase("/tenant/affinity-group", "affinity_group", Access.TenantUser, "tenant")]
    [TestCase("/tenant/affinity-group/instance", "affinity_group_instance", Access.TenantUser, "affinity_group")]
    [TestCase("/tenant/image", "image", Access.TenantUser, "tenant")]
    [TestCase("/tenant/image/volume", "volume", Access.TenantUser, "image")]
    [TestCase("/tenant/instance/affinity-group", "affinity_group_instance", Access.TenantUser, "instance")]
    [TestCase("/tenant/instance/snapshot", "snapshot", Access.TenantUser, "instance")]
    [TestCase("/tenant/instance/vdisk", "vdisk", Access.TenantUser, "instance")]
    [TestCase("/tenant/volume", "volume", Access.TenantUser, "tenant")]
    [TestCase("/tenant/volume/snapshot", "snapshot", Access.TenantUser, "volume")]
    [TestCase("/tenant/volume/vdisk", "vdisk", Access.TenantUser, "volume")]
    [TestCase("/tombstone", "tombstone", Access.Protected, null)]
    public void The_API_shows(string path, string entity, Access access, string? parentColumn)
    {
        var (found, mount) = Catalog.FindMount(path)!.Value;
        Assert.That((found.Name, mount.Access, mount.ParentColumn), Is.EqualTo((entity, access, parentColumn)));
        Assert.That(Catalog.Mounts, Has.Count.EqualTo(85), "every mount has a case above");
    }

    [Test]
    public void A_tenant_does_not_see_hosts_in_its_events() =>
        Assert.That(Catalog.FindMount("/tenant/instance/event")!.Value.Mount.Hidden, Is.EquivalentTo(["host", "data"]));

    [Test]
    public void A_tenant_does_not_see_where_a_pool_is_and_how_full()
    {
        var entity = Catalog["storage_pool"];
        Assert.That(
            entity.Desired!.Columns.Concat(entity.Current!.Columns).Where(column => !column.IsSecret).Select(column => column.Name)
                .Except(Catalog.FindMount("/pool")!.Value.Mount.Hidden),
            Is.EquivalentTo(["uuid", "name", "type", "shareable", "size"]));
    }

    [Test]
    public void A_hidden_column_is_a_column()
    {
        foreach (var (entity, mount) in Catalog.Mounts)
            Assert.That(mount.Hidden, Is.SubsetOf(Columns.Where(pair => pair.Entity == entity).Select(pair => pair.Column.Name)), mount.Path);
    }

    [Test]
    public void Only_passwords_and_what_opens_storage_are_secret_and_hosts_know_the_latter()
    {
        Assert.That(Columns.Where(pair => pair.Column.IsSecret).Select(Named), Is.EquivalentTo(["user.data", "storage_pool.secret", "host.transfer_token", "host_migration.ticket", "host_migration.ticket"]));
        Assert.That(Columns.Where(pair => !pair.Column.IsSentToHosts).Select(Named), Is.EqualTo(["user.data"]));
        Assert.That(Columns.Where(pair => pair.Column.IsPassword).Select(Named), Is.EqualTo(["user.data"]));
    }

    [Test]
    public void A_secret_need_not_be_given_since_no_message_holds_it() =>
        Assert.That(Columns.Where(pair => pair.Column.IsSecret && (pair.Column.IsRequired || !pair.Column.IsNullable)), Is.Empty);

    [Test]
    public void Only_operators_let_tenants_in_make_operators_touch_the_physical_network_and_say_what_is_made() => Assert.That(
        Columns.Where(pair => pair.Column.IsOperatorOnly).Select(Named), Is.EquivalentTo([
            "tenant.approved", "user.alicorn", "switch.type", "switch.tag", "network.floating",
            "volume.cleared", "volume.content", "volume.generation", "volume.generations", "volume.reverts", "volume.unit",
        ]));

    [Test]
    public void What_belongs_to_a_tenant_stays_there() => Assert.That(
        Columns.Where(pair => pair.Column.IsImmutable).Select(Named), Is.EquivalentTo([
            "instance.template", "instance.tenant", "member.tenant", "member.user",
            "address.network", "bond.host", "net_role.bond", "network.switch", "route.network", "switch.tenant", "vnic.instance",
            "security_group.tenant", "security_rule.security_group", "vnic_security_group.vnic", "vnic_security_group.security_group",
            "image.tenant", "volume.tenant", "affinity_group.tenant", "storage_pool.type",
            "affinity_group_instance.affinity_group", "affinity_group_instance.instance", "snapshot.volume", "snapshot.instance",
            "quota.tenant", "quota.type", "quota.storage_pool", "quota.cpu_profile", "quota.network",
            "image_copy.image", "image_copy.storage_pool",
            "tombstone.type", "tombstone.target", "tombstone.volume", "tombstone.storage_pool", "tombstone.unit",
        ]));

    [Test]
    public void The_platform_alone_writes_events_and_places() => Assert.That(
        Catalog.All.Where(entity => entity.IsWrittenByPlatform).Select(entity => entity.Name),
        Is.EqualTo(["event", "host_instance", "host_volume", "host_volume_copy", "image_copy", "metering", "revocation"]));

    [Test]
    public void A_host_reports_itself_and_what_it_has() => Assert.That(
        Catalog.All.Where(entity => entity.ReportedBy is not null).Select(entity => (entity.Name, entity.ReportedBy)),
        Is.EqualTo([
            ("host", "uuid"), ("host_bond", "host"), ("host_cpu_profile", "host"), ("host_disk", "host"),
            ("host_extent", "host"), ("host_image", "host"), ("host_instance", "host"), ("host_migration", "host"), ("host_net_role", "host"),
            ("host_nic", "host"), ("host_orphan", "host"), ("host_snapshot", "host"), ("host_storage_pool", "host"),
            ("host_switch", "host"), ("host_tombstone", "host"), ("host_vlan", "host"), ("host_vnic", "host"), ("host_volume", "host"),
            ("host_volume_copy", "host"),
        ]));

    [Test]
    public void A_host_is_sent_itself_its_instances_and_what_those_need()
    {
        (string, HostScope)[] expected =
        [
            ("address", new HostScope.RefersTo("vnic")),
            ("bond", new HostScope.NamedBy("host")),
            ("cpu_profile", new HostScope.ReferencedBy("instance", "cpu_profile")),
            ("disk", new HostScope.RefersTo("storage_pool")),
            ("extent", new HostScope.RefersTo("volume")),
            ("extent", new HostScope.RefersTo("tombstone")),
            ("host", new HostScope.NamedBy("uuid")),
            ("host_instance", new HostScope.NamedBy("host")),
            ("host_migration", new HostScope.NamedBy("host")),
            ("host_storage_pool", new HostScope.NamedBy("host")),
            ("host_volume", new HostScope.NamedBy("host")),
            ("host_volume_copy", new HostScope.NamedBy("host")),
            ("image", new HostScope.ReferencedBy("vdisk", "image")),
            ("image", new HostScope.ReferencedBy("volume", "base_image")),
            ("image", new HostScope.ReferencedBy("image_copy", "image")),
            ("image_copy", new HostScope.NamedBy("host")),
            ("instance", new HostScope.ReferencedBy("host_instance", "instance")),
            ("instance", new HostScope.ReferencedBy("host_migration", "instance")),
            ("net_role", new HostScope.RefersTo("bond")),
            ("network", new HostScope.RefersTo("switch")),
            ("network", new HostScope.ReferencedBy("address", "network")),
            ("nic", new HostScope.NamedBy("host")),
            ("route", new HostScope.RefersTo("network")),
            ("security_group", new HostScope.ReferencedBy("vnic_security_group", "security_group")),
            ("security_rule", new HostScope.RefersTo("security_group")),
            ("snapshot", new HostScope.RefersTo("volume")),
            ("snapshot", new HostScope.RefersTo("instance")),
            ("storage_pool", new HostScope.ReferencedBy("volume", "storage_pool")),
            ("storage_pool", new HostScope.ReferencedBy("host_storage_pool", "storage_pool")),
            ("storage_pool", new HostScope.ReferencedBy("image_copy", "storage_pool")),
            ("storage_pool", new HostScope.ReferencedBy("tombstone", "storage_pool")),
            ("switch", new HostScope.ReferencedBy("vnic", "switch")),
            ("switch_port", new HostScope.RefersTo("switch")),
            ("tombstone", new HostScope.NamedBy("host")),
            ("vdisk", new HostScope.RefersTo("instance")),
            ("vnic", new HostScope.RefersTo("instance")),
            ("vnic_security_group", new HostScope.RefersTo("vnic")),
            ("volume", new HostScope.ReferencedBy("vdisk", "volume")),
            ("volume", new HostScope.ReferencedBy("host_volume", "volume")),
            ("volume", new HostScope.ReferencedBy("host_volume", "source_volume")),
            ("volume", new HostScope.ReferencedBy("host_volume_copy", "volume")),
        ];
        Assert.That(
            Catalog.All.SelectMany(entity => entity.Scopes.Select(scope => (entity.Name, scope))),
            Is.EqualTo(expected));
    }

    [TestCase("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", true)]
    [TestCase("0000000000000000000000000000000000000000", true)]
    [TestCase("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf", false, Description = "39 characters")]
    [TestCase("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf77", false, Description = "41 characters")]
    [TestCase("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf_", false, Description = "an underscore is none of the 85")]
    [TestCase("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf ", false)]
    [TestCase("rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf\"", false)]
    public void A_key_of_an_agent_is_40_characters_of_Z85(string key, bool isGood) =>
        Assert.That(Regex.IsMatch(key, Catalog["host"].Desired!.Column("agent_key")!.Pattern!), Is.EqualTo(isGood));

    [Test]
    public void A_reference_has_the_type_of_the_key_that_it_holds_and_its_name()
    {
        foreach (var (entity, column) in Columns.Where(pair => pair.Column.References is not null))
        {
            var target = Catalog[column.References!];
            // A second reference to the same entity says in front what it is for.
            Assert.That(column.Name == target.Name || column.Name.EndsWith($"_{target.Name}", StringComparison.Ordinal), $"{entity}.{column}");
            Assert.That(target.KeyColumns, Has.Count.EqualTo(1));
            Assert.That(target.Desired!.Column(target.KeyColumns[0])!.Type, Is.EqualTo(column.Type), $"{entity}.{column}");
            Assert.That(entity.Indexes, Does.Contain(column.Name), $"{entity}.{column} is followed backwards");
        }
    }

    [Test]
    public void A_key_is_required_and_not_null()
    {
        foreach (var (entity, column) in Columns.Where(pair => pair.Entity.KeyColumns.Contains(pair.Column.Name)))
            Assert.That((column.IsRequired, column.IsNullable), Is.EqualTo((true, false)), $"{entity}.{column}");
    }

    [Test]
    public void A_default_is_within_its_limits()
    {
        foreach (var (entity, column) in Columns.Where(pair => pair.Column is { Minimum: not null, IsRequired: false }))
        {
            var part = entity.Desired!.Columns.Contains(column) ? entity.Desired : entity.Current!;
            if (column.Get(part.New()) is { } value)
                Assert.That(Convert.ToInt64(value), Is.InRange(column.Minimum!, column.Maximum!), $"{entity}.{column}");
        }
    }

    [Test]
    public void A_new_instance_is_stopped_and_a_new_host_takes_instances()
    {
        Assert.That(new InstanceDesired { Uuid = default, Tenant = default, Name = "a", Mem = 16 }.State, Is.EqualTo(InstanceState.Stopped));
        Assert.That(new HostDesired { Uuid = default, Name = "a" }.State, Is.EqualTo(HostState.Present));
        Assert.That(new TenantDesired { Uuid = default, Name = "a" }.Approved, Is.False);
        Assert.That(new UserDesired { Email = "a@b" }.Alicorn, Is.False);
    }

    private static string Named((Entity Entity, Column Column) pair) => $"{pair.Entity}.{pair.Column}";

    [GeneratedRegex(@"(?m)^\s+(?<to>\w+) (?<end>\|\||\|o)--o[{|] (?<from>\w+) :")]
    private static partial Regex Relation();
}
