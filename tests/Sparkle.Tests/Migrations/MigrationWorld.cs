using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;

namespace PonyCloud.Sparkle.Tests.Migrations;

/// <summary>
/// Three hosts, a controller and a database on one thread: a seed decides what is ordered, what fails, and what comes first. After each
/// step at most one copy of the guest runs, and it is the newest.
/// </summary>
internal sealed class MigrationWorld
{
    private static readonly EntityCatalog Catalog = EntityCatalog.Load();
    private static readonly Guid Instance = Number(100);
    private static readonly Guid Tenant = Number(99);
    private static readonly Guid Volume = Number(98);
    private static readonly Guid Pool = Number(97);

    private readonly Random _random;
    private readonly ModelDatabase _database;
    private readonly GuestLedger _guest = new();
    private readonly DiskLedger _disk = new();
    private readonly List<Link> _links = [];
    private readonly List<string> _trace = [];
    private ModelSparkle _sparkle;
    private int _turns;
    private bool _isReplaced;

    public MigrationWorld(int seed)
    {
        _random = new Random(seed);
        _database = new ModelDatabase(Catalog, _random);
        _database.Commit(
        [
            Set(new TenantDesired { Uuid = Tenant, Name = "movers", Approved = true }),
            Set(Wanted(InstanceState.Running)),
            .. Enumerable.Range(1, 3).Select(number => Set(Declared(Number(number)))),
            .. Enumerable.Range(1, 3).Select(number => Set(new HostStoragePoolDesired { Host = Number(number), StoragePool = Pool })),
            Set(new StoragePoolDesired
            {
                Uuid = Pool,
                Name = "own",
                Type = StoragePoolType.Dir,
                Config = JsonText.Parse("{}"),
            }),
            Set(new VolumeDesired
            {
                Uuid = Volume,
                Tenant = Tenant,
                Name = "root",
                Size = 10,
                StoragePool = Pool,
                Content = VolumeContent.Made,
            }),
            Set(new VdiskDesired { Uuid = Number(96), Instance = Instance, Volume = Volume, Index = 0 }),
            Set(new HostVolumeDesired { Host = Number(1), Volume = Volume }),
        ]);
        foreach (var number in Enumerable.Range(1, 3))
        {
            var host = new ModelHost(Number(number), Instance, Volume, _random, _guest, _disk, Reach) { Holders = IsHeldElsewhere };
            if (number == 1)
                host.Contents[1] = _disk.Newest;
            _links.Add(new Link(host));
        }
        _sparkle = Begin();
    }

    /// <summary>Whether every step is written down.</summary>
    public bool IsTraced { get; init; }

    public string Trace => string.Join('\n', _trace.TakeLast(80));

    private IEnumerable<ModelHost> Hosts => _links.Select(link => link.Host);

    /// <returns>What was broken; null for nothing.</returns>
    public string? Run(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            if (_random.Next(12) == 0)
                Disturb();
            Step();
            if (Broken() is { } broken)
                return broken;
        }
        Calm();
        for (var i = 0; i < 1500; i++)
        {
            Step();
            if (Broken() is { } broken)
                return broken;
        }
        return Settled();
    }

    private static Guid Number(int number) => new(number, 0, 0, new byte[8]);

    private static RowChange Set(object record)
    {
        var entity = Catalog.All.Single(entity => entity.Desired?.Type == record.GetType() || entity.Current?.Type == record.GetType());
        return RowChange.Set(entity, entity.Desired?.Type == record.GetType() ? RowPart.Desired : RowPart.Current, record);
    }

    private static HostDesired Declared(Guid host, HostState state = HostState.Present) => new() { Uuid = host, Name = $"host {host.ToString()[6..8]}", State = state };

    private static InstanceDesired Wanted(InstanceState state) => new()
    {
        Uuid = Instance,
        Tenant = Tenant,
        Name = "guest",
        Mem = 64,
        State = state,
    };

    private ModelSparkle Begin()
    {
        _database.Drop();
        foreach (var link in _links)
            link.Cut();
        // What a host said before it was given up nobody knows now.
        if (_database.PlaceOf(Instance) is null)
            _guest.End(_guest.Newest);
        return new ModelSparkle(Catalog, _database, _random.Next(4), () => Number(1000 + ++_turns));
    }

    private ModelHost? Reach(Guid host) => Hosts.FirstOrDefault(candidate => candidate.Uuid == host && candidate.IsOn);

    private bool IsHeldElsewhere(ModelHost host, GuestMemory memory) =>
        Hosts.Any(other => other != host && other.Domain is { IsOn: true } domain && domain.Memory == memory);

    private void Step()
    {
        switch (_random.Next(8))
        {
            case 0:
                _sparkle.Follow();
                break;
            case 1:
                _database.Step();
                break;
            case 2:
                _sparkle.Pass(TimeSpan.FromSeconds(_random.Next(3)));
                break;
            case 3 or 4:
                Links(link => link.Host.Step());
                break;
            default:
                Links(Exchange);
                break;
        }
        Look();
    }

    private void Links(Action<Link> act) => act(_links[_random.Next(_links.Count)]);

    /// <summary>One message in one of both directions; each says what is at this moment and comes later, in order.</summary>
    private void Exchange(Link link)
    {
        if (!link.IsUp)
            return;
        if (!link.IsInStep)
        {
            if (link.Host.IsOn && Stored(link.Host.Uuid) is { State: not HostState.Gone })
                Connect(link);
            return;
        }
        link.Ask(ReportOf(link.Host), OrdersFor(link.Host.Uuid));
        if (_random.Next(2) == 0 && link.TakeReport() is { } report)
            _sparkle.Hear(report);
        else if (link.TakeOrders() is { } orders)
            link.Host.Orders = orders;
    }

    private HostDesired? Stored(Guid host) => _sparkle.State[Catalog["host"]].Find(host)?.Desired as HostDesired;

    /// <summary>The host says everything anew, and then is told everything anew.</summary>
    private void Connect(Link link)
    {
        var report = ReportOf(link.Host).ToList();
        var key = link.Host.Uuid;
        _sparkle.Hear(
        [
            .. Forgotten(key).Where(change => report.TrueForAll(row => (row.Entity, row.Key) != (change.Entity, change.Key))),
            .. report,
        ]);
        link.Begin(report, OrdersFor(key));
    }

    private IEnumerable<RowChange> Forgotten(Guid host) =>
        from entity in new[] { "host", "host_instance", "host_migration", "host_storage_pool", "host_volume", "host_volume_copy" }.Select(name => Catalog[name])
        from row in _sparkle.State[entity].Rows
        where row.Current is not null && row.Key.Parts[0] == host.ToString()
        select RowChange.Remove(entity, RowPart.Current, row.Key);

    private static IEnumerable<RowChange> ReportOf(ModelHost host)
    {
        yield return Set(Heard(host));
        yield return Set(new HostStoragePoolCurrent { Host = host.Uuid, StoragePool = Pool, Status = StorageStatus.Ready, Available = 1000 });
        foreach (var stored in host.Stored)
            yield return Set(stored);
        if (host.HasHypervisor && host.Instance is { } instance)
            yield return Set(instance);
        if (host.HasHypervisor && host.Part is { } part)
            yield return Set(part);
    }

    private static HostCurrent Heard(ModelHost host) => new()
    {
        Uuid = host.Uuid,
        AgentVersion = "1",
        BootId = "boot",
        Kernel = "6.1",
        CpuModel = "cpu",
        CpuThreads = 8,
        MemoryTotal = 4096,
        Hypervisor = host.HasHypervisor ? "QEMU" : null,
        TransferEndpoint = $"https://{host.Name}:1",
        TransferFingerprint = "aa",
    };

    private ModelOrders OrdersFor(Guid host)
    {
        var key = RowKey.Of(host.ToString(), Instance.ToString());
        var state = _sparkle.State;
        return new ModelOrders(
            (state[Catalog["instance"]].Find(Instance)?.Desired as InstanceDesired)?.State,
            state[Catalog["host_instance"]].Find(key)?.Desired is not null,
            state[Catalog["host_migration"]].Find(key)?.Desired as HostMigrationDesired,
            (state[Catalog["volume"]].Find(Volume)?.Desired as VolumeDesired)!.Generation,
            state[Catalog["host_volume"]].Find(RowKey.Of(host.ToString(), Volume.ToString()))?.Desired is not null,
            state[Catalog["host_volume_copy"]].Find(RowKey.Of(host.ToString(), Volume.ToString()))?.Desired as HostVolumeCopyDesired);
    }

    private void Disturb()
    {
        var link = _links[_random.Next(_links.Count)];
        if (_random.Next(3) > 0 && Heal(link))
            return;
        switch (_random.Next(22))
        {
            case 0 or 1 or 2 or 3 or 4 or 5:
                Order(link.Host.Uuid);
                break;
            case 6 or 7:
                Withdraw();
                break;
            case 8:
                Say("stop");
                Put(InstanceState.Stopped);
                break;
            case 9 or 10:
                Say("start");
                Put(InstanceState.Running);
                break;
            case 11 when _random.Next(30) == 0:
                Say("delete");
                _database.Commit(RowChange.Remove(Catalog["instance"], RowPart.Desired, RowKey.Of(Instance)));
                break;
            case 12:
                Say($"{link.Host.Name}: agent restarts");
                link.Cut();
                link.Host.RestartAgent();
                break;
            case 13:
                Say($"{link.Host.Name}: hypervisor {(link.Host.HasHypervisor ? "dies" : "returns")}");
                if (link.Host.HasHypervisor)
                    link.Host.KillHypervisor();
                else
                    link.Host.ReturnHypervisor();
                break;
            case 14:
                Power(link);
                break;
            case 15:
                Say($"{link.Host.Name}: link {(link.IsUp ? "cut" : "back")}");
                Silence(link, link.IsUp);
                break;
            case 16:
                Say("Sparkle restarts");
                _sparkle = Begin();
                break;
            case 17:
                Say("database goes or returns");
                _database.SetUp(!_database.Database.IsUp);
                break;
            case 18:
                Say($"{link.Host.Name}: guest ends");
                link.Host.EndGuest();
                break;
            case 19:
                link.Host.CutCopy();
                break;
            case 20:
                GiveUp(link);
                break;
            default:
                Say($"{link.Host.Name}: connects anew");
                link.Cut();
                break;
        }
    }

    /// <summary>What is broken is mended, more often than something else breaks.</summary>
    private bool Heal(Link link)
    {
        if (!_database.Database.IsUp)
        {
            Say("database returns");
            _database.SetUp(true);
        }
        else if (Declared(link) is { State: HostState.Gone })
        {
            GiveUp(link);
        }
        else if (!link.Host.IsOn)
        {
            if (_random.Next(4) == 0)
                GiveUp(link);
            else
                Power(link);
        }
        else if (!link.IsUp)
        {
            Say($"{link.Host.Name}: link back");
            link.IsUp = true;
        }
        else if (!link.Host.HasHypervisor)
        {
            Say($"{link.Host.Name}: hypervisor returns");
            link.Host.ReturnHypervisor();
        }
        else
        {
            return false;
        }
        return true;
    }

    private void Order(Guid host)
    {
        if (_database.Find<InstanceDesired>("instance", Instance) is null)
            return;
        Say($"to {host.ToString()[6..8]}");
        _database.Commit(Set(new MigrationDesired { Instance = Instance, DestinationHost = host }));
    }

    private void Withdraw()
    {
        if (_database.Find<MigrationDesired>("migration", Instance) is null)
            return;
        Say("withdrawn");
        _database.Commit(RowChange.Remove(Catalog["migration"], RowPart.Desired, RowKey.Of(Instance)));
    }

    private void Put(InstanceState state)
    {
        if (_database.Find<InstanceDesired>("instance", Instance) is not null)
            _database.Commit(Set(Wanted(state)));
    }

    private void Power(Link link)
    {
        Say($"{link.Host.Name}: power {(link.Host.IsOn ? "off" : "on")}");
        if (link.Host.IsOn)
        {
            link.Host.PowerOff();
            Silence(link, isSilent: true);
        }
        else if (Declared(link) is { State: not HostState.Gone })
        {
            link.Host.PowerOn();
            link.Host.ReturnHypervisor();
            link.IsUp = true;
        }
    }

    /// <summary>Whoever is given up is off, and comes back with nothing.</summary>
    private void GiveUp(Link link)
    {
        if (Declared(link) is { State: HostState.Gone })
        {
            Say($"{link.Host.Name}: declared again");
            // Who does that has seen that it is gone.
            while (_database.Seen < _database.Commits.Count)
                _sparkle.Follow();
            link.Host.Wipe();
            _database.Commit(Set(Declared(link.Host.Uuid)), Set(new HostStoragePoolDesired { Host = link.Host.Uuid, StoragePool = Pool }));
            Replace(link.Host);
        }
        else if (!link.Host.IsOn)
        {
            Say($"{link.Host.Name}: gone");
            if (HeardOf(link.Host) is not { Status: HostMigrationStatus.Left, PeerHost: not null } && link.Host.Domain is { Mark: Mark.Left or Mark.Leaving } left)
                _guest.End(left.Memory);
            _database.Commit(Set(Declared(link.Host.Uuid, HostState.Gone)));
        }
    }

    /// <summary>What was lost with a host is lost. So that there is something to go on with, the volume is filled anew there.</summary>
    private void Replace(ModelHost host)
    {
        if (_database.KeeperOf(Volume) is not null || Hosts.Any(other => other.Domain is not null) || _database.PlaceOf(Instance) is not null)
            return;
        var volume = _database.Find<VolumeDesired>("volume", Volume)!;
        var generation = volume.Generations + 1;
        Say($"{host.Name}: filled anew");
        _isReplaced = true;
        host.Contents[generation] = _disk.Replace();
        _database.Commit(
        [
            Set(volume with { Generation = generation, Generations = generation }),
            Set(new HostVolumeDesired { Host = host.Uuid, Volume = Volume }),
            // As the schema does: whoever keeps it anew outdates what was fetched.
            .. _database.Newest[Catalog["host_volume_copy"]].Rows.Where(row => row.Desired is not null)
                .Select(row => RowChange.Remove(Catalog["host_volume_copy"], RowPart.Desired, row.Key)),
        ]);
    }

    private HostMigrationCurrent? HeardOf(ModelHost host) =>
        _sparkle.State[Catalog["host_migration"]].Find(RowKey.Of(host.Uuid.ToString(), Instance.ToString()))?.Current as HostMigrationCurrent;

    private HostDesired? Declared(Link link) => _database.Find<HostDesired>("host", link.Host.Uuid);

    private void Silence(Link link, bool isSilent)
    {
        link.IsUp = !isSilent;
        if (!isSilent)
            return;
        link.Cut();
        if (_sparkle.State[Catalog["host"]].Find(link.Host.Uuid)?.Current is HostCurrent current)
            _sparkle.Hear(Set(current with { Status = HostStatus.Unreachable, LastSeen = DateTimeOffset.UnixEpoch }));
    }

    /// <summary>Nothing fails any more, and everybody is there.</summary>
    private void Calm()
    {
        _database.SetUp(true);
        _database.Fails = false;
        foreach (var link in _links)
        {
            if (Declared(link) is { State: HostState.Gone })
                GiveUp(link);
            link.Host.PowerOn();
            link.Host.ReturnHypervisor();
            link.IsUp = true;
        }
        Say("calm");
    }

    private string? Broken()
    {
        if ((_guest.Violation ?? _disk.Violation) is { } violation)
            return violation;
        var volume = _database.Find<VolumeDesired>("volume", Volume)!;
        var content = $"volume-{Volume}.{volume.Generation}";
        if (_database.KeeperOf(Volume) is { } keeper && _database.Newest[Catalog["tombstone"]].Rows.Select(row => row.Desired).OfType<TombstoneDesired>()
            .Any(tombstone => tombstone.Host == keeper && tombstone.Target == content))
            return $"What {keeper} keeps is to be removed there.";
        var running = Hosts.Where(host => host.IsRunning).Select(host => host.Name).ToList();
        return running.Count > 1 ? $"It runs on {string.Join(" and ", running)}." : null;
    }

    private string? Settled()
    {
        var place = _database.PlaceOf(Instance);
        // Without its volume it does not run, wherever it is ordered to.
        if (_database.KeeperOf(Volume) is not { } keeper)
            return null;
        // A host that was given up and is back may be taken for one that has the instance still, wherever the new volume is.
        // What is nowhere is reached by the keeper of its volume alone, and the order says so.
        if (place is null && _database.Find<MigrationDesired>("migration", Instance) is { } elsewhere && elsewhere.DestinationHost != keeper)
            return null;
        if (_database.Find<InstanceDesired>("instance", Instance) is not null && place is not null && place != keeper)
            return _isReplaced ? null : $"It is at {place}, and its volume at {keeper}.";
        if (_database.Newest[Catalog["host_volume_copy"]].Rows.Any(row => row.Desired is not null))
            return "A copy of its volume is left.";
        if (_database.Find<MigrationDesired>("migration", Instance) is { } order)
            return $"The order to {order.DestinationHost} stands: {_sparkle.State[Catalog["migration"]].Find(Instance)?.Current}";
        var isToRun = _database.Find<InstanceDesired>("instance", Instance)?.State == InstanceState.Running;
        var running = Hosts.Where(host => host.IsRunning).Select(host => (Guid?)host.Uuid).ToList();
        if (isToRun && (running.Count != 1 || running[0] != place))
            return $"It does not run at its place {place}, but at {string.Join(", ", running)}.";
        if (!isToRun && running.Count > 0)
            return "It runs, and is not to.";
        // A controller that did not see the deletion itself lets a copy stand still for ever: for it the database may have lost the row.
        var isKnown = _database.Find<InstanceDesired>("instance", Instance) is not null;
        if (Hosts.FirstOrDefault(host => host.Uuid != place && host.Domain is not null && (isKnown || host.Domain.Mark != Mark.Arriving)) is { } left)
            return $"Something is left on {left.Name}: {left.Domain!.Mark}.";
        if (!isKnown && Hosts.Any(host => host.Domain is not null))
            return null;
        var rows = _sparkle.State[Catalog["host_migration"]].Rows.ToList();
        return rows.Count == 0 ? null : $"Hosts are told, or say, still: {string.Join(", ", rows.Select(row => $"{row.Desired} {row.Current}"))}";
    }

    private void Say(string what)
    {
        if (IsTraced)
            _trace.Add($"        {what}");
    }

    private void Look()
    {
        if (!IsTraced)
            return;
        var order = _database.Find<MigrationDesired>("migration", Instance)?.DestinationHost;
        var line = $"{Short(_database.PlaceOf(Instance))}→{Short(order)} {_database.Find<InstanceDesired>("instance", Instance)?.State}{string.Concat(_links.Select(Line))}";
        if (_trace.LastOrDefault() != line)
            _trace.Add(line);
    }

    private string Line(Link link)
    {
        var host = link.Host;
        var key = RowKey.Of(host.Uuid.ToString(), Instance.ToString());
        var row = _sparkle.State[Catalog["host_migration"]].Find(key);
        var told = row?.Desired as HostMigrationDesired;
        var heard = row?.Current as HostMigrationCurrent;
        return $" | {host.Name}{(host.IsOn ? "" : " off")}{(link.IsInStep ? "" : " -")} {host.Domain?.Mark} {(host.Domain is { IsOn: true } ? $"{host.Domain.Memory.Start}" : "")}"
            + $" {host.Part?.Status}({Short(host.Part?.Turn)},{Short(host.Part?.PeerHost)}) told {host.Orders?.Told?.Role} {Short(host.Orders?.Told?.Turn)} ~ heard {heard?.Status}({Short(heard?.Turn)}) tells {told?.Role} {Short(told?.Turn)}";
    }

    private static string Short(Guid? uuid) => uuid?.ToString()[4..8] ?? "";
}
