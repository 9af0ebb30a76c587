using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Messaging;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Session;

namespace PonyCloud.TestKit.Control;

/// <summary>A host of the simulated platform: a real link to Sparkle, and a hypervisor that does at once what it is told.</summary>
public sealed class SimulatedHost
{
    private static readonly MessageCodec Codec = new(SimulatedPlatform.Catalog);

    private readonly SimulatedPlatform _platform;
    private readonly long _memory;
    private readonly Dictionary<Guid, InstanceDesired> _domains = [];
    private readonly List<Message> _heard = [];
    private SparkleLink? _link;
    private long _seen;

    public SimulatedHost(SimulatedPlatform platform, Guid uuid, long memory)
    {
        _platform = platform;
        _memory = memory;
        Uuid = uuid;
        Origin = OriginOf(uuid);
        platform.Hosts.Add(this);
    }

    public Guid Uuid { get; }

    /// <summary>The routing id, another one at each start.</summary>
    public PeerId Peer { get; private set; }

    /// <summary>The key and address that Sparkle's transport sees; null as from one that proves nothing.</summary>
    public PeerOrigin? Origin { get; set; }

    /// <summary>What the agent shows when Sparkle does not know it; from its next start on.</summary>
    public string? EnrolmentToken { get; set; }

    /// <summary>Why Sparkle does not take it for the host; null when it does.</summary>
    public string? Refusal => _link!.Refusal;

    /// <summary>All messages that came, oldest first.</summary>
    public IReadOnlyList<Message> Heard => _heard;

    /// <summary>Whether messages go through, both ways.</summary>
    public bool IsReachable { get; set; } = true;

    /// <summary>Whether the agent does what it is told; when not, orders arrive and nothing comes of them.</summary>
    public bool Obeys { get; set; } = true;

    /// <summary>The domains that run here.</summary>
    public IReadOnlyCollection<Guid> Domains => _domains.Keys;

    /// <summary>The desired rows as they were received.</summary>
    public IEnumerable<Row> DesiredRows(string entity) =>
        _link!.Replica[SimulatedPlatform.Catalog[entity]].Rows.Where(row => row.Desired is not null);

    /// <summary>A key and an address that belong to a uuid; nobody holds the key.</summary>
    public static PeerOrigin OriginOf(Guid uuid, string address = "192.0.2.1") => new($"{uuid:N}00000000", address);

    /// <summary>Starts the agent, or kills it and starts another; domains go on.</summary>
    public void Start()
    {
        Peer = new PeerId(_platform.Entropy.NextId());
        _link = new SparkleLink(SimulatedPlatform.Catalog, Uuid, _platform.Entropy, TimeSpan.FromSeconds(15), enrolmentToken: EnrolmentToken);
        _seen = 0;
        Report();
    }

    /// <summary>Says something in the name of this host, whatever it is.</summary>
    public void Say(Message message) => Send([message]);

    /// <summary>Reports a row, whatever it is, in the host's own stream.</summary>
    public void Report(object current)
    {
        var entity = SimulatedPlatform.Catalog.All.Single(candidate => candidate.Current?.Type == current.GetType());
        Send(_link!.CurrentChanged([RowChange.Set(entity, RowPart.Current, current)], _platform.Time.Elapsed));
    }

    internal void Receive(byte[] body)
    {
        _heard.Add(Codec.Decode(body));
        Send(_link!.Receive(body, _platform.Time.Elapsed));
        if (!_link.IsDesiredKnown || _link.DesiredVersion == _seen || !Obeys)
            return;
        _seen = _link.DesiredVersion;
        var wanted = DesiredRows("host_instance")
            .Select(place => _link.Replica[SimulatedPlatform.Catalog["instance"]].Find(RowKey.Of(place.Key.Parts[1]))?.Desired)
            .OfType<InstanceDesired>()
            .ToDictionary(instance => instance.Uuid);
        foreach (var gone in _domains.Keys.Except(wanted.Keys).ToArray())
            _domains.Remove(gone);
        foreach (var (uuid, instance) in wanted)
            _domains[uuid] = instance;
        Report();
    }

    internal void Tick() => Send(_link!.Tick(_platform.Time.Elapsed));

    private void Report()
    {
        var catalog = SimulatedPlatform.Catalog;
        var current = new List<RowChange>
        {
            RowChange.Set(catalog["host"], RowPart.Current, new HostCurrent
            {
                Uuid = Uuid, AgentVersion = "0", BootId = "b", Kernel = "k", CpuModel = "m", CpuThreads = 8, MemoryTotal = _memory, Hypervisor = "QEMU",
            }),
        };
        current.AddRange(_domains.Values.Select(domain => RowChange.Set(catalog["host_instance"], RowPart.Current, new HostInstanceCurrent
        {
            Host = Uuid,
            Instance = domain.Uuid,
            Status = domain.State == InstanceState.Running ? InstanceStatus.Running : InstanceStatus.Stopped,
            Mem = domain.Mem,
        })));
        var gone = _link!.Replica[catalog["host_instance"]].Rows
            .Where(row => row.Current is not null && !_domains.ContainsKey(Guid.Parse(row.Key.Parts[1])))
            .Select(row => RowChange.Remove(catalog["host_instance"], RowPart.Current, row.Key));
        Send(_link.CurrentChanged([.. current, .. gone], _platform.Time.Elapsed));
    }

    private void Send(IEnumerable<Message> messages)
    {
        foreach (var message in messages)
        {
            if (IsReachable)
                _platform.ToSparkle(Peer, Codec.Encode(message), Origin);
        }
    }
}
