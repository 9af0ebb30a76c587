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
    private Lazy<MetadataIndex> _index = new(() => new MetadataIndex(SwitchOrders.None));

    /// <inheritdoc/>
    public ChannelReader<HostOutput> Output => _output.Reader;

    /// <inheritdoc/>
    /// <remarks>Rows come far more often than somebody asks for them.</remarks>
    public void DesiredChanged(StateSnapshot replica, IReadOnlySet<Guid>? released) =>
        Volatile.Write(ref _index, new Lazy<MetadataIndex>(() => new MetadataIndex(SwitchOrders.Read(replica, catalog, host))));

    /// <summary>The instance with the address on the switch; null when it is nobody's.</summary>
    public InstanceMetadata? Find(Guid @switch, IPAddress address)
    {
        var index = Volatile.Read(ref _index).Value;
        return index.OwnerOf(@switch, address) is { } instance ? index.Of(instance, MtuOf) : null;
    }

    /// <summary>An instance; null when it has no place here.</summary>
    public InstanceMetadata? Find(Guid instance) => Volatile.Read(ref _index).Value.Of(instance, MtuOf);

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

    private int? MtuOf(Guid card) => cards.Of(card).Mtu;
}
