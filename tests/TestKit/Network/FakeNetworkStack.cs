using System.Threading.Channels;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Links;
using PonyCloud.Twilight.Networks.Model;

namespace PonyCloud.TestKit.Network;

/// <summary>A host's network in memory, under the rules of the kernel.</summary>
public sealed class FakeNetworkStack : INetworkStack
{
    private readonly Lock _lock = new();
    private readonly List<NetworkStep> _applied = [];
    private readonly Channel<string> _events = Channel.CreateBounded<string>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });
    private KernelModel _model;

    public FakeNetworkStack(NetworkState? state = null) => _model = new KernelModel(state ?? NetworkState.Empty);

    public ChannelReader<string> Events => _events.Reader;

    /// <summary>What is there.</summary>
    public NetworkState State
    {
        get
        {
            lock (_lock)
            {
                return _model.State;
            }
        }
    }

    /// <summary>All that was carried out so far.</summary>
    public IReadOnlyList<NetworkStep> Applied
    {
        get
        {
            lock (_lock)
            {
                return [.. _applied];
            }
        }
    }

    /// <summary>Asked before each step; what it says is why the step fails. Null lets it be carried out.</summary>
    public Func<NetworkStep, string?>? Refuse { get; set; }

    /// <summary>Why nothing can be looked at or changed; null when it can.</summary>
    public string? Broken { get; set; }

    public Task<NetworkState> ScanAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Broken is { } why ? throw new NetworkException(why) : Task.FromResult(State);
    }

    public Task ApplyAsync(IReadOnlyList<NetworkStep> steps, CancellationToken cancellationToken)
    {
        foreach (var step in steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if ((Broken ?? Refuse?.Invoke(step)) is { } why)
                throw new NetworkException(why, step);
            lock (_lock)
            {
                _model.Apply(step);
                _applied.Add(step);
            }
            Announce("The network of the host changed.");
        }
        return Task.CompletedTask;
    }

    /// <summary>Somebody else changes something: a card is plugged in, a cable out, a link taken away.</summary>
    public void Change(Func<NetworkState, NetworkState> change)
    {
        lock (_lock)
        {
            _model = new KernelModel(change(_model.State));
        }
        Announce("Somebody changed the network.");
    }

    /// <summary>Somebody else changes a link of the host, or puts one there.</summary>
    public void Put(Link link, string space = NetworkState.Host) =>
        Change(state => state.With(space, state[space] with { Links = state[space].Links.SetItem(link.Name, link) }));

    private void Announce(string why) => _events.Writer.TryWrite(why);
}
