using System.Xml.Linq;
using PonyCloud.Twilight.Hypervisor;

namespace PonyCloud.TestKit.Hypervisor;

/// <summary>A domain of the fake. Whoever owns it holds its lock.</summary>
internal sealed class FakeDomain(ObservedDomain observed, string xml)
{
    private ObservedDomain _atNextStart = observed;

    public ObservedDomain Observed { get; private set; } = observed;

    public string Xml { get; private set; } = xml;

    public int VcpuMax => int.Parse(XElement.Parse(Xml).Element("vcpu")!.Value);

    public long MemoryMax => long.Parse(XElement.Parse(Xml).Element("memory")!.Value);

    /// <summary>What it was told that its disks have, bytes.</summary>
    public Dictionary<string, long> Sizes { get; } = [];

    public HashSet<(Guid Disk, string Snapshot)> Snapshots { get; } = [];

    private IEnumerable<Guid> Rows =>
        Observed.Interfaces.Select(card => card.Vnic).Concat(Observed.Disks.Select(disk => disk.Vdisk)).OfType<Guid>();

    /// <summary>Devices that the guest was asked to let go of.</summary>
    public HashSet<Guid> Asked { get; } = [];

    public static FakeDomain Parse(string xml)
    {
        XElement domain;
        try
        {
            domain = XElement.Parse(xml);
        }
        catch (System.Xml.XmlException exception)
        {
            throw new HypervisorException(HypervisorFailure.Failed, 27, $"The definition cannot be read: {exception.Message}");
        }
        return new FakeDomain(
            new ObservedDomain
            {
                Uuid = Guid.Parse(domain.Element("uuid")!.Value),
                Name = domain.Element("name")!.Value,
                State = DomainState.Off,
                Vcpu = int.Parse(domain.Element("vcpu")!.Attribute("current")?.Value ?? domain.Element("vcpu")!.Value),
                Memory = long.Parse((domain.Element("currentMemory") ?? domain.Element("memory"))!.Value),
                Metadata = domain.Element("metadata")?.Elements()
                    .FirstOrDefault(element => element.Name.NamespaceName == DomainMetadata.Namespace)?.ToString(),
            },
            xml);
    }

    public FakeDomain Redefined(FakeDomain by)
    {
        // A running domain keeps what it was started with; only the metadata of libvirt's live view would stay too.
        if (Observed.State == DomainState.Off)
            return new FakeDomain(by.Observed with { State = Observed.State, Reason = Observed.Reason, Restarts = Observed.Restarts }, by.Xml);
        _atNextStart = by.Observed;
        Xml = by.Xml;
        return this;
    }

    public void Boot(bool paused) => Observed = _atNextStart with
    {
        Restarts = Observed.Restarts,
        State = paused ? DomainState.Paused : DomainState.Running,
        Reason = paused ? DomainReason.PausedByOrder : DomainReason.Other,
        Interfaces = _atNextStart.Metadata is null ? [] : ObservedInterface.AllOf(Xml),
        Disks = _atNextStart.Metadata is null ? [] : ObservedDisk.AllOf(Xml),
    };

    public void Resize(int vcpu, long memory) => Observed = Observed with { Vcpu = vcpu, Memory = memory };

    public void SetAgent(bool isThere) => Observed = Observed with { HasAgent = isThere };

    public void Restart() => Observed = Observed with { Restarts = Observed.Restarts + 1 };

    /// <summary>A copy of another, which is not whole yet.</summary>
    public static FakeDomain Incoming(string xml)
    {
        var domain = Parse(xml);
        domain.Boot(paused: true);
        domain.Set(DomainState.Paused, DomainReason.InTransition);
        return domain;
    }

    public void SetMark(DomainMetadata mark)
    {
        var metadata = mark.ToXml().ToString();
        Observed = Observed with { Metadata = metadata };
        _atNextStart = _atNextStart with { Metadata = metadata };
    }

    public void Plug(FakeDevice device)
    {
        if (device.Row is { } row && Rows.Contains(row))
            throw new HypervisorException(HypervisorFailure.Failed, 67, "A device has this alias.");
        if (device.Disk is { } disk)
        {
            Refuse(disk.Bus is not ("virtio" or "scsi"), "Nothing is plugged into this bus.");
            Refuse(Observed.Disks.Any(other => other.Target == disk.Target), "The target is taken.");
        }
        Observed = device.Card is { } card
            ? Observed with { Interfaces = [.. Observed.Interfaces, card] }
            : Observed with { Disks = [.. Observed.Disks, device.Disk!] };
    }

    public Guid DeviceOf(string alias) => DeviceAlias.RowOf(alias) is { } row && Rows.Contains(row)
        ? row
        : throw new HypervisorException(HypervisorFailure.NoSuchDevice, 99, "The domain has no such device.");

    public void Update(FakeDevice device)
    {
        if (device.Disk is { } drive)
        {
            Change(drive.Target, before =>
            {
                Refuse(!before.IsCdrom || before.Bus != drive.Bus, "Only what is in a CD-ROM drive can be changed.");
                return before with { Source = drive.Source };
            });
            return;
        }
        var card = device.Card!;
        var seen = Observed.Interfaces.FirstOrDefault(other => other.Vnic == card.Vnic)
            ?? throw new HypervisorException(HypervisorFailure.NoSuchDevice, 99, "The domain has no such device.");
        Refuse(seen with { IsUp = card.IsUp } != card, "Only the link of a card can be changed.");
        Observed = Observed with { Interfaces = [.. Observed.Interfaces.Select(other => other == seen ? card : other)] };
    }

    public void Change(string target, Func<ObservedDisk, ObservedDisk> change)
    {
        if (Observed.Disks.All(disk => disk.Target != target))
            throw new HypervisorException(HypervisorFailure.Failed, 8, "The domain has no such disk.");
        Observed = Observed with { Disks = [.. Observed.Disks.Select(disk => disk.Target == target ? change(disk) : disk)] };
    }

    /// <summary>The guest lets go of what it was asked for; what is in no slot stays.</summary>
    public void Release()
    {
        Observed = Observed with
        {
            Interfaces = [.. Observed.Interfaces.Where(card => card.Vnic is not { } vnic || !Asked.Contains(vnic))],
            Disks = [.. Observed.Disks.Where(disk => disk.Vdisk is not { } vdisk || !Asked.Contains(vdisk))],
        };
        Asked.Clear();
    }

    public void Set(DomainState state, DomainReason reason, DomainCause cause = DomainCause.None)
    {
        if (state == DomainState.Off)
        {
            Asked.Clear();
            Sizes.Clear();
        }
        Observed = (state == DomainState.Off ? _atNextStart : Observed) with
        {
            State = state,
            Reason = reason,
            Cause = cause,
            Restarts = Observed.Restarts,
        };
    }

    private static void Refuse(bool isWrong, string why)
    {
        if (isWrong)
            throw new HypervisorException(HypervisorFailure.Failed, 84, why);
    }
}
