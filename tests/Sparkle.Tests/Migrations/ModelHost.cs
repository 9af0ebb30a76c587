using PonyCloud.Shared.Entities;

namespace PonyCloud.Sparkle.Tests.Migrations;

internal enum Mark
{
    None,
    Leaving,

    /// <summary>Its copy is whole, and it ended with it.</summary>
    Left,
    Arriving,
}

/// <summary>A domain of the instance on a host of the model.</summary>
internal sealed class ModelDomain
{
    public bool IsOn { get; set; }

    public Mark Mark { get; set; }

    /// <summary>The hypervisor knows that it ended since it was migrated, until the hypervisor itself ends.</summary>
    public bool WasSent { get; set; }

    public GuestMemory Memory { get; set; }

    /// <summary>The generation of the volume's content that it has open.</summary>
    public int Disk { get; set; }
}

/// <summary>What the controller tells a host: the instance, whether it has the place, its part of a migration, and what it has of the volume.</summary>
/// <param name="Generation">Of the content of the volume that counts.</param>
internal sealed record ModelOrders(
    InstanceState? Wanted, bool HasPlace, HostMigrationDesired? Told, int Generation, bool IsKeeper, HostVolumeCopyDesired? Copy);

/// <summary>
/// One host as Twilight/Migrations/README.md says it: the agent of few lines, that forgets everything when it restarts but what is in
/// the domain, and a hypervisor that copies step by step.
/// </summary>
internal sealed class ModelHost(Guid uuid, Guid instance, Guid volume, Random random, GuestLedger guest, DiskLedger disk, Func<Guid, ModelHost?> reach)
{
    // An empty one has no version.
    private const int Empty = -1;

    private readonly List<Guid> _tried = [];
    private string? _ticket;
    private Guid? _peer;
    private Guid? _sentTo; // In the mark, so it lasts.
    private ModelHost? _to;
    private ModelHost? _from;
    private int _fills;
    private bool _isWhole;
    private string? _failure;

    public Guid Uuid => uuid;

    public string Name => uuid.ToString()[6..8];

    public bool IsOn { get; private set; } = true;

    public bool HasHypervisor { get; private set; } = true;

    public ModelDomain? Domain { get; private set; }

    public ModelOrders? Orders { get; set; }

    /// <summary>Versions of the volume's content, by generation. What nobody needs stays: it must never be taken for anything.</summary>
    public Dictionary<int, int> Contents { get; } = [];

    /// <summary>What it says of the volume, or of a copy of it.</summary>
    public IEnumerable<object> Stored
    {
        get
        {
            if (Orders is { IsKeeper: true, Generation: var generation })
            {
                yield return new HostVolumeCurrent
                {
                    Host = uuid,
                    Volume = volume,
                    Status = Contents.ContainsKey(generation) ? StorageStatus.Ready : StorageStatus.Broken,
                    Generation = Contents.ContainsKey(generation) ? generation : null,
                };
            }
            if (Orders?.Copy is { Generation: { } number })
            {
                yield return new HostVolumeCopyCurrent
                {
                    Host = uuid,
                    Volume = volume,
                    Status = Contents.ContainsKey(number) ? StorageStatus.Ready : StorageStatus.Preparing,
                    Generation = number,
                };
            }
        }
    }

    public bool IsRunning => IsOn && Domain is { IsOn: true, Mark: not Mark.Arriving } && !_isWhole;

    public bool IsSending => _to is not null;

    public HostInstanceCurrent? Instance => Domain is null && Orders is not { HasPlace: true } ? null : new HostInstanceCurrent
    {
        Host = uuid,
        Instance = instance,
        Status = Domain switch
        {
            null => InstanceStatus.Waiting,
            { Mark: Mark.Arriving } => InstanceStatus.Paused,
            { IsOn: true } => InstanceStatus.Running,
            _ => InstanceStatus.Stopped,
        },
    };

    public HostMigrationCurrent? Part => StatusOf() is not { } status ? null : new HostMigrationCurrent
    {
        Host = uuid,
        Instance = instance,
        Status = status,
        Turn = Orders?.Told?.Turn,
        PeerHost = status == HostMigrationStatus.Left && Domain is not { Mark: Mark.Left } ? null : Domain?.Mark == Mark.Left ? _sentTo : _peer,
        Ticket = status is HostMigrationStatus.Ready ? _ticket : GivesContent ? $"content of {Name}" : null,
        Progress = status == HostMigrationStatus.Sending ? 50 : null,
        Why = status == HostMigrationStatus.Broken ? _failure : null,
    };

    /// <summary>The agent does what it was told, a step of it; the hypervisor copies, the guest runs.</summary>
    public void Step()
    {
        if (!IsOn)
            return;
        if (Orders is { } stored)
            Store(stored);
        if (HasHypervisor && Orders is { } orders)
            Act(orders);
        if (_to is not null)
            Copy();
        if (IsRunning)
        {
            Domain!.Memory = guest.Run(Domain.Memory, Name);
            Contents[Domain.Disk] = disk.Write(Contents[Domain.Disk], Name);
        }
    }

    private bool GivesContent => Orders?.Told?.Role == MigrationRole.Send && StatusOf() == HostMigrationStatus.Left && Domain is not null;

    /// <summary>Room is made for a copy, or it is read from the host that keeps the volume, whole or not at all.</summary>
    private void Store(ModelOrders orders)
    {
        if (orders.Copy is not { Generation: { } generation } copy || Contents.ContainsKey(generation) || random.Next(3) > 0)
            return;
        if (copy.Fill == CopyFill.Hypervisor)
            Contents[generation] = Empty;
        else if (orders.Told is { Role: MigrationRole.Stay, Endpoint: not null, Ticket: { } ticket } door
            && reach(door.PeerHost) is { GivesContent: true } source && ticket == $"content of {source.Name}"
            && source.Contents.TryGetValue(orders.Generation, out var version))
            Contents[generation] = version;
    }

    public void RestartAgent()
    {
        Break("The agent was restarted.");
        _from?.Break("The agent of the destination was restarted.");
        _tried.Clear();
        _ticket = null;
        _peer = null;
        Orders = null;
    }

    public void KillHypervisor()
    {
        if (!IsOn)
            return;
        HasHypervisor = false;
        Forget();
        Break("The hypervisor died.");
        _from?.Break("The hypervisor of the destination died.");
    }

    public void ReturnHypervisor() => HasHypervisor = true;

    public void PowerOff()
    {
        if (!IsOn)
            return;
        _to?.Dropped();
        _to = null;
        _isWhole = false;
        _from?.Break("The destination died.");
        if (Domain is { } domain)
        {
            // Where it ended is where it ended: a copy that became whole a moment before may be old, and is not taken.
            if (domain.IsOn && (domain.Mark != Mark.Arriving || Holders?.Invoke(this, domain.Memory) != true))
                guest.End(domain.Memory);
            Forget();
            domain.IsOn = false;
            if (domain.Mark == Mark.Arriving)
                Domain = null;
        }
        RestartAgent();
        IsOn = false;
    }

    public void PowerOn() => IsOn = true;

    /// <summary>The machine was set up anew.</summary>
    public void Wipe()
    {
        Domain = null;
        Contents.Clear();
    }

    /// <summary>The guest ends by itself.</summary>
    public void EndGuest()
    {
        if (!IsRunning)
            return;
        guest.End(Domain!.Memory);
        Domain.IsOn = false;
        Break("The guest ended.");
    }

    public void CutCopy() => Break("The connection was lost.");

    /// <summary>What only the hypervisor knew; then nobody knows whether the copy is the instance, and it is a loss like that of a host.</summary>
    private void Forget()
    {
        if (Domain is not { WasSent: true } domain)
            return;
        domain.WasSent = false;
        if (domain.Mark == Mark.Leaving)
            guest.End(domain.Memory);
    }

    /// <summary>Whether another host holds the same memory.</summary>
    public Func<ModelHost, GuestMemory, bool>? Holders { get; set; }

    private HostMigrationStatus? StatusOf()
    {
        var told = Orders?.Told;
        if (Domain is { Mark: Mark.Arriving })
            return HostMigrationStatus.Arrived;
        if (_from is not null)
            return HostMigrationStatus.Receiving;
        if (_to is not null || Domain is { Mark: Mark.Leaving, WasSent: true })
            return HostMigrationStatus.Sending;
        if (Domain is { IsOn: false, Mark: Mark.Leaving or Mark.Left })
            return HostMigrationStatus.Left;
        if (Domain is { Mark: Mark.Leaving } && told is null)
            return HostMigrationStatus.Here;
        return told?.Role switch
        {
            null => null,
            MigrationRole.Receive when Domain is null => _ticket is null ? HostMigrationStatus.Preparing : HostMigrationStatus.Ready,
            MigrationRole.Stay when Domain is null && Orders is { HasPlace: false } => HostMigrationStatus.Left,
            MigrationRole.Send when _tried.Contains(told.Turn) => HostMigrationStatus.Broken,
            MigrationRole.Discard => null,
            _ => HostMigrationStatus.Here,
        };
    }

    private void Act(ModelOrders orders)
    {
        var told = orders.Told;
        if (Domain is { Mark: Mark.Leaving, WasSent: true })
            Domain.Mark = Mark.Left;
        if (Domain is { Mark: Mark.Arriving } copy)
        {
            if (told?.Role == MigrationRole.Take)
            {
                copy.Mark = Mark.None;
            }
            else if (told?.Role == MigrationRole.Discard)
            {
                guest.LetGo(copy.Memory, orders.Wanted is null || Holders?.Invoke(this, copy.Memory) == true, Name);
                Domain = null;
            }
            return;
        }
        if (told?.Role != MigrationRole.Receive && _from is null)
            _ticket = null;
        switch (told?.Role)
        {
            case MigrationRole.Receive when Domain is null && _from is null && _ticket is null && random.Next(3) > 0:
                _ticket = $"ticket {random.Next()}";
                break;
            case MigrationRole.Send:
                Leave(told);
                break;
            case MigrationRole.Stay or MigrationRole.Keep or null when _to is not null:
                if (random.Next(3) > 0)
                    Break("It was withdrawn.");
                return;
            case MigrationRole.Stay or null when Domain is { IsOn: true }:
            case MigrationRole.Keep when Domain is not null:
                Domain.Mark = Mark.None;
                break;
        }
        Reconcile(orders);
    }

    private void Leave(HostMigrationDesired told)
    {
        // Where there is none one is made: the mark is to last.
        if (Domain is null && _from is null && Orders!.HasPlace)
            Domain = new ModelDomain();
        if (Domain is { IsOn: false })
        {
            if (Domain.Mark == Mark.None)
                Domain.Mark = Mark.Leaving;
            return;
        }
        if (Domain is null || _to is not null || told.Endpoint is null || _tried.Contains(told.Turn))
            return;
        Domain.Mark = Mark.Leaving;
        _peer = told.PeerHost;
        _tried.Add(told.Turn);
        _failure = "The destination did not answer.";
        if (reach(told.PeerHost) is { } destination && destination.Admits(told.Ticket, this))
            _to = destination;
    }

    private bool Admits(string? ticket, ModelHost source)
    {
        if (!IsOn || !HasHypervisor || _ticket is null || ticket != _ticket || Domain is not null || _from is not null
            || Orders?.Copy is not { Fill: CopyFill.Hypervisor, Generation: { } generation } || !Contents.ContainsKey(generation))
            return false;
        _fills = generation;
        _ticket = null;
        _from = source;
        _peer = source.Uuid;
        return true;
    }

    /// <summary>The place decides as ever: it is started where it is to run, stopped where it is not, removed where it has no place.</summary>
    private void Reconcile(ModelOrders orders)
    {
        if (!orders.HasPlace)
        {
            if (Domain is null || _from is not null)
                return;
            Break("It was removed.");
            if (Domain.IsOn)
            {
                guest.LetGo(Domain.Memory, orders.Wanted is null || Holders?.Invoke(this, Domain.Memory) == true, Name);
                guest.End(Domain.Memory);
            }
            Domain = null;
            _peer = null;
        }
        else if (orders.Wanted != InstanceState.Running)
        {
            if (Domain is { IsOn: true } && _from is null && !_isWhole)
            {
                Break("It was stopped.");
                guest.End(Domain.Memory);
                Domain.IsOn = false;
            }
        }
        else if (Domain is not { IsOn: true } && Domain?.Mark is not (Mark.Leaving or Mark.Left) && _from is null
            && orders.Told?.Role is not (MigrationRole.Send or MigrationRole.Receive)
            && orders.IsKeeper && Contents.ContainsKey(orders.Generation) && random.Next(3) > 0)
        {
            _peer = null;
            Domain = new ModelDomain
            {
                IsOn = true,
                Memory = guest.Start(Name),
                Disk = orders.Generation,
            };
        }
    }

    /// <summary>What the hypervisor does: it copies, the copy becomes whole and stands still, and then the source ends.</summary>
    private void Copy()
    {
        var dice = random.Next(20);
        if (_isWhole)
        {
            if (dice < 15)
            {
                // The destination may have said that it is whole, and died.
                if (Holders?.Invoke(this, Domain!.Memory) != true)
                    guest.End(Domain!.Memory);
                Domain!.IsOn = false;
                Domain.WasSent = true;
                _sentTo = _to!.Uuid;
                _isWhole = false;
                _to = null;
            }
            else if (dice == 19)
            {
                Break("The connection was lost at the very end.");
            }
        }
        else if (dice < 6)
        {
            _isWhole = true;
            _to!.Become(Domain!.Memory, Contents[Domain.Disk]);
        }
        else if (dice == 19)
        {
            Break("The connection was lost.");
        }
    }

    private void Become(GuestMemory memory, int version)
    {
        _from = null;
        Contents[_fills] = version;
        Domain = new ModelDomain
        {
            IsOn = true,
            Mark = Mark.Arriving,
            Memory = memory,
            Disk = _fills,
        };
    }

    /// <summary>The copying ends, and the guest goes on at the source.</summary>
    private void Break(string why)
    {
        if (_to is null)
            return;
        _failure = why;
        _to.Dropped();
        _to = null;
        _isWhole = false;
    }

    private void Dropped() => _from = null;
}
