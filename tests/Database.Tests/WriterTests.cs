using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Database.Tests;

/// <summary>Writes that succeed, and that readers see at once.</summary>
[TestFixture]
public sealed class WriterTests
{
    private Link _link = null!;

    [SetUp]
    public async Task OpenAsync() => _link = await Link.OpenAsync(await SharedServer.Server.CreateDatabaseAsync());

    [TearDown]
    public async Task CloseAsync() => await _link.DisposeAsync();

    [Test]
    public async Task A_row_of_every_entity_comes_back_as_the_record_that_was_written()
    {
        var tenant = Rows.Tenant();
        var host = Rows.Host() with { Info = "rack 4,\n\"left\" \\ {ü}", AgentKey = @"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7" };
        var profile = Rows.CpuProfile();
        var user = Rows.User() with { Data = JsonText.Parse("""{"hash":"x"}"""), Alicorn = true };
        var instance = Rows.Instance(tenant) with
        {
            CpuProfile = profile.Uuid,
            State = InstanceState.Running,
            Ns = TextList.Of(["192.0.2.53", "2001:db8::53"]),
            SshKeys = TextList.Of(["ssh-ed25519 AAAA= \"Twilight\"", "ssh-rsa é"]),
            UserData = "#cloud-config\n",
        };
        var bond = Rows.Bond(host);
        var on = Rows.Switch(tenant) with { Tag = 4711 };
        var network = Rows.Network(on) with { Gateway = "198.51.100.1", Ns = TextList.Of(["2001:db8::53"]) };
        var vnic = Rows.Vnic(instance, on) with { Macaddr = "52:54:00:12:ab:ff", Index = 3, Model = VnicModel.E1000e };
        var image = new ImageDesired
        {
            Uuid = Guid.NewGuid(),
            Tenant = tenant.Uuid,
            Name = "golden é",
            Type = ImageType.Cdrom,
            SourceUri = "https://example.org/a?b=c",
        };
        var pool = new StoragePoolDesired
        {
            Uuid = Guid.NewGuid(),
            Name = "san",
            Type = StoragePoolType.SharedLvm,
            Config = JsonText.Parse("""{"name":"vg"}"""),
            Size = 1_073_741_824,
        };
        var disk = new DiskDesired
        {
            Id = "wwn-0x5000.c500:a",
            Type = DiskType.Iscsi,
            Targets = TextList.Of(["[2001:db8::1]:3260/iqn.2001-04.com.example:disk/0"]),
            StoragePool = pool.Uuid,
            Size = 4096,
        };
        var volume = new VolumeDesired
        {
            Uuid = Guid.NewGuid(),
            Tenant = tenant.Uuid,
            Name = "root",
            Size = 1024,
            StoragePool = pool.Uuid,
            BaseImage = image.Uuid,
            Shareable = true,
        };
        var group = new AffinityGroupDesired
        {
            Uuid = Guid.NewGuid(),
            Tenant = tenant.Uuid,
            Name = "apart",
            Type = AffinityGroupType.AntiAffinity,
            Hard = true,
        };
        var security = new SecurityGroupDesired
        {
            Uuid = Guid.NewGuid(),
            Tenant = tenant.Uuid,
            Name = "web",
            Description = "What everybody reaches.",
        };
        (string Entity, object Record)[] rows =
        [
            ("image", image), ("storage_pool", pool), ("quota", Rows.Quota(tenant, pool)), ("disk", disk), ("volume", volume), ("affinity_group", group),
            ("extent", new ExtentDesired
            {
                Uuid = Guid.NewGuid(),
                StoragePool = pool.Uuid,
                Disk = disk.Id,
                Range = new LongRange(1024, 2048),
                Volume = volume.Uuid,
                Order = 7,
            }),
            ("vdisk", new VdiskDesired
            {
                Uuid = Guid.NewGuid(),
                Instance = instance.Uuid,
                Volume = volume.Uuid,
                Index = 3,
                Bus = VdiskBus.Scsi,
                Cache = VdiskCache.Writeback,
                IopsMax = 100,
                BandwidthMax = 1000,
            }),
            ("snapshot", new SnapshotDesired { Uuid = Guid.NewGuid(), Instance = instance.Uuid, Name = "before" }),
            ("affinity_group_instance", new AffinityGroupInstanceDesired
            {
                Uuid = Guid.NewGuid(),
                AffinityGroup = group.Uuid,
                Instance = instance.Uuid,
            }),
            ("host_storage_pool", new HostStoragePoolDesired { Host = host.Uuid, StoragePool = pool.Uuid, Steward = true }),
            ("host_volume", new HostVolumeDesired { Host = host.Uuid, Volume = volume.Uuid, SourceVolume = volume.Uuid }),
            ("host_volume_copy", new HostVolumeCopyDesired
            {
                Host = host.Uuid,
                Volume = volume.Uuid,
                Instance = instance.Uuid,
                Fill = CopyFill.Hypervisor,
                Generation = 2,
            }),
            ("image_copy", new ImageCopyDesired { Uuid = Guid.NewGuid(), Image = image.Uuid, StoragePool = pool.Uuid, Host = host.Uuid }),
            ("tombstone", new TombstoneDesired
            {
                Uuid = Guid.NewGuid(),
                Target = "images/orphan",
                StoragePool = pool.Uuid,
                Host = host.Uuid,
                Unit = 7,
                Size = 1024,
                Done = true,
            }),
            ("revocation", new RevocationDesired { Uuid = Guid.NewGuid(), Expires = DateTimeOffset.UnixEpoch.AddYears(90) }),
            ("bond", bond), ("nic", Rows.Nic(host) with { Bond = bond.Uuid }), ("net_role", Rows.NetRole(bond)),
            ("switch", on), ("network", network), ("route", Rows.Route(network)), ("vnic", vnic),
            ("address", Rows.Address(network) with { Vnic = vnic.Uuid, Ip = "198.51.100.7", Ptr = "www.example.org." }),
            ("security_group", security), ("vnic_security_group", new VnicSecurityGroupDesired
            {
                Uuid = Guid.NewGuid(),
                Vnic = vnic.Uuid,
                SecurityGroup = security.Uuid,
            }),
            ("security_rule", new SecurityRuleDesired
            {
                Uuid = Guid.NewGuid(),
                SecurityGroup = security.Uuid,
                Direction = SecurityDirection.Egress,
                Protocol = SecurityProtocol.Udp,
                PortFrom = 53,
                PortTo = 54,
                RemoteRange = "2001:db8::/32",
            }),
            ("host", host), ("tenant", tenant), ("cpu_profile", profile), ("user", user), ("member", Rows.Member(user, tenant)),
            ("instance", instance), ("host_instance", Rows.Place(host, instance)), ("event", Rows.Event()),
            ("migration", new MigrationDesired { Instance = instance.Uuid, DestinationHost = host.Uuid }),
            ("metering", new MeteringDesired
            {
                Uuid = Guid.NewGuid(),
                Tenant = tenant.Uuid,
                Type = ResourceType.Ips,
                Kind = JsonText.Parse("""{"ip":"192.0.2.1"}"""),
                Amount = 1,
                Target = Guid.NewGuid(),
                Start = DateTimeOffset.UnixEpoch,
                End = DateTimeOffset.UnixEpoch.AddDays(1),
            }),
            ("enrolment", Rows.Enrolment() with { Name = "cloudsdale", Host = Guid.NewGuid() }),
            ("config", Rows.Config("overcommit.cpu", """{"z": 1e3, "a": null, "a": [ 1 ] }""")),
        ];
        Assert.That(rows.Select(row => row.Entity), Is.EquivalentTo(Link.Catalog.InDependencyOrder.Select(entity => entity.Name)));

        await _link.InsertAsync(rows);

        using (Assert.EnterMultipleScope())
        {
            // The copy of the volume was given the next number.
            foreach (var (entity, record) in rows.Select(row => (row.Entity, row.Record is VolumeDesired written ? written with { Generations = 2 } : row.Record)))
                Assert.That(_link.State.Find<object>(entity, Link.Catalog[entity].KeyOf(RowPart.Desired, record)), Is.EqualTo(record));
        }
        Assert.That(_link.State.Transactions, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_load_gives_the_same_records_as_the_change_stream()
    {
        var tenant = Rows.Tenant();
        var config = Rows.Config("a", """{"z": 1e3, "a": null, "ü": "\u00fc" }""");
        await _link.InsertAsync(
            ("tenant", tenant), ("instance", Rows.Instance(tenant)), ("event", Rows.Event()), ("config", config), ("cpu_profile", Rows.CpuProfile()));

        await _link.DisposeAsync();
        await using var second = await Link.OpenAsync(_link.ConnectionString);

        Assert.That(second.State.All<object>(), Is.EquivalentTo(_link.State.All<object>()));
        // That there is an instance is metered.
        Assert.That(second.State.All<object>(), Has.Count.EqualTo(6));
    }

    [Test]
    public void Whoever_sees_the_database_loaded_may_write() => Assert.That(_link.WhyNoWritesAtLoad, Is.Null);

    [Test]
    public async Task Inserts_may_come_in_any_order()
    {
        var tenant = Rows.Tenant();
        var host = Rows.Host();
        var instance = Rows.Instance(tenant);

        await _link.InsertAsync(("host_instance", Rows.Place(host, instance)), ("instance", instance), ("host", host), ("tenant", tenant));

        Assert.That(_link.State.Count("host_instance"), Is.EqualTo(1));
    }

    [Test]
    public async Task An_update_writes_only_what_differs()
    {
        var tenant = Rows.Tenant();
        await _link.InsertAsync(("tenant", tenant));
        await _link.ExecuteAsync("""
            CREATE TABLE audit (what text);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (TG_ARGV[0]); RETURN NEW; END $$;
            CREATE TRIGGER named AFTER UPDATE OF name ON tenant FOR EACH ROW EXECUTE FUNCTION note('name');
            CREATE TRIGGER approved AFTER UPDATE OF approved ON tenant FOR EACH ROW EXECUTE FUNCTION note('approved');
            """);

        await _link.UpdateAsync("tenant", tenant, tenant with { Approved = true });

        Assert.That(_link.State.Find<TenantDesired>("tenant", RowKey.Of(tenant.Uuid)), Is.EqualTo(tenant with { Approved = true }));
        await _link.ExecuteAsync("DO $$ BEGIN ASSERT (SELECT array_agg(what) FROM audit) = ARRAY['approved']; END $$");
    }

    [Test]
    public async Task An_update_that_changes_nothing_succeeds()
    {
        var tenant = Rows.Tenant();
        await _link.InsertAsync(("tenant", tenant));

        await _link.UpdateAsync("tenant", tenant, tenant);

        Assert.That(_link.State.Find<TenantDesired>("tenant", RowKey.Of(tenant.Uuid)), Is.EqualTo(tenant));
    }

    [Test]
    public async Task A_user_who_gets_another_address_keeps_the_memberships()
    {
        var (user, tenant) = (Rows.User(), Rows.Tenant());
        await _link.InsertAsync(("user", user), ("tenant", tenant), ("member", Rows.Member(user, tenant)));

        await _link.UpdateAsync("user", user, user with { Email = "other@example.org" });

        Assert.That(_link.State.All<UserDesired>().Single().Email, Is.EqualTo("other@example.org"));
        Assert.That(_link.State.All<MemberDesired>().Single().User, Is.EqualTo("other@example.org"));
    }

    [Test]
    public async Task A_tenant_that_goes_takes_everything_along()
    {
        var (tenant, host, user) = (Rows.Tenant(), Rows.Host(), Rows.User());
        var instance = Rows.Instance(tenant);
        await _link.InsertAsync(
            ("tenant", tenant), ("host", host), ("user", user), ("member", Rows.Member(user, tenant)), ("instance", instance),
            ("host_instance", Rows.Place(host, instance)));

        await _link.DeleteAsync("tenant", RowKey.Of(tenant.Uuid));

        Assert.That(_link.State.All<object>().Where(row => row is not MeteringDesired), Is.EquivalentTo(new object[] { host, user }));
    }

    [Test]
    public async Task A_row_that_is_gone_already_can_be_deleted()
    {
        await _link.DeleteAsync("tenant", RowKey.Of(Guid.NewGuid()));

        Assert.That(_link.State.Count("tenant"), Is.Zero);
    }

    [Test]
    public async Task Of_two_that_use_up_a_row_at_once_only_one_writes_what_it_gives_for_it()
    {
        var enrolment = Rows.Enrolment();
        await _link.InsertAsync(("enrolment", enrolment));
        var (table, key) = (Link.Catalog["enrolment"], RowKey.Of(enrolment.Hash));
        HostDesired[] hosts = [.. Enumerable.Range(0, 8).Select(_ => Rows.Host())];

        var ends = await Task.WhenAll(hosts.Select(async host =>
        {
            try
            {
                await _link.Writer.WriteAsync(
                    [
                        new RowWrite.Update(table, key, enrolment, enrolment),
                        new RowWrite.Delete(table, key),
                        new RowWrite.Insert(Link.Catalog["host"], host),
                    ],
                    CancellationToken.None);
                return host;
            }
            catch (ConcurrentChangeException)
            {
                return null;
            }
        }));

        Assert.That(_link.State.All<object>(), Is.EqualTo(ends.OfType<HostDesired>()));
        Assert.That(ends.OfType<HostDesired>(), Has.Exactly(1).Items);
    }

    [Test]
    public async Task A_row_that_changed_meanwhile_is_not_overwritten()
    {
        var tenant = Rows.Tenant();
        await _link.InsertAsync(("tenant", tenant));
        await _link.ExecuteAsync("UPDATE tenant SET name = 'Canterlot'");

        Assert.That(
            () => _link.UpdateAsync("tenant", tenant, tenant with { Approved = true }),
            Throws.TypeOf<ConcurrentChangeException>().With.Property(nameof(ConcurrentChangeException.Write)).Zero);
        Assert.That(
            () => _link.UpdateAsync("tenant", Rows.Tenant(), Rows.Tenant()), Throws.TypeOf<ConcurrentChangeException>());
    }

    [Test]
    public async Task Of_many_writers_on_one_row_one_succeeds_for_each_state_of_it()
    {
        var tenant = Rows.Tenant("0");
        await _link.InsertAsync(("tenant", tenant));

        async Task<int> RaiseAsync()
        {
            for (var thwarted = 0; ; thwarted++)
            {
                var now = _link.State.Find<TenantDesired>("tenant", RowKey.Of(tenant.Uuid))!;
                try
                {
                    await _link.UpdateAsync("tenant", now, now with { Name = $"{int.Parse(now.Name) + 1}" });
                    return thwarted;
                }
                catch (ConcurrentChangeException)
                {
                    Assert.That(thwarted, Is.LessThan(1000));
                }
            }
        }

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(RaiseAsync)));

        Assert.That(_link.State.Find<TenantDesired>("tenant", RowKey.Of(tenant.Uuid))!.Name, Is.EqualTo("8"));
    }

    [Test]
    public async Task Writers_that_deadlock_try_again()
    {
        var (one, two) = (Rows.Tenant("0"), Rows.Tenant("0"));
        await _link.InsertAsync(("tenant", one), ("tenant", two));
        var entity = Link.Catalog["tenant"];

        // Deletes need no expected row, so each attempt of either order can succeed, and each locks both rows.
        async Task DeleteBothAsync(TenantDesired first, TenantDesired second) => await _link.Writer.WriteAsync(
            [new RowWrite.Delete(entity, RowKey.Of(first.Uuid)), new RowWrite.Delete(entity, RowKey.Of(second.Uuid))], CancellationToken.None);

        await _link.ExecuteAsync("""
            CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN OLD; END $$;
            CREATE TRIGGER dawdle AFTER DELETE ON tenant FOR EACH ROW EXECUTE FUNCTION dawdle();
            """);
        await Task.WhenAll(DeleteBothAsync(one, two), DeleteBothAsync(two, one));

        Assert.That(_link.State.Count("tenant"), Is.Zero);
    }

    [Test]
    public async Task The_same_event_again_raises_its_count()
    {
        var first = Rows.Event();
        await _link.Events.RecordAsync([first, Rows.Event('b')], CancellationToken.None);

        await _link.Events.RecordAsync(
            [first with { Mtime = first.Mtime.AddTicks(17), Count = 3, Data = null, Severity = EventSeverity.Error }], CancellationToken.None);

        await _link.State.WaitForAsync(state => state.Transactions.Count == 2, "both writes came");
        Assert.That(
            _link.State.Find<EventDesired>("event", RowKey.Of(first.Hash)),
            // PostgreSQL keeps microseconds, which are ten ticks.
            Is.EqualTo(first with { Mtime = first.Mtime.AddTicks(10), Count = 4, Data = null, Severity = EventSeverity.Error }));
        Assert.That(_link.State.Count("event"), Is.EqualTo(2));
    }
}
