using System.Collections.Immutable;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using PonyCloud.Twilight.Networks;
using PonyCloud.Twilight.Networks.Model;
using PonyCloud.Twilight.Networks.Namespaces;
using PonyCloud.Twilight.Networks.Serving;
using PonyCloud.Twilight.Tools;

namespace PonyCloud.Twilight.Metadata.Serving;

/// <summary>A door for the guests of each switch that has an IPv4 network which the platform serves, in the namespace of the switch.</summary>
public sealed partial class MetadataServices : ISwitchServices, IAsyncDisposable
{
    // As often it is looked whether the namespaces are those that the doors are in.
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(2);

    private readonly GuestDoors _doors;
    private readonly NamespaceSockets _sockets;
    private readonly IToolRunner _tools;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Dictionary<Guid, GuestDoor> _open = [];

    public MetadataServices(GuestDoors doors, NamespaceSockets sockets, IToolRunner tools, TimeProvider time, ILogger<MetadataServices> logger)
    {
        _doors = doors;
        _sockets = sockets;
        _tools = tools;
        _time = time;
        _logger = logger;
        _connections = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), logger);
    }

    /// <inheritdoc/>
    public async Task<ServingReport> ApplyAsync(IReadOnlyList<SwitchService> wanted, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var served = wanted.Where(service => ServedNetworks.Of(service.Networks).Networks.Any(network => !network.IsIpv6)).Select(service => service.Switch).ToHashSet();
        foreach (var other in _open.Keys.Where(one => !served.Contains(one)).ToList())
            await CloseAsync(other);
        var problems = ImmutableSortedDictionary.CreateBuilder<Guid, ImmutableArray<string>>();
        if (served.Count == 0)
            return new ServingReport(problems.ToImmutable(), null);
        try
        {
            var namespaces = await NamespaceInodes.ReadAsync(_tools, served, cancellationToken);
            foreach (var one in served)
            {
                if (await OpenAsync(one, namespaces.GetValueOrDefault(one)) is { } why)
                    problems[one] = [$"Guests cannot read their metadata: {why}"];
            }
        }
        catch (ToolException exception)
        {
            // Nothing is known of the namespaces, so what is there goes on.
            foreach (var one in served)
                problems[one] = [exception.Message];
        }
        return new ServingReport(problems.ToImmutable(), Pace);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var one in _open.Keys.ToList())
            await CloseAsync(one);
        _connections.Dispose();
    }

    /// <returns>Why there is no door, in words.</returns>
    private async Task<string?> OpenAsync(Guid @switch, string? inode)
    {
        if (_open.TryGetValue(@switch, out var door))
        {
            if (door.Namespace == inode && !door.IsBroken)
                return null;
            await CloseAsync(@switch);
        }
        if (inode is null)
            return "there is no namespace.";
        try
        {
            var socket = _sockets.Listen(@switch, MetadataAddress.EndPoint);
            _open.Add(@switch, new GuestDoor(@switch, inode, socket, _doors, _connections, _time, _logger));
            LogOpened(@switch);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or SocketException)
        {
            return exception.Message;
        }
    }

    private async Task CloseAsync(Guid @switch)
    {
        if (_open.Remove(@switch, out var door))
            await door.DisposeAsync();
    }

    [LoggerMessage(EventId = 3801, Level = LogLevel.Information, Message = "Guests of switch {Switch} can read their metadata.")]
    private partial void LogOpened(Guid @switch);
}
