using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Outage;

namespace PonyCloud.Sparkle.Tests.Outage;

/// <summary>Orders to take, each with everything valid.</summary>
internal static class Orders
{
    public static readonly EntityCatalog Catalog = EntityCatalog.Load();

    public static readonly LetGoOptions Options = new() { Directory = "/nowhere" };

    public static HostDesired Host(int number) => new() { Uuid = new Guid(number, 0, 0, new byte[8]), Name = $"höst \"{number}\"\n" };

    public static LetGoOrder Of(HostDesired basis, HostState state) => new(
        Guid.NewGuid(), Catalog["host"], RowKey.Of(basis.Uuid), basis, basis with { State = state }, "a@b", null, DateTimeOffset.UnixEpoch);

    /// <summary>An order to stop an instance.</summary>
    public static LetGoOrder Stop(Guid? instance = null)
    {
        var running = new InstanceDesired { Uuid = instance ?? Guid.NewGuid(), Tenant = Guid.NewGuid(), Name = "web", Mem = 64, State = InstanceState.Running };
        return new LetGoOrder(
            Guid.NewGuid(), Catalog["instance"], RowKey.Of(running.Uuid), running, running with { State = InstanceState.Stopped },
            "owner@a.example", running.Tenant.ToString(), DateTimeOffset.UnixEpoch.AddYears(50));
    }

    /// <summary>A journal on a disk, as a process that starts now finds it.</summary>
    public static OrderJournal Open(FakeDisk disk, LetGoOptions? options = null)
    {
        var (a, b) = disk.Open();
        return new OrderJournal(a, b, Catalog, options ?? Options, TimeProvider.System);
    }

    /// <summary>What tells orders apart, in a fixed order.</summary>
    public static string[] Ids(IEnumerable<LetGoOrder> orders) => [.. orders.Select(order => order.Id.ToString()).Order(StringComparer.Ordinal)];
}
