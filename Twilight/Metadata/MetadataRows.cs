using System.Collections.Immutable;
using System.Net;
using System.Threading.Channels;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Twilight.Instances;
using PonyCloud.Twilight.Networks.Layout;
using PonyCloud.Twilight.Reconciliation;

namespace PonyCloud.Twilight.Metadata;

/// <summary>The newest rows of the host, as they are told to its instances. Without Sparkle these are the last that it sent.</summary>
/// <remarks>It reports nothing: it is a reconciler since these are who is told of rows.</remarks>
public sealed class MetadataRows(Guid host, EntityCatalog catalog, IInstanceCards cards) : IHostReconciler
{
    private readonly Channel<HostOutput> _output = Channel.CreateUnbounded<HostOutput>();
    private Indexed _newest = new(null, () => new MetadataIndex(SwitchOrders.None, ImmutableHashSet<Guid>.Empty));
    private Indexed? _planned;

    /// <inheritdoc/>
    public ChannelReader<HostOutput> Output => _output.Reader;

    /// <inheritdoc/>
    public void DesiredChanged(StateSnapshot replica, IReadOnlySet<Guid>? released) => Volatile.Write(ref _newest, Index(replica));

    /// <summary>The instance with the address on the switch; null when it is nobody's.</summary>
    public InstanceMetadata? Find(Guid @switch, IPAddress address)
    {
        var index = Volatile.Read(ref _newest).Index;
        return index.OwnerOf(@switch, address) is { } instance ? index.Of(instance, MtuOf) : null;
    }

    /// <summary>An instance; null when it has no place here.</summary>
    public InstanceMetadata? Find(Guid instance) => Volatile.Read(ref _newest).Index.Of(instance, MtuOf);

    /// <summary>An instance as it is in rows that need not be the newest: a plan is made of one state of them.</summary>
    public InstanceMetadata? Find(StateSnapshot replica, Guid instance)
    {
        if (Volatile.Read(ref _newest) is var newest && newest.Replica == replica)
            return newest.Index.Of(instance, MtuOf);
        if (Volatile.Read(ref _planned) is not { } planned || planned.Replica != replica)
            Volatile.Write(ref _planned, planned = Index(replica));
        return planned.Index.Of(instance, MtuOf);
    }

    /// <inheritdoc/>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        _output.Writer.TryWrite(new HostOutput.Rows([]));
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        finally
        {
            _output.Writer.TryComplete();
        }
    }

    private Indexed Index(StateSnapshot replica) => new(replica, () => new MetadataIndex(
        SwitchOrders.Read(replica, catalog, host),
        TypedRows.In<VdiskDesired>(replica, catalog["vdisk"]).Select(disk => disk.Instance).ToHashSet()));

    private int? MtuOf(Guid card) => cards.Of(card).Mtu;

    /// <summary>Rows come far more often than somebody asks for them.</summary>
    private sealed class Indexed(StateSnapshot? replica, Func<MetadataIndex> make)
    {
        private readonly Lazy<MetadataIndex> _index = new(make);

        public StateSnapshot? Replica => replica;

        public MetadataIndex Index => _index.Value;
    }
}
